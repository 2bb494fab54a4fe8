"""A database, set up for writing as the program sets it up, with a journal in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from validate_updates.journal.schema import prepare
from validate_updates.journal.writing import Journal


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(database_url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _no_driver_transactions)
        event.listen(engine, "begin", _begin_immediate)
    yield engine
    engine.dispose()


def _no_driver_transactions(driver: sqlite3.Connection, _record: object) -> None:
    driver.isolation_level = None
    driver.execute("PRAGMA foreign_keys = ON").close()
    driver.execute("PRAGMA synchronous = FULL").close()


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'IMMEDIATE')}")


@pytest.fixture
def journal(engine: sa.Engine) -> Journal:
    with engine.begin() as conn:
        return Journal(prepare(conn, "update_"))
