"""The criteria of success for those who judge a task as a whole: the same as the command's, with what is missing."""

from __future__ import annotations

from datetime import timedelta

from tests.plugins.monitoring.world import ALERT, World
from validate_updates import Criterion, CriterionState
from validate_updates.desk import SettingsDesk
from validate_updates.settings import load_settings


def asked(world: World) -> dict[str, Criterion]:
    desk = SettingsDesk(load_settings(world.config), "other")
    until = world.now + timedelta(hours=1)
    return {one.name: one for one in desk.criteria("monitoring", "daily", until - timedelta(days=7), until)}


def test_they_are_those_of_the_command(world: World) -> None:
    for _ in range(6):
        world.update(plugins=("batch",))
    failed = world.failed()

    found, shown = asked(world), world.report().criteria

    assert [(one.name, one.target, one.actual, one.evidence, one.runs) for one in found.values()] == [
        (one.name, one.target, one.actual, one.evidence, one.runs) for one in shown
    ]
    assert found["batch success"].state is CriterionState.PASS
    assert (found["failed runs"].state, found["failed runs"].runs) == (CriterionState.FAIL, (failed.run_id,))


def test_what_cannot_be_told_says_what_to_do(sqlite: World) -> None:
    for _ in range(5):
        sqlite.update()
    alert = sqlite.update(ALERT)

    found = asked(sqlite)

    assert {name for name, one in found.items() if one.state is CriterionState.UNKNOWN} == {
        "batch success",
        "false alarms",
        "overhead",
    }
    assert found["batch success"].todo == "validate-updates run daily: it takes 5 runs in the window"
    assert found["overhead"].todo == "validate-updates run daily: it takes 5 runs with, and as many without"
    assert found["false alarms"].todo == (
        f"say what they were: validate-updates runs ack {alert.run_id} --expected|--incident"
    )
    assert [one.todo for one in found.values() if one.state is not CriterionState.UNKNOWN] == [""] * 5
