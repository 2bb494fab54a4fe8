"""Databases of the test's own, and backups of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target
from validate_updates.backups import BackupInfo, BackupPolicy, Listing, Restored, create, listing, restore, verify
from validate_updates.secret import SecretUrl

TABLE = "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL, amount integer)"
ROWS = [(number, f"name {number}", number * 10) for number in range(200)]


class Saved:
    """A database with a table ``t``, and what is done with backups of it."""

    def __init__(self, url: str, policy: BackupPolicy) -> None:
        self.target = Target(url)
        self.url = SecretUrl(url)
        self.policy = policy
        self.target.execute(TABLE)
        self.target.execute(f"INSERT INTO t VALUES {', '.join(map(str, ROWS))}")

    @property
    def folder(self) -> Path:
        return Path(listing(self.policy, self.url).folder)

    def create(self, *, now: datetime | None = None, wait: float = 0, **options: Any) -> BackupInfo:
        made, _ = create(
            self.policy,
            self.url,
            journal_prefix="update_",
            schema=None,
            wait=wait,
            now=now or datetime.now(UTC),
            **options,
        )
        return made

    def verify(self, name: str = "last") -> BackupInfo:
        return verify(self.policy, self.url, name)

    def restore(self, name: str = "last", *, policy: BackupPolicy | None = None) -> Restored:
        return restore(
            policy or self.policy,
            self.url,
            name,
            journal_prefix="update_",
            schema=None,
            wait=0,
            now=datetime.now(UTC),
        )

    def listing(self) -> Listing:
        return listing(self.policy, self.url)

    def names(self) -> list[str]:
        """Of the backups that are listed, the newest first."""
        return [one.name for one in self.listing().backups]

    def spoil(self) -> None:
        """Change, add and remove rows."""
        self.target.execute(
            "UPDATE t SET name = 'spoilt' WHERE id < 50",
            "DELETE FROM t WHERE id > 150",
            "INSERT INTO t VALUES (-1, 'x', 0)",
        )

    def rows(self) -> list[tuple[Any, ...]]:
        return self.target.rows("SELECT id, name, amount FROM t ORDER BY id")


def days(number: float) -> timedelta:
    return timedelta(days=number)


@pytest.fixture
def policy(tmp_path: Path) -> BackupPolicy:
    return BackupPolicy(folder=tmp_path / "backups", deadline=60)


@pytest.fixture
def saved(database_url: str, policy: BackupPolicy) -> Saved:
    """The test runs twice: on SQLite and on PostgreSQL."""
    return Saved(database_url, policy)


@pytest.fixture
def sqlite(sqlite_url: str, policy: BackupPolicy) -> Saved:
    return Saved(sqlite_url, policy)


@pytest.fixture
def postgres(postgres_url: str, policy: BackupPolicy) -> Saved:
    return Saved(postgres_url, policy)
