"""Servers that are told, and a target whose updates tell them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugins.notify.servers import Mail, Web, mail_server, web_server
from tests.plugins.notify.world import World
from validate_updates_notify import delivering
from validate_updates_notify.delivering import Limits

SECRET = "s3cr3t-in-the-path"


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits in a test."""
    monkeypatch.setattr(delivering, "LIMITS", Limits(seconds=5.0, tries=3, pause=0.0))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A web server whose address, with a secret in it, is in the environment: ``env:HOOK``."""
    with web_server() as server:
        monkeypatch.setenv("HOOK", server.url(f"/{SECRET}"))
        yield server


@pytest.fixture
def mail() -> Iterator[Mail]:
    with mail_server() as server:
        yield server


@pytest.fixture
def world(database_url: str) -> World:
    """The test runs twice: on SQLite and on PostgreSQL."""
    return World(database_url)


@pytest.fixture
def sqlite(sqlite_url: str) -> World:
    return World(sqlite_url)
