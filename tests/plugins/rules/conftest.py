"""Targets for the tests of the plugin."""

from __future__ import annotations

import pytest

from tests.plugins.rules.world import Ruled


@pytest.fixture
def target(database_url: str) -> Ruled:
    """The test runs twice: on SQLite and on PostgreSQL."""
    return Ruled(database_url)


@pytest.fixture
def sqlite(sqlite_url: str) -> Ruled:
    return Ruled(sqlite_url)


@pytest.fixture
def postgres(postgres_url: str) -> Ruled:
    return Ruled(postgres_url)
