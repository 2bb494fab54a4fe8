"""Fixtures for all tests: real databases, each test with its own, and how hard Hypothesis tries."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.core.engine.target import Target
from tests.postgres import PostgresMissing, PostgresServer, running

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=30, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("deep", max_examples=500, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def pytest_collection_finish() -> None:
    """What has been collected lives until the end; the garbage collector need not go through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one for each test process. Without one the test is skipped, but where CI is set it fails."""
    try:
        with running() as server:
            yield server
    except PostgresMissing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"no PostgreSQL: {missing}")
        pytest.skip(f"no PostgreSQL: {missing}")


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of the test's own."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'target.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The test runs twice: on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def target(database_url: str) -> Target:
    """An empty database, seen from outside. The test runs twice: on SQLite and on PostgreSQL."""
    return Target(database_url)


@pytest.fixture
def sqlite(sqlite_url: str) -> Target:
    """The same on SQLite alone."""
    return Target(sqlite_url)


@pytest.fixture
def postgres(postgres_url: str) -> Target:
    """The same on PostgreSQL alone."""
    return Target(postgres_url)
