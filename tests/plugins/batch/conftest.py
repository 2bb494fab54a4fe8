"""Targets for the tests of the plugin."""

from __future__ import annotations

import pytest

from tests.plugins.batch.world import Batched


@pytest.fixture
def target(database_url: str) -> Batched:
    """The test runs twice: on SQLite and on PostgreSQL."""
    return Batched(database_url)


@pytest.fixture
def sqlite(sqlite_url: str) -> Batched:
    return Batched(sqlite_url)


@pytest.fixture
def postgres(postgres_url: str) -> Batched:
    return Batched(postgres_url)
