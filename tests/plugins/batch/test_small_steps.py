"""SQLite keeps in memory what a savepoint may have to bring back, but only where batches are small."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from tests.plugins.batch.world import PEOPLE, Batched, Watch, people

MEMORY, BEGIN, DEFAULT = "PRAGMA temp_store = MEMORY", "BEGIN IMMEDIATE", "PRAGMA temp_store = DEFAULT"


@contextmanager
def told() -> Iterator[list[str]]:
    """The statements of every connection that is made meanwhile."""
    statements: list[str] = []

    def listen(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_trace_callback(statements.append)

    sa.event.listen(sa.Engine, "checkout", listen)
    try:
        yield statements
    finally:
        sa.event.remove(sa.Engine, "checkout", listen)


def in_memory(statements: list[str]) -> int:
    """How many transactions began so, each time with the setting put back at once."""
    at = [number for number, text in enumerate(statements) if text == MEMORY]
    assert all(statements[number : number + 3] == [MEMORY, BEGIN, DEFAULT] for number in at)
    assert statements.count(DEFAULT) == len(at)
    return len(at)


@pytest.mark.parametrize(
    ("settings", "transactions"),
    [
        ({"size": 10}, 1),
        ({"size": 10, "publish": "progressive", "commit_batches": 2}, 4),
        ({"size": 100_000}, 0),
    ],
)
def test_each_transaction_that_writes_small_batches(
    sqlite: Batched, settings: dict[str, Any], transactions: int
) -> None:
    sqlite.execute(PEOPLE)

    with told() as statements:
        sqlite.apply(people(60), **settings)

    assert in_memory(statements) == transactions
    assert len(sqlite.people()) == 60


def test_an_update_all_or_nothing_uses_files(sqlite: Batched) -> None:
    sqlite.execute(PEOPLE)

    with told() as statements:
        sqlite.update(people(60))

    assert in_memory(statements) == 0


def test_no_temporary_table_is_sqlites_own(sqlite: Batched) -> None:
    """Since it would be gone with the next transaction."""
    sqlite.execute(PEOPLE)
    connections: list[sqlite3.Connection] = []
    found: list[tuple[str, ...]] = []

    def listen(driver: sqlite3.Connection, *_: object) -> None:
        connections.append(driver)

    def look(stage: str, batches: int) -> None:
        if stage == "apply" and batches:
            for table in ("temp.sqlite_master", "vu_work.sqlite_master"):
                names = connections[0].execute(f"SELECT name FROM {table} WHERE type = 'table'")
                found.append((table, *sorted(name for (name,) in names)))

    sa.event.listen(sa.Engine, "checkout", listen)
    try:
        sqlite.apply(people(20), size=20, options={"progress": Watch(look)})
    finally:
        sa.event.remove(sa.Engine, "checkout", listen)

    assert found == [("temp.sqlite_master",), ("vu_work.sqlite_master", "vu_plan", "vu_stage")]
