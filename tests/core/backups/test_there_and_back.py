"""A backup holds what was there, and brings it back."""

from __future__ import annotations

import resource
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.core.backups.conftest import ROWS, Saved
from validate_updates.backups import BackupMode, BackupPolicy, before_update
from validate_updates.errors import LockHeld, TargetError, UsageError
from validate_updates.journal.rows import RunState
from validate_updates.targets import open_database


def test_a_backup_brings_the_table_back(saved: Saved) -> None:
    made = saved.create()
    saved.spoil()
    spoilt = saved.rows()

    restored = saved.restore()

    assert saved.rows() == ROWS
    assert restored.backup.name == made.name
    assert restored.safety is not None
    assert restored.notes == ()
    assert dict(made.tables)[made.tables[0][0]] == len(ROWS)
    saved.restore(restored.safety)
    assert saved.rows() == spoilt, "the safety copy is a backup like any other"


def test_it_can_be_restored_again_and_again(saved: Saved) -> None:
    made = saved.create()
    for _ in range(2):
        saved.spoil()
        saved.restore(made.name)
        assert saved.rows() == ROWS
    assert saved.restore(made.name).backup.name == made.name
    assert saved.rows() == ROWS


def test_files_and_folder_are_for_their_owner_alone(saved: Saved) -> None:
    made = saved.create()

    assert stat.S_IMODE(saved.folder.stat().st_mode) == 0o700
    files = list(saved.folder.iterdir())
    assert {path.name.partition(".")[0] for path in files} == {made.name}
    assert [oct(stat.S_IMODE(path.stat().st_mode)) for path in files] == ["0o600"] * 2


def test_what_is_listed_is_the_newest_first(saved: Saved) -> None:
    made = [saved.create().name for _ in range(3)]

    assert saved.names() == made[::-1]
    assert saved.verify("last").name == made[-1]
    assert saved.listing().others == ()


def test_a_folder_that_is_not_there_has_no_backups(saved: Saved) -> None:
    assert saved.names() == []
    assert not saved.folder.exists()
    with pytest.raises(UsageError, match="there is no backup yet"):
        saved.restore()
    assert saved.rows() == ROWS


def test_a_folder_that_others_can_write_is_refused(saved: Saved) -> None:
    saved.folder.mkdir()
    saved.folder.chmod(0o777)

    with pytest.raises(TargetError, match="others may write"):
        saved.create()
    assert list(saved.folder.iterdir()) == []


def test_the_journal_tells_of_a_restore(saved: Saved) -> None:
    first = saved.target.update([{"id": 1, "name": "one", "amount": 1}])
    made = saved.create()
    second = saved.target.update([{"id": 2, "name": "two", "amount": 2}])

    restored = saved.restore()

    story = saved.target.story(restored.run_id).run
    assert (story.kind, story.state, story.source) == ("restore", RunState.COMMITTED, f"backup {made.name}")
    assert story.backup == restored.safety
    assert restored.safety
    assert restored.safety in (story.note or "")
    runs = [run for (run,) in saved.target.rows("SELECT run_id FROM update_logs ORDER BY run_no")]
    if saved.target.is_sqlite:  # whose journal went back with the rest
        assert runs == [first.run_id, restored.run_id]
        assert restored.lost_runs == (second.run_id,)
    else:
        assert runs == [first.run_id, second.run_id, restored.run_id]
        assert restored.lost_runs == ()


def test_a_restore_is_no_example_for_later_updates(saved: Saved) -> None:
    saved.create()
    saved.restore()

    result = saved.target.update([{"id": 1, "name": "one", "amount": 1}])

    assert result.verdict == "committed"
    assert saved.target.states() == ["committed", "committed"]


def test_a_run_under_way_keeps_others_from_copying_and_restoring(saved: Saved) -> None:
    made = saved.create()
    database = open_database(saved.url)
    with database.connect() as connection, database.lock(connection, run_id="the-other", tables=['"t"'], wait=0):
        with pytest.raises(LockHeld, match="the-other"):
            saved.create()
        with pytest.raises(LockHeld, match="the-other"):
            saved.restore()

    assert saved.names() == [made.name]
    assert saved.rows() == ROWS


def test_before_an_update_within_its_transaction(saved: Saved) -> None:
    """As the engine does it: the run's connection has begun, and has written in its journal, but not to the table."""
    policy = BackupPolicy(mode=BackupMode.BEFORE_UPDATE, folder=saved.policy.folder, deadline=20)
    saved.target.execute("CREATE TABLE update_other (x text)")
    database = open_database(saved.url)
    with database.connect() as connection, database.transaction(connection):
        connection.execute(text("INSERT INTO update_other VALUES ('not committed')"))
        made = before_update(policy, database, tables=['"t"'], run_id="20260102-030405-abcdef", now=datetime.now(UTC))
        connection.execute(text("DELETE FROM t"))

    assert (made.name, made.made_for) == ("20260102-030405-abcdef", "before an update")
    assert saved.rows() == []
    saved.restore(made.name)
    assert saved.rows() == ROWS


