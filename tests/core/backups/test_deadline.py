"""A database that others use: a backup and a restore wait, and give up at their deadline."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
import pytest

from tests.core.backups.conftest import ROWS, Saved
from validate_updates import signals
from validate_updates.backups.deadline import Deadline
from validate_updates.errors import Interrupted, LockHeld, TargetError


@contextmanager
def busy(saved: Saved, *statements: str) -> Iterator[None]:
    """Another program in the middle of a transaction."""
    if saved.target.is_sqlite:
        with closing(sqlite3.connect(saved.target.path, isolation_level=None, check_same_thread=False)) as other:
            for statement in statements:
                other.execute(statement).fetchone()
            yield
    else:
        with psycopg.connect(saved.target.url) as other:
            for statement in statements:
                other.execute(statement)
            yield


def locked(saved: Saved) -> tuple[str, ...]:
    """What keeps everybody out."""
    return ("BEGIN EXCLUSIVE",) if saved.target.is_sqlite else ("LOCK TABLE t IN ACCESS EXCLUSIVE MODE",)


def test_a_source_that_stays_locked_gets_no_backup(saved: Saved) -> None:
    saved.policy = replace(saved.policy, deadline=1)
    with busy(saved, *locked(saved)):
        # SQLite keeps us out of the journal too, but that is read before, with its own patience.
        with pytest.raises(TargetError, match="not done after 1 second"):
            make(saved)
        assert list(saved.folder.iterdir()) == []
    assert make(saved)


def make(saved: Saved) -> str:
    from datetime import UTC, datetime

    from validate_updates.backups import before_update
    from validate_updates.journal.run_id import new_run_id
    from validate_updates.targets import open_database

    now = datetime.now(UTC)
    database = open_database(saved.url)
    return before_update(saved.policy, database, tables=['"t"'], run_id=new_run_id(now), now=now).name


def test_a_source_that_is_let_go_gets_one(sqlite: Saved) -> None:
    with closing(sqlite3.connect(sqlite.target.path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(0.5, other.execute, ["COMMIT"])
        timer.start()
        made = make(sqlite)
        timer.join()
    assert sqlite.verify(made).name == made


def test_a_reader_of_a_rollback_journal_keeps_a_restore_waiting(sqlite: Saved) -> None:
    made = sqlite.create()
    sqlite.spoil()
    spoilt = sqlite.rows()
    with busy(sqlite, "BEGIN", "SELECT count(*) FROM t"), pytest.raises(TargetError, match="not done after 1 second"):
        sqlite.restore(made.name, policy=replace(sqlite.policy, deadline=1))
    assert sqlite.rows() == spoilt

    sqlite.restore(made.name)
    assert sqlite.rows() == ROWS


def test_a_reader_of_a_write_ahead_log_reads_on(sqlite: Saved) -> None:
    sqlite.target.execute("PRAGMA journal_mode = wal")
    made = sqlite.create()
    sqlite.spoil()
    spoilt = sqlite.rows()
    with closing(sqlite3.connect(sqlite.target.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        count = reader.execute("SELECT count(*) FROM t").fetchone()

        sqlite.restore(made.name)

        assert reader.execute("SELECT count(*) FROM t").fetchone() == count == (len(spoilt),)
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (len(ROWS),)
    assert sqlite.rows() == ROWS
    assert sqlite.target.rows("PRAGMA integrity_check") == [("ok",)]


def test_readers_of_postgresql_read_on(postgres: Saved) -> None:
    made = postgres.create()
    postgres.spoil()
    with psycopg.connect(postgres.target.url) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        count = reader.execute("SELECT count(*) FROM t").fetchone()

        postgres.restore(made.name)

        assert reader.execute("SELECT count(*) FROM t").fetchone() == count
    assert postgres.rows() == ROWS


def test_a_writer_of_postgresql_keeps_a_restore_out(postgres: Saved) -> None:
    made = postgres.create()
    postgres.spoil()
    spoilt = postgres.rows()
    with (
        busy(postgres, "UPDATE t SET amount = amount WHERE id = 3"),
        pytest.raises((TargetError, LockHeld), match="not done after 1 second"),
    ):
        postgres.restore(made.name, policy=replace(postgres.policy, deadline=1))
    assert postgres.rows() == spoilt


def test_a_signal_ends_the_waiting(sqlite: Saved) -> None:
    with signals.stop_on_signals(), busy(sqlite, "BEGIN EXCLUSIVE"):
        threading.Timer(0.3, signal.raise_signal, [signal.SIGTERM]).start()
        with pytest.raises(Interrupted):
            make(sqlite)
    assert list(sqlite.folder.iterdir()) == []


def test_a_deadline_is_told_in_seconds() -> None:
    limit = Deadline(600)
    limit.check()
    assert not limit.over
    assert 590_000 < limit.milliseconds_left <= 600_000
    over = Deadline(-1)
    assert (over.over, over.milliseconds_left) == (True, 1)
    with pytest.raises(TargetError):
        over.check()
