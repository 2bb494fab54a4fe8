"""Whether another program has committed between two transactions of ours, as PostgreSQL's snapshots tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.core.engine.target import Target
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database
from validate_updates.targets.savepoint import savepoint

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.targets.base import Database


@dataclass(frozen=True, slots=True)
class Ours:
    """Our side: transactions that write, with savepoints in them."""

    database: Database
    connection: sa.Connection

    def write(self, *, keep: bool = True) -> None:
        with savepoint(self.connection, keep=keep):
            self.connection.exec_driver_sql("INSERT INTO ours VALUES (1)")

    def others_committed(self, in_between: Callable[[], object] = lambda: None) -> bool:
        """End the transaction that is open, with ``in_between`` after its last write, and begin another."""
        left = self.database.state_left(self.connection)
        in_between()
        self.connection.commit()
        self.database.begin(self.connection)
        self.connection.exec_driver_sql("INSERT INTO ours VALUES (2)")
        return self.database.state(self.connection) != left


@pytest.fixture
def ours(postgres: Target) -> Iterator[Ours]:
    postgres.execute("CREATE TABLE ours (x integer)", "CREATE TABLE theirs (x integer)")
    database = open_database(SecretUrl(postgres.url))
    with database.connect() as connection:
        with database.transaction(connection):
            database.prepare_guard(connection)
        database.begin(connection)
        connection.exec_driver_sql("INSERT INTO ours VALUES (0)")
        yield Ours(database, connection)


@pytest.fixture
def theirs(postgres: Target) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.url) as connection:
        yield connection


def write(theirs: psycopg.Connection[Any]) -> None:
    theirs.execute("INSERT INTO theirs VALUES (1)")


def never(ours: Ours, act: Callable[[], None] = lambda: None) -> None:
    """Nothing is noticed, but for what the server itself may commit now and then, as when it analyzes a table."""
    noticed = []
    for _ in range(5):
        act()
        noticed.append(ours.others_committed())
    assert not all(noticed)


@pytest.mark.parametrize("keep", [(), (True,), (True, True), (False,), (True, False), (False, True)])
def test_nobody_else_whatever_our_savepoints(ours: Ours, keep: tuple[bool, ...]) -> None:
    def act() -> None:
        for kept in keep:
            ours.write(keep=kept)

    never(ours, act)


def test_who_only_reads(ours: Ours, theirs: psycopg.Connection[Any]) -> None:
    theirs.execute("SELECT * FROM theirs")

    never(ours, theirs.commit)


def test_who_is_at_it_all_the_time(ours: Ours, theirs: psycopg.Connection[Any]) -> None:
    """It has not committed when we hold the table again, so it has not written to it."""
    write(theirs)

    never(ours, ours.write)


def test_who_was_done_before_the_end(ours: Ours, theirs: psycopg.Connection[Any]) -> None:
    def act() -> None:
        ours.write()
        write(theirs)
        ours.write()
        theirs.commit()

    never(ours, act)


@pytest.mark.parametrize("savepoints", [0, 1, 3])
@pytest.mark.parametrize("began", ["before ours", "amid ours", "after ours", "in between"])
def test_who_commits_in_between(
    postgres: Target, ours: Ours, theirs: psycopg.Connection[Any], savepoints: int, began: str
) -> None:
    if began == "before ours":
        ours.connection.rollback()
        write(theirs)
        ours.database.begin(ours.connection)
    ours.write()
    if began == "amid ours":
        write(theirs)
    for _ in range(savepoints):
        ours.write()
    if began == "after ours":
        write(theirs)

    def in_between() -> None:
        if began == "in between":
            postgres.execute("INSERT INTO theirs VALUES (1)")
        theirs.commit()

    assert ours.others_committed(in_between)


def test_rows_of_another_server_cannot_be_told(postgres: Target, ours: Ours) -> None:
    postgres.execute(
        "CREATE EXTENSION file_fdw",
        "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
        "CREATE FOREIGN TABLE far (x integer) SERVER files OPTIONS (filename '/dev/null')",
    )

    assert all(ours.others_committed() for _ in range(3))
