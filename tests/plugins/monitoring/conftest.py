"""Worlds to watch."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.monitoring.world import World


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    """The test runs twice: on SQLite and on PostgreSQL."""
    return World(database_url, tmp_path)


@pytest.fixture
def sqlite(sqlite_url: str, tmp_path: Path) -> World:
    return World(sqlite_url, tmp_path)
