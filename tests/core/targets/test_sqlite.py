"""What is SQLite's own: its kinds of tables, its loose types, and what can go wrong with a file."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.core.engine.target import Target, jsonl
from validate_updates import ExitCode, LockHeld, RunResult, TargetError, UpdateError, UsageError, Verdict
from validate_updates.targets import sqlite as sqlite_module

TABLE = ("CREATE TABLE t (id integer PRIMARY KEY, name text)", "INSERT INTO t VALUES (1, 'old')")
RECORDS = [{"id": 1, "name": "new"}, {"id": 2, "name": "added"}]


# Kinds of tables


@pytest.mark.parametrize(
    "table",
    [
        "(id integer PRIMARY KEY, name text)",
        "(id integer PRIMARY KEY AUTOINCREMENT, name text)",
        "(id bigint PRIMARY KEY, name text)",
        "(id integer PRIMARY KEY DESC, name text)",
        "(id integer PRIMARY KEY, name text) WITHOUT ROWID",
        "(id integer PRIMARY KEY, name text) STRICT",
        "(id integer UNIQUE, name text)",
        "(id PRIMARY KEY, name)",
        "(id integer, rowid text, oid text, _rowid_ text, name text, PRIMARY KEY (id))",
        "(name text, id integer, PRIMARY KEY (id)) WITHOUT ROWID",
    ],
)
def test_every_kind_of_table_is_updated(sqlite: Target, tmp_path: Path, table: str) -> None:
    sqlite.execute(f"CREATE TABLE t {table}", "INSERT INTO t (id, name) VALUES (1, 'old'), (3, 'other')")
    sqlite.watch()
    source = jsonl(tmp_path / "records.jsonl", RECORDS)

    result = sqlite.update(source)

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert sorted(sqlite.rows("SELECT id, name FROM t")) == [(1, "new"), (2, "added"), (3, "other")]
    assert sqlite.written() == ["INSERT", "UPDATE"]
    assert sqlite.update(source).counts.unchanged == 2
    assert sqlite.written() == []


def test_a_computed_column_is_left_to_the_database(sqlite: Target) -> None:
    computed = "loud text AS (upper(name)), size integer AS (length(name)) STORED"
    sqlite.execute(f"CREATE TABLE t (id integer PRIMARY KEY, name text, {computed})")

    result = sqlite.update([{"id": 1, "name": "x"}, {"id": 2, "loud": "Y"}])

    assert sqlite.rows("SELECT * FROM t") == [(1, "x", "X", 1)]
    (entry,) = result.kept_out
    assert (entry.code, "computed by the database" in entry.message) == ("unknown_column", True)
    (finding,) = result.findings
    assert finding.message == "1 record with 'loud', which the database computes in t"
    assert finding.hint == "mend the source, or let it pass with --unknown-columns ignore"


def test_an_update_keeps_a_row_and_what_hangs_on_it(sqlite: Target) -> None:
    """No REPLACE, which deletes the row and with it, by cascade, its children."""
    sqlite.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, code text UNIQUE, name text)",
        "CREATE TABLE notes (t integer REFERENCES t (id) ON DELETE CASCADE)",
        "INSERT INTO t VALUES (7, 'a', 'old')",
        "INSERT INTO notes VALUES (7)",
    )

    sqlite.update([{"code": "a", "name": "new"}])

    assert sqlite.rows("SELECT * FROM t") == [(7, "a", "new")]
    assert sqlite.rows("SELECT * FROM notes") == [(7,)]


@pytest.mark.parametrize("without_rowid", ["", " WITHOUT ROWID"])
def test_what_a_column_ignores_in_keys_is_ignored(sqlite: Target, without_rowid: str) -> None:
    sqlite.execute(
        f"CREATE TABLE t (k text COLLATE NOCASE PRIMARY KEY, v text COLLATE NOCASE){without_rowid}",
        "INSERT INTO t VALUES ('a', 'x')",
    )
    sqlite.watch()

    result = sqlite.update([{"k": "A", "v": "X"}, {"k": "B", "v": "one"}, {"k": "b", "v": "two"}])

    counts = result.counts
    assert (counts.inserted, counts.updated, counts.duplicates) == (1, 1, 1)
    assert sorted(sqlite.rows("SELECT * FROM t")) == [("a", "X"), ("b", "two")], "the key keeps its spelling"
    sqlite.written()
    assert sqlite.update([{"k": "A", "v": "X"}, {"k": "B", "v": "two"}]).counts.unchanged == 2
    assert sqlite.written() == []


@pytest.mark.parametrize("without_rowid", ["", " WITHOUT ROWID"])
def test_what_an_index_tells_apart_is_told_apart(sqlite: Target, without_rowid: str) -> None:
    key = "PRIMARY KEY (k COLLATE BINARY)"
    sqlite.execute(
        f"CREATE TABLE t (k text COLLATE NOCASE, v integer, {key}){without_rowid}",
        "INSERT INTO t VALUES ('a', 1), ('A', 2)",
    )

    result = sqlite.update([{"k": "a", "v": 10}, {"k": "A", "v": 2}])

    assert (result.counts.updated, result.counts.unchanged) == (1, 1)
    assert sorted(sqlite.rows("SELECT * FROM t")) == [("A", 2), ("a", 10)]


def test_partial_indexes_and_those_over_expressions_are_no_keys(sqlite: Target) -> None:
    sqlite.execute(
        "CREATE TABLE t (a integer, b text)",
        "CREATE UNIQUE INDEX some ON t (a) WHERE b IS NULL",
        "CREATE UNIQUE INDEX computed ON t (lower(b))",
    )

    with pytest.raises(UsageError, match="no key"):
        sqlite.update([{"a": 1, "b": "x"}])


# Loose types


@pytest.mark.parametrize(
    ("declared", "raw", "stored"),
    [
        ("VARCHAR(5)", "007", "007"),
        ("NVARCHAR", 7, "7"),
        ("STRING", "x", "x"),
        ("STRING", "7", 7),
        ("", "007", "007"),
        ("", 7, 7),
        ("BLOB", b"\0\xff", b"\0\xff"),
        ("FLOATING POINT", 7, 7),
        ("DOUBLE PRECISION", "1.5", 1.5),
        ("DECIMAL(10, 2)", 0.1, 0.1),
        ("NUMERIC", 2**62, 2**62),
        ("UNSIGNED BIG INT", "7", 7),
        ("BOOL", True, 1),
        ("DATETIME", "2024-02-29T12:00:00Z", "2024-02-29 12:00:00"),
        ("TIME", "12:30", "12:30:00"),
        ("JSON", {"a": [1]}, '{"a":[1]}'),
        ("JSON", 5, 5),
        ("UUID", "0000000000000000000000000000000A", "00000000-0000-0000-0000-00000000000a"),
    ],
)
def test_a_type_of_any_name_stores_what_it_gives_back(sqlite: Target, declared: str, raw: Any, stored: Any) -> None:
    sqlite.execute(f"CREATE TABLE t (id integer PRIMARY KEY, v {declared})")
    sqlite.watch()

    result = sqlite.update([{"id": 1, "v": raw}])

    assert result.verdict is Verdict.COMMITTED, result.kept_out
    (((found,)),) = sqlite.rows("SELECT v FROM t")
    assert (found, type(found)) == (stored, type(stored))
    sqlite.written()
    assert sqlite.update([{"id": 1, "v": raw}]).counts.unchanged == 1
    assert sqlite.written() == []


@pytest.mark.parametrize(
    ("declared", "raw", "code"),
    [
        ("VARCHAR(3)", "four", "too_long"),
        ("STRING", "007", "loses_digits"),
        ("STRING", "1e3", "loses_digits"),
        ("JSON", 9_999_999_999_999_999_999, "loses_digits"),
        ("DECIMAL(4,2)", 100, "out_of_range"),
        ("DECIMAL(4,2)", 0.001, "loses_digits"),
        ("INT", "x", "wrong_type"),
        ("INT", 2**63, "out_of_range"),
        ("BOOLEAN", 2, "wrong_type"),
        ("DATE", "soon", "wrong_type"),
        ("TEXT", "a\0b", "nul_character"),
    ],
)
def test_sqlite_would_take_it_but_we_do_not(sqlite: Target, declared: str, raw: Any, code: str) -> None:
    sqlite.execute(f"CREATE TABLE t (id integer PRIMARY KEY, v {declared})")

    result = sqlite.update([{"id": 1, "v": raw}])

    assert [entry.code for entry in result.kept_out] == [code]
    assert sqlite.rows("SELECT * FROM t") == []


def test_keys_of_any_type_are_not_null(sqlite: Target, tmp_path: Path) -> None:
    sqlite.execute("CREATE TABLE t (k PRIMARY KEY, v text)")
    source = jsonl(
        tmp_path / "r.jsonl", [{"k": 1, "v": "a"}, {"k": None, "v": "b"}, {"k": "1", "v": "c"}, {"k": 1.5, "v": "d"}]
    )

    result = sqlite.update(source)

    assert [entry.code for entry in result.kept_out] == ["null_key"]
    assert sorted(map(str, sqlite.rows("SELECT * FROM t"))) == ["('1', 'c')", "(1, 'a')", "(1.5, 'd')"]


# Trouble with the file


def trouble(update: Callable[[], RunResult]) -> str:
    """What a run that cannot be done says; as an exception or as a result."""
    try:
        result = update()
    except UpdateError as error:
        assert error.exit_code in {ExitCode.FAILED, ExitCode.TRY_LATER}
        return error.message
    assert (result.verdict, result.exit_code) == (Verdict.FAILED, ExitCode.FAILED), result.reason
    assert result.counts.add_up
    return result.reason


def test_a_file_that_is_not_there_is_not_made(sqlite: Target, tmp_path: Path) -> None:
    with pytest.raises(TargetError) as refused:
        sqlite.update(RECORDS)

    assert "no database file target.db" in refused.value.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"this is no database, only a text that is long enough" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_left_alone(sqlite: Target, content: bytes) -> None:
    sqlite.path.write_bytes(content)

    with pytest.raises(TargetError):
        sqlite.update(RECORDS)

    assert sqlite.path.read_bytes() == content


def test_an_empty_file_has_no_tables(sqlite: Target) -> None:
    sqlite.path.write_bytes(b"")

    with pytest.raises(UsageError) as refused:
        sqlite.update(RECORDS)

    assert refused.value.hint == "tables: none"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_an_error_of_use(url: str) -> None:
    with pytest.raises(UsageError):
        Target(url).update(RECORDS)


def test_a_database_opened_for_reading_only(sqlite: Target) -> None:
    sqlite.execute(*TABLE)
    reading = Target(f"sqlite:///file:{sqlite.path}?mode=ro&uri=true")

    assert "read-only" in trouble(lambda: reading.update(RECORDS))
    assert sqlite.dump() == {"t": ["(1, 'old')"]}


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, who may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked_folder() -> Iterator[Target]:
    """A database in a folder where nobody may write."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        target = Target(f"sqlite:///{folder / 'target.db'}")
        target.execute(*TABLE)
        folder.chmod(0o555)
        yield target
        folder.chmod(0o755)


