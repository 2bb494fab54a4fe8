"""What is not, byte for byte, the backup that was made is refused, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.core.backups.conftest import ROWS, Saved
from validate_updates.backups import BackupPolicy
from validate_updates.backups.manifest import NAME
from validate_updates.errors import TargetError, UpdateError, UsageError

Doctor = Callable[[Path, Path], None]
"""Does something to (the backup's first data file, its manifest)."""


def files_of(saved: Saved, name: str) -> tuple[Path, Path]:
    [data] = [path for path in saved.folder.iterdir() if path.name.startswith(name) and path.suffix != ".json"]
    return data, saved.folder / f"{name}.json"


def truncated(data: Path, _manifest: Path) -> None:
    os.truncate(data, data.stat().st_size // 2)


def emptied(data: Path, _manifest: Path) -> None:
    os.truncate(data, 0)


def a_flipped_bit(data: Path, _manifest: Path) -> None:
    """In a value, where SQLite's own check sees nothing."""
    whole = data.read_bytes()
    assert whole.count(b"name 77") == 1
    data.write_bytes(whole.replace(b"name 77", b"name 76"))


def gone(data: Path, _manifest: Path) -> None:
    data.unlink()


def a_link(data: Path, _manifest: Path) -> None:
    elsewhere = data.with_name("elsewhere")
    data.rename(elsewhere)
    data.symlink_to(elsewhere)


def a_pipe(data: Path, _manifest: Path) -> None:
    data.unlink()
    os.mkfifo(data)


def a_folder(data: Path, _manifest: Path) -> None:
    data.unlink()
    data.mkdir()


def a_manifest_that_is_a_link(_data: Path, manifest: Path) -> None:
    elsewhere = manifest.with_name("elsewhere")
    manifest.rename(elsewhere)
    manifest.symlink_to(elsewhere)


def edited(**changes: Any) -> Doctor:
    def doctor(_data: Path, manifest: Path) -> None:
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))

    return doctor


def written(content: bytes) -> Doctor:
    def doctor(_data: Path, manifest: Path) -> None:
        manifest.write_bytes(content)

    return doctor


def edited_file(**changes: Any) -> Doctor:
    def doctor(_data: Path, manifest: Path) -> None:
        whole = json.loads(manifest.read_text())
        whole["files"][0] |= changes
        manifest.write_text(json.dumps(whole))

    return doctor


def edited_table(**changes: Any) -> Doctor:
    def doctor(_data: Path, manifest: Path) -> None:
        whole = json.loads(manifest.read_text())
        whole["contents"]["tables"][0] |= changes
        manifest.write_text(json.dumps(whole))

    return doctor


DOCTORS: dict[str, Doctor] = {
    "truncated": truncated,
    "emptied": emptied,
    "a flipped bit": a_flipped_bit,
    "gone": gone,
    "a link": a_link,
    "a pipe": a_pipe,
    "a folder": a_folder,
    "a manifest that is a link": a_manifest_that_is_a_link,
    "an empty manifest": written(b""),
    "no JSON": written(b"\xff\xfe{"),
    "deep JSON": written(b"[" * 100_000),
    "a huge manifest": written(b" " * 5_000_000),
    "JSON of somebody else": written(b'{"name": "x"}'),
    "another format": edited(format="validate-updates backup 2"),
    "unknown fields": edited(shell="rm"),
    "the name of another": edited(name="20260102-030405-abcdef"),
    "a time without a zone": edited(created_at="2026-01-02T03:04:05"),
    "no files": edited(files=[]),
    "no tables": edited(contents={"tables": []}),
    "a path for a file": edited_file(suffix="../../target.db"),
    "another file": edited_file(suffix="2.copy"),
    "another sha256": edited_file(sha256="0" * 64),
    "another size": edited_file(size=5),
    "size 0": edited_file(size=0),
    "other rows": edited_table(rows=len(ROWS) - 1),
    "another table": edited_table(name="other"),
    "another definition": edited_table(fingerprint="0" * 64),
    "other columns": edited_table(columns=["id", "name", "other"]),
}


@pytest.mark.parametrize("doctor", DOCTORS.values(), ids=DOCTORS)
def test_a_doctored_backup_is_refused_and_changes_nothing(saved: Saved, doctor: Doctor) -> None:
    made = saved.create()
    saved.spoil()
    spoilt = saved.rows()
    doctor(*files_of(saved, made.name))
    before = sorted(saved.folder.iterdir())

    with pytest.raises(TargetError) as caught:
        saved.restore(made.name)

    assert any(word in caught.value.message for word in (made.name, "other columns", "there is no table"))
    assert saved.rows() == spoilt
    assert sorted(saved.folder.iterdir()) == before, "no safety copy of what was never touched"


VISIBLE = {"a flipped bit", "another sha256", "other rows", "another table", "another definition", "other columns"}
"""What a look at the manifest and the sizes does not find."""


@pytest.mark.parametrize("doctor", [DOCTORS[name] for name in DOCTORS if name not in VISIBLE])
def test_what_is_plainly_broken_is_not_listed_and_never_the_last(sqlite: Saved, doctor: Doctor) -> None:
    good = sqlite.create().name
    bad = sqlite.create().name
    doctor(*files_of(sqlite, bad))

    assert sqlite.names() == [good]
    assert any(other.name.startswith(bad) for other in sqlite.listing().others)
    sqlite.spoil()
    assert sqlite.restore("last").backup.name == good
    assert sqlite.rows() == ROWS


