from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tests.plugins.static_thresholds.world import COMMITTEES, METADATA, STAGING, World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """The tables, empty but for one committee. Runs on both databases."""
    engine = sa.create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        METADATA.create_all(connection)
        STAGING.create_all(connection)
        connection.execute(sa.insert(COMMITTEES), {"committee_id": 1})
        yield World(connection)
    engine.dispose()