def test_a_folder_that_cannot_be_written(locked_folder: Target, sqlite: Target) -> None:
    sqlite.execute(*TABLE)
    sqlite.update(RECORDS)  # loads what an update needs, while files may still be read

    with as_nobody():
        said = trouble(lambda: locked_folder.update(RECORDS))

    assert "target.db.vu.lock" in said
    assert locked_folder.dump() == {"t": ["(1, 'old')"]}


def test_a_link_in_place_of_the_lock_file_is_not_followed(sqlite: Target, tmp_path: Path) -> None:
    sqlite.execute(*TABLE)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "target.db.vu.lock").symlink_to(victim)

    assert "lock file" in trouble(lambda: sqlite.update(RECORDS))
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("CREATE TABLE t (id integer PRIMARY KEY, name text REFERENCES nowhere (id))", "no such table: main.nowhere"),
        (
            f"{TABLE[0]};CREATE TRIGGER odd AFTER INSERT ON t BEGIN SELECT quite_odd(1); END",
            "no such function: quite_odd",
        ),
    ],
)
def test_what_is_missing_from_the_schema_is_named(sqlite: Target, broken: str, said: str) -> None:
    sqlite.execute(*broken.split(";", 1))

    assert said in trouble(lambda: sqlite.update(RECORDS))


