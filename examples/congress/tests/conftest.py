"""An API on this machine, a database with the six tables, and the plugin between them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

import validate_updates
from validate_updates import RunResult
from vu_congress import plugin
from vu_congress.demo.server import Faults, Running, serving
from vu_congress.demo.world import feed, make_database
from vu_congress.tables import TABLES

KEY = "a-key-that-nobody-may-see"
DAY = date(2025, 6, 20)
NOW = datetime(2025, 6, 20, 23, tzinfo=UTC)

Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CONGRESS_API_KEY", KEY)
    return KEY


@pytest.fixture
def now() -> datetime:
    """When the updates are run."""
    return NOW


class Serve(Protocol):
    """Start a server; it ends with the test."""

    def __call__(self, meetings: list[dict[str, Any]], faults: Faults | None = None, limit: int = 5000) -> Running: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:

        def start(meetings: list[dict[str, Any]], faults: Faults | None = None, limit: int = 5000) -> Running:
            return servers.enter_context(serving(meetings, key=KEY, faults=faults, limit=limit))

        yield start


@pytest.fixture
def meetings() -> list[dict[str, Any]]:
    """Some sixty meetings of twelve days, each in its newest state."""
    newest = {one["eventId"]: one for day in feed(DAY).values() for one in day}
    return list(newest.values())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    make_database(tmp_path / "hearings.db")
    return tmp_path / "hearings.db"


@pytest.fixture
def rows(database: Path) -> Rows:
    def ask(query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute(query).fetchall()

    return ask


class Update(Protocol):
    """One update from the API at ``url``, or from any other source."""

    def __call__(
        self, url: str = "", *, source: str = "congress:meetings", as_of: datetime = NOW, **settings: Any
    ) -> RunResult: ...


@pytest.fixture
def update(database: Path) -> Update:
    def run(url: str = "", *, source: Any = "congress:meetings", as_of: datetime = NOW, **settings: Any) -> RunResult:
        address = {"base_url": url} if url else {}
        return validate_updates.run(
            source,
            target=f"sqlite:///{database}",
            table="hearings",
            tables=TABLES,
            task="daily",
            plugins=["batch"],
            settings={"congress": {"first_pause": 0.0, **address, **settings}},
            as_of=as_of,
            extra={"congress": plugin},
        )

    return run
