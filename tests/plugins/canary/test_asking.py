"""The criteria of a canary for those who judge a task as a whole: under way, over, and afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Command, command, plain_terminal
from tests.core.engine.target import Target
from tests.plugins.canary.test_canary import World, begun
from validate_updates import Criterion, CriterionState
from validate_updates.desk import SettingsDesk
from validate_updates.settings import load_settings

__all__ = ["command", "plain_terminal"]

PASS, FAIL, UNKNOWN = CriterionState.PASS, CriterionState.FAIL, CriterionState.UNKNOWN
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(command: Command, tmp_path: Path, database_url: str) -> World:
    """Five runs of the past. The test runs twice: on SQLite and on PostgreSQL."""
    world = begun(command, tmp_path, Target(database_url))
    for _ in range(4):
        world.run("daily")
    world.answer("start", "daily", "--plugins", "batch", "--runs", "5", "--as-of", "2026-01-06T07:00Z")
    return world


def asked(world: World, *, since: datetime = BEGIN, until: datetime | None = None) -> dict[str, Criterion]:
    desk = SettingsDesk(load_settings(world.folder / "validate-updates.toml"), "other")
    now = until or BEGIN + timedelta(days=world.day, hours=7)
    return {one.name: one for one in desk.criteria("canary", "daily", since, now)}


def states(criteria: dict[str, Criterion]) -> dict[str, CriterionState]:
    return {name: one.state for name, one in criteria.items()}


def test_from_its_begin_to_its_end_and_afterwards(world: World) -> None:
    world.run("daily")
    early = asked(world)
    assert states(early) == {
        "canary": PASS,
        "runs": UNKNOWN,
        "errors": PASS,
        "data loss": PASS,
        "slowdown": UNKNOWN,
        "false alarms": UNKNOWN,
    }
    assert (early["canary"].actual, early["runs"].actual, early["runs"].target) == ("under way", "1", "5")
    assert early["runs"].todo.startswith("validate-updates run daily")

    for _ in range(4):
        world.run("daily")
    over = asked(world)
    assert set(states(over).values()) == {PASS}
    assert (over["canary"].actual, over["runs"].actual) == ("promoted", "5")

    world.run("daily")
    assert asked(world)["runs"].actual == "5", "what comes later is not of the canary"
    assert asked(world)["errors"] == over["errors"]
    later = asked(world, since=BEGIN + timedelta(days=world.day))
    assert (states(later), later["canary"].actual) == ({"canary": UNKNOWN}, "none")
    assert later["canary"].todo == "validate-updates canary start daily --plugins A,B --runs 14"


def test_one_that_is_aborted_fails_for_good(world: World) -> None:
    world.run("daily")
    world.answer("abort", "daily", "--reason", "not in December")

    found = asked(world, until=datetime.now(UTC) + timedelta(days=1))

    assert (found["canary"].state, found["canary"].actual) == (FAIL, "aborted")
    assert found["runs"].state is UNKNOWN


def test_one_that_is_promoted_by_hand_is_not_proved_by_it(world: World) -> None:
    world.run("daily")
    world.answer("promote", "daily", "--reason", "in a hurry")

    found = asked(world, until=datetime.now(UTC) + timedelta(days=1))

    assert (found["canary"].state, found["runs"].state) == (PASS, UNKNOWN)


def test_at_an_earlier_moment_it_had_not_begun(world: World) -> None:
    found = asked(world, until=BEGIN + timedelta(days=3))

    assert states(found) == {"canary": UNKNOWN}


def test_one_that_begins_later_hides_none_that_was_over(world: World) -> None:
    for _ in range(5):
        world.run("daily")
    world.answer("start", "daily", "--plugins", "static_thresholds", "--as-of", "2026-02-01T07:00Z")

    assert asked(world)["canary"].actual == "promoted"
    assert asked(world, until=datetime(2026, 2, 2, tzinfo=UTC))["canary"].actual == "under way"
