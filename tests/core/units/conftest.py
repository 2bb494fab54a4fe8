"""A database of hearings with committees and witnesses, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.core.units.world import Hearings


@pytest.fixture
def hearings(database_url: str) -> Hearings:
    """Two committees, two witnesses, no hearing."""
    return Hearings.made(database_url)
