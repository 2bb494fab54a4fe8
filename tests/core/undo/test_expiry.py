"""Old undo logs are let go, but never the newest, and never by a clock that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.core.engine.target import Target
from tests.core.undo.taking_back import taken_back
from validate_updates.errors import UsageError
from validate_updates.journal.tables import tables
from validate_updates.undo.expiry import expire

START = datetime(2024, 3, 1, 6, tzinfo=UTC)


@pytest.fixture
def runs(target: Target) -> list[str]:
    """Three runs, ten days apart."""
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    return [
        target.update([{"id": 1, "name": f"v{number}"}], as_of=START + timedelta(days=10 * number)).run_id
        for number in range(3)
    ]


def expired(target: Target, now: datetime, days: int = 30) -> int:
    engine = sa.create_engine(target.url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        gone = expire(connection, tables(), retention_days=days, now=now)
    engine.dispose()
    return gone


def held(target: Target) -> list[str]:
    return [
        run
        for run, _ in target.rows(
            "SELECT DISTINCT run_id, run_no FROM update_undo JOIN update_logs ON run_no = entry_no / 1099511627776"
            " ORDER BY run_no"
        )
    ]


def test_what_is_older_goes(target: Target, runs: list[str]) -> None:
    assert expired(target, START + timedelta(days=29)) == 0
    assert expired(target, START + timedelta(days=31)) == 1
    assert held(target) == runs[1:]


def test_the_newest_stays_whatever_its_age(target: Target, runs: list[str]) -> None:
    assert expired(target, START + timedelta(days=3650)) == 2
    assert held(target) == runs[2:]
    assert taken_back(target, runs[2]).restored == 1


def test_a_clock_that_is_behind_deletes_nothing(target: Target, runs: list[str]) -> None:
    assert expired(target, START + timedelta(days=15), days=1) == 0
    assert held(target) == runs


def test_a_run_under_way_stays(target: Target, runs: list[str]) -> None:
    target.execute(f"UPDATE update_logs SET state = 'running' WHERE run_id = '{runs[0]}'")
    assert expired(target, START + timedelta(days=100)) == 1
    assert held(target) == [runs[0], runs[2]]


def test_it_is_told_why_a_run_cannot_be_taken_back_any_more(target: Target, runs: list[str]) -> None:
    expired(target, START + timedelta(days=60))
    with pytest.raises(UsageError, match="kept for 30 days"):
        taken_back(target, runs[0], as_of=START + timedelta(days=60))
    without = target.update([{"id": 1, "name": "w"}], undo_retention_days=0).run_id
    with pytest.raises(UsageError, match="no undo log was kept"):
        taken_back(target, without)
