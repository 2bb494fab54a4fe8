"""Targets with a quarantine."""

from __future__ import annotations

import pytest

from tests.core.quarantine.world import World


@pytest.fixture
def world(database_url: str) -> World:
    """The test runs twice: on SQLite and on PostgreSQL."""
    return World(database_url)


@pytest.fixture
def sqlite(sqlite_url: str) -> World:
    return World(sqlite_url)


@pytest.fixture
def postgres(postgres_url: str) -> World:
    return World(postgres_url)
