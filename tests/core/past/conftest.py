"""A journal with nothing in it, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.core.engine.target import JOURNAL, Target
from validate_updates.journal.schema import prepare
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.journal.tables import JournalTables


@dataclass(frozen=True, slots=True)
class World(Target):
    """A target with a journal, looked at through the driver and worked on through the code under test."""

    @contextmanager
    def journal(self) -> Iterator[tuple[sa.Connection, JournalTables]]:
        """A transaction that commits at the end."""
        database = open_database(SecretUrl(self.url))
        with database.connect() as connection, database.transaction(connection):
            yield connection, prepare(connection, JOURNAL)
        database.engine.dispose()


def made(url: str) -> World:
    """One with an empty table."""
    world = World(url)
    world.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    return world


@pytest.fixture
def world(database_url: str) -> World:
    """The test runs twice: on SQLite and on PostgreSQL."""
    return made(database_url)


@pytest.fixture
def sqlite(sqlite_url: str) -> World:
    return made(sqlite_url)


@pytest.fixture
def postgres(postgres_url: str) -> World:
    return made(postgres_url)
