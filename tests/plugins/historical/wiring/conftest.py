from __future__ import annotations

import pytest

from tests.core.engine.target import Target
from tests.plugins.historical.wiring.world import TABLE, Feed


@pytest.fixture
def feed(sqlite_url: str) -> Feed:
    """An empty table."""
    target = Target(sqlite_url)
    target.execute(TABLE)
    return Feed(target)


@pytest.fixture
def any_feed(database_url: str) -> Feed:
    """An empty table, on SQLite and on PostgreSQL."""
    target = Target(database_url)
    target.execute(TABLE)
    return Feed(target)