@contextmanager
def pragma(text: str) -> Iterator[None]:
    """Every connection made meanwhile begins with this; the nearest thing to a small disk."""

    def small(driver: sqlite3.Connection, _record: object, _connection: object) -> None:
        driver.execute(text)

    sa.event.listen(sa.Engine, "checkout", small)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "checkout", small)


@pytest.mark.parametrize("spare", [0, 3, 30])
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_disk_that_is_full(sqlite: Target, mode: str, spare: int) -> None:
    sqlite.execute(f"PRAGMA journal_mode = {mode}", *TABLE)
    sqlite.update([])  # makes the journal
    before = sqlite.dump()
    ((pages,),) = sqlite.rows("PRAGMA page_count")
    large = [{"id": number, "name": "x" * 1000} for number in range(300)]

    with pragma(f"PRAGMA max_page_count = {pages + spare}"):
        said = trouble(lambda: sqlite.update(large))

    assert "the disk is full" in said
    assert sqlite.dump() == before
    assert sqlite.rows("PRAGMA integrity_check") == [("ok",)]
    assert sqlite.update(large).verdict is Verdict.COMMITTED


def test_no_room_for_the_stage(sqlite: Target) -> None:
    sqlite.execute(*TABLE)
    large = [{"id": number, "name": "x" * 1000} for number in range(300)]

    with pragma(f"PRAGMA {sqlite_module.WORK}.max_page_count = 20"):
        said = trouble(lambda: sqlite.update(large))

    assert "the disk is full" in said
    assert sqlite.dump() == {"t": ["(1, 'old')"]}
    assert sqlite.states() == ["failed"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute of waiting for others is for users."""
    monkeypatch.setattr(sqlite_module, "_BUSY_SECONDS", 0.2)


@pytest.mark.usefixtures("impatient")
def test_another_program_is_writing(sqlite: Target) -> None:
    sqlite.execute(*TABLE)

    with sqlite.connect() as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LockHeld) as refused:
            sqlite.update(RECORDS)

    assert "another program is writing" in refused.value.message
    assert sqlite.dump() == {"t": ["(1, 'old')"]}
    assert sqlite.update(RECORDS).verdict is Verdict.COMMITTED


@pytest.mark.usefixtures("impatient")
def test_another_program_begins_to_write_while_the_source_is_read(sqlite: Target) -> None:
    sqlite.execute(*TABLE)
    with sqlite.connect() as other:

        def records() -> Iterator[dict[str, Any]]:
            yield from RECORDS
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE t SET name = 'theirs'")

        said = trouble(lambda: sqlite.update(records()))
        other.execute("COMMIT")

    assert "another program is writing" in said
    assert sqlite.dump() == {"t": ["(1, 'theirs')"]}
    assert sqlite.update(RECORDS).verdict is Verdict.COMMITTED


@pytest.mark.usefixtures("impatient")
def test_a_reader_in_the_way_of_the_commit(sqlite: Target) -> None:
    """Without WAL, a commit waits for readers. Nothing is lost, and the next update finds everything in order."""
    sqlite.execute(*TABLE)
    with sqlite.connect() as other:

        def records() -> Iterator[dict[str, Any]]:
            yield from RECORDS
            other.execute("BEGIN")
            other.execute("SELECT * FROM t").fetchall()

        said = trouble(lambda: sqlite.update(records()))
        other.execute("COMMIT")

    assert "another program" in said
    assert sqlite.dump() == {"t": ["(1, 'old')"]}
    assert sqlite.update(RECORDS).verdict is Verdict.COMMITTED
    assert sqlite.states()[-1] == "committed"


def test_what_others_write_while_the_source_is_read_is_seen(sqlite: Target) -> None:
    """The plan is made when nobody can write any more, not when the run began."""
    sqlite.execute(*TABLE)

    def records() -> Iterator[dict[str, Any]]:
        yield from RECORDS
        sqlite.execute("INSERT INTO t VALUES (2, 'theirs')")

    result = sqlite.update(records())

    assert (result.counts.inserted, result.counts.updated) == (0, 2)
    assert sorted(sqlite.rows("SELECT * FROM t")) == [(1, "new"), (2, "added")]


def test_the_database_is_sound_after_many_updates(sqlite: Target) -> None:
    sqlite.execute(*TABLE)
    for number in range(5):
        sqlite.update([{"id": key, "name": f"{number} {key}"} for key in range(200)])

    assert sqlite.rows("PRAGMA integrity_check") == [("ok",)]
    assert sqlite.states() == ["committed"] * 5


def test_a_relative_url_is_of_the_directory_of_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept from one run to the next is of one file."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        there = Target(f"sqlite:///{tmp_path / name / 't.db'}")
        there.execute(*TABLE)
        monkeypatch.chdir(tmp_path / name)
        assert Target("sqlite:///t.db").update([{"id": 2, "name": name}]).verdict.stands
        assert there.rows("SELECT * FROM t") == [(1, "old"), (2, name)]
