"""Targets for the tests of modes."""

from __future__ import annotations

import pytest

from tests.core.engine.target import Target


@pytest.fixture
def target(database_url: str) -> Target:
    """The test runs twice: on SQLite and on PostgreSQL."""
    return Target(database_url)


@pytest.fixture
def sqlite(sqlite_url: str) -> Target:
    return Target(sqlite_url)