def test_verify_finds_the_flipped_bit(saved: Saved) -> None:
    made = saved.create()
    assert saved.verify(made.name) == made
    a_flipped_bit(*files_of(saved, made.name))

    with pytest.raises(TargetError, match="sha256"):
        saved.verify(made.name)


def test_sqlites_own_check_stands_behind_the_fingerprint(sqlite: Saved) -> None:
    """A manifest that was made to fit a damaged file."""
    sqlite.target.execute("CREATE INDEX i ON t (name)")
    made = sqlite.create()
    data, manifest = files_of(sqlite, made.name)
    with closing(sqlite3.connect(data)) as copy:
        copy.execute("PRAGMA writable_schema = ON")
        copy.execute("UPDATE sqlite_master SET sql = 'CREATE INDEX i ON t (amount)' WHERE name = 'i'")
        copy.commit()
    fit_fingerprint(data, manifest)

    with pytest.raises(TargetError, match="no sound copy"):
        sqlite.verify(made.name)


def test_a_foreign_database_in_its_place_is_refused(sqlite: Saved, tmp_path: Path) -> None:
    made = sqlite.create()
    data, manifest = files_of(sqlite, made.name)
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as foreign:
        foreign.execute("CREATE TABLE other (x)")
        foreign.commit()
    shutil.copy(tmp_path / "foreign.db", data)
    fit_fingerprint(data, manifest)

    with pytest.raises(TargetError, match="does not hold the tables and rows"):
        sqlite.restore(made.name)
    assert sqlite.rows() == ROWS


def fit_fingerprint(data: Path, manifest: Path) -> None:
    import hashlib

    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    edited_file(size=data.stat().st_size, sha256=digest)(data, manifest)


def test_a_journal_put_beside_a_backup_is_not_played_back(sqlite: Saved) -> None:
    made = sqlite.create()
    data, _ = files_of(sqlite, made.name)
    for suffix in ("-journal", "-wal", "-shm"):
        data.with_name(data.name + suffix).write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 512)
    sqlite.spoil()

    sqlite.restore(made.name)

    assert sqlite.rows() == ROWS


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../target", "../../etc/passwd", "/etc/passwd", "20260102-030405-abcdef/../x", "x", "last.json",
     "20260102-030405-abcdeg", "20260102-030405-abcdef\n", "\x1b[31m", "20260102-030405-abcdef.db"],
)  # fmt: skip
def test_a_name_that_is_none_is_refused(saved: Saved, name: str) -> None:
    saved.create()
    assert not NAME.fullmatch(name)
    for attempt in (saved.restore, saved.verify):
        with pytest.raises(UsageError, match="is no name of a backup"):
            attempt(name)


def test_an_unknown_name_is_told_the_newest(saved: Saved) -> None:
    made = [saved.create().name for _ in range(2)]
    with pytest.raises(UsageError) as caught:
        saved.restore("20260102-030405-abcdef")
    assert caught.value.hint == f"the newest: {made[1]}, {made[0]}"


def test_the_backup_of_another_database_is_refused_and_not_listed(sqlite: Saved, tmp_path: Path) -> None:
    other = Saved(f"sqlite:///{tmp_path / 'other.db'}", sqlite.policy)
    theirs = other.create().name
    ours = sqlite.create().name
    other_latest = other.create().name

    assert (sqlite.names(), other.names()) == ([ours], [other_latest, theirs])
    with pytest.raises(TargetError, match=r"is of another database, other\.db"):
        sqlite.restore(theirs)
    assert sqlite.restore("last").backup.name == ours


def test_a_backup_without_a_table_in_common_is_refused(sqlite: Saved) -> None:
    made = sqlite.create()
    sqlite.target.path.unlink()
    sqlite.target.execute("CREATE TABLE other (x text)")

    with pytest.raises(TargetError, match="no table in common"):
        sqlite.restore(made.name)
    assert sqlite.target.tables() == ["other"]


def test_a_backup_that_is_the_database_itself_is_refused(sqlite: Saved) -> None:
    made = sqlite.create()
    data, manifest = files_of(sqlite, made.name)
    data.unlink()
    os.link(sqlite.target.path, data)
    fit_fingerprint(data, manifest)

    with pytest.raises(TargetError, match="the database itself"):
        sqlite.restore(made.name)
    assert sqlite.rows() == ROWS


def test_where_a_file_is_gone_a_bad_backup_makes_no_new_one(sqlite: Saved) -> None:
    made = sqlite.create()
    a_flipped_bit(*files_of(sqlite, made.name))
    sqlite.target.path.unlink()

    with pytest.raises(TargetError):
        sqlite.restore(made.name)
    assert not sqlite.target.path.exists()


def test_a_place_that_cannot_be_written_is_told(saved: Saved, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    saved.policy = BackupPolicy(folder=tmp_path / "a file" / "backups")

    with pytest.raises(TargetError, match="cannot be written"):
        saved.create()
    assert saved.rows() == ROWS


def test_a_damaged_database_gets_no_backup(sqlite: Saved) -> None:
    """An index that disagrees with its table: no error shows it but the full check."""
    sqlite.target.execute("CREATE INDEX i ON t (name)", "PRAGMA writable_schema = ON",
                          "UPDATE sqlite_master SET sql = 'CREATE INDEX i ON t (amount)' WHERE name = 'i'")  # fmt: skip

    with pytest.raises(UpdateError, match="no sound copy"):
        sqlite.create()
    assert list(sqlite.folder.iterdir()) == []
