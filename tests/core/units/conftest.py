"""A database of hearings with committees and witnesses, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.core.engine.target import Target
from tests.core.units.world import Hearings


@pytest.fixture
def hearings(database_url: str) -> Hearings:
    """Two committees, two witnesses, no hearing."""
    return Hearings.made(database_url)


@pytest.fixture
def target(database_url: str) -> Target:
    """An empty database."""
    return Target(database_url)