def test_a_name_is_used_once(saved: Saved) -> None:
    database = open_database(saved.url)
    name = "20260102-030405-abcdef"
    before_update(saved.policy, database, tables=['"t"'], run_id=name, now=datetime.now(UTC))
    saved.spoil()

    with pytest.raises(TargetError, match="already"):
        before_update(saved.policy, database, tables=['"t"'], run_id=name, now=datetime.now(UTC))

    saved.restore(name)
    assert saved.rows() == ROWS


def test_a_file_that_is_gone_is_made_anew(sqlite: Saved) -> None:
    sqlite.create()
    sqlite.target.path.unlink()
    sqlite.target.path.with_name("target.db-wal").write_bytes(b"stale " * 1000)
    sqlite.target.path.with_name("target.db-journal").write_bytes(b"stale " * 1000)

    restored = sqlite.restore()

    assert restored.safety is None
    assert sqlite.rows() == ROWS
    assert sqlite.target.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_database_that_is_no_database_any_more_is_told_what_to_do(sqlite: Saved) -> None:
    made = sqlite.create()
    sqlite.target.path.write_bytes(b"rubbish " * 1000)

    with pytest.raises(TargetError) as caught:
        sqlite.restore()
    assert "move it away" in caught.value.hint
    assert sqlite.target.path.read_bytes() == b"rubbish " * 1000

    sqlite.target.path.rename(sqlite.target.path.with_name("damaged"))
    sqlite.restore(made.name)
    assert sqlite.rows() == ROWS


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_the_journal_mode_is_the_users_choice(sqlite: Saved, mode: str) -> None:
    sqlite.target.execute(f"PRAGMA journal_mode = {mode}")
    made = sqlite.create()
    sqlite.spoil()

    sqlite.restore(made.name)

    assert sqlite.rows() == ROWS
    assert sqlite.target.rows("PRAGMA journal_mode") == [(mode,)]
    with closing(sqlite3.connect(sqlite.folder / f"{made.name}.db")) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert {path.suffix for path in sqlite.folder.iterdir()} == {".db", ".json"}


def test_what_is_only_in_the_write_ahead_log_is_in_the_backup(sqlite: Saved) -> None:
    sqlite.target.execute("PRAGMA journal_mode = wal")
    with sqlite.target.connect() as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("INSERT INTO t VALUES (1000, 'in the log', 0)")
        assert Path(f"{sqlite.target.path}-wal").stat().st_size > 0
        sqlite.create()
    sqlite.target.execute("DELETE FROM t")

    sqlite.restore()

    assert sqlite.rows()[-1] == (1000, "in the log", 0)


def test_foreign_keys_that_pointed_nowhere_are_told_and_kept(sqlite: Saved) -> None:
    with closing(sqlite3.connect(sqlite.target.path)) as database:
        database.execute("CREATE TABLE child (id integer PRIMARY KEY, t integer REFERENCES t (id))")
        database.execute("INSERT INTO child VALUES (1, 99999)")
        database.commit()

    made = sqlite.create()

    assert made.orphans == 1
    assert sqlite.verify(made.name).orphans == 1


def test_a_database_without_tables_has_nothing_to_back_up(sqlite: Saved) -> None:
    sqlite.target.execute("DROP TABLE t")

    with pytest.raises(TargetError, match="no tables"):
        sqlite.create()
    assert sqlite.names() == []
    assert list(sqlite.folder.iterdir()) == []


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_another_page_size_is_no_matter_or_is_told(sqlite: Saved, mode: str) -> None:
    made = sqlite.create()
    sqlite.spoil()
    sqlite.target.execute("PRAGMA page_size = 8192", "VACUUM", f"PRAGMA journal_mode = {mode}")
    spoilt = sqlite.rows()

    if mode == "delete":
        sqlite.restore(made.name)
        assert sqlite.rows() == ROWS
    else:
        with pytest.raises(TargetError) as caught:
            sqlite.restore(made.name)
        assert "page size" in caught.value.message
        assert "move the database away" in caught.value.hint
        assert sqlite.rows() == spoilt


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file of this process can grow beyond this size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing_of_a_backup(saved: Saved, request: pytest.FixtureRequest) -> None:
    longer = ", ".join(f"({number}, '{'x' * 1000}', 0)" for number in range(1000, 2000))
    saved.target.execute(f"INSERT INTO t VALUES {longer}")
    request.getfixturevalue("little_room")

    with pytest.raises(TargetError):
        saved.create()

    assert list(saved.folder.iterdir()) == []
