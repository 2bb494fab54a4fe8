"""The criteria of a canary, on figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from math import isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates_canary.criteria import Decision, Sides, State, at_most, chance_of, criteria, decide
from validate_updates_canary.figures import Figures, figures
from validate_updates_canary.settings import CanarySettings
from validate_updates_canary.telling import page
from validate_updates_canary.trial import Trial

NONE = figures([], ())
DEFAULTS = CanarySettings()


def made(runs: int, seconds: float = 1.0, **more: Any) -> Figures:
    return replace(
        NONE, **{"runs": runs, "stood": runs, "seconds": (seconds,) * runs, "records": (100,) * runs, **more}
    )


def states(canary: Figures, before: Figures = NONE, beside: Figures = NONE, **settings: Any) -> dict[str, State]:
    judged = criteria(Sides(canary=canary, before=before, beside=beside), CanarySettings(**settings))
    return {one.name: one.state for one in judged}


def test_more_records_may_take_longer() -> None:
    twice = made(9, seconds=2.1, records=(200,) * 9)

    assert states(twice, made(9))["slowdown"] is State.MET
    assert states(made(9, seconds=3.0, records=(200,) * 9), made(9))["slowdown"] is State.NOT_MET
    assert states(made(9, seconds=2.1, records=(50,) * 9), made(9))["slowdown"] is State.NOT_MET, "as long for fewer"
    [slowdown] = [
        one for one in criteria(Sides(canary=twice, before=made(9), beside=NONE), DEFAULTS) if "slow" in one.name
    ]
    assert slowdown.actual == "2.10 s a run, 1.00 s before x 2.00, as there are more records (+5 %)"


def test_a_title_keeps_the_names_as_they_are() -> None:
    trial = Trial(task="EU_daily", plugins=("batch",), runs=1, started_at=datetime.now(UTC), after=0, earlier={})

    assert page(trial, Sides(canary=NONE, before=NONE, beside=NONE), ()).title == "Canary of batch on EU_daily"


def test_without_a_run_nothing_is_known() -> None:
    assert set(states(NONE).values()) == {State.NOT_KNOWN}


def test_fourteen_quiet_runs_meet_all_of_it() -> None:
    assert set(states(made(14), made(14)).values()) == {State.MET}


@pytest.mark.parametrize(
    ("canary", "beside", "name"),
    [
        (made(1, errors=1), NONE, "errors"),
        (made(9), made(9, errors=1), "errors"),
        (made(1, losses=1), NONE, "data loss"),
        (made(9, seconds=3.0), NONE, "slowdown"),
        (made(9, alerts=9, false_alarms=9), NONE, "false alarms"),
        (made(9), made(9, alerts=9, false_alarms=9), "false alarms"),
    ],
)
def test_what_is_too_much_is_not_met_and_nothing_else_is(canary: Figures, beside: Figures, name: str) -> None:
    found = states(canary, made(9), beside)

    assert [one for one, state in found.items() if state is State.NOT_MET] == [name]


def test_limits_are_settings() -> None:
    bad = made(9, seconds=3.0, errors=1, losses=1, false_alarms=9, alerts=9)
    lenient: dict[str, Any] = {"errors": 1, "data_loss": 1, "slowdown": 250.0, "false_alarms": 100.0}

    assert set(states(bad, made(9)).values()) == {State.NOT_MET}
    assert State.NOT_MET not in states(bad, made(9), **lenient).values()


def test_what_takes_a_moment_is_not_slower_by_a_moment() -> None:
    assert states(made(9, seconds=0.4), made(9, seconds=0.1))["slowdown"] is State.MET
    assert states(made(9, seconds=0.4), made(9, seconds=0.1), least_seconds=0.2)["slowdown"] is State.NOT_MET


@pytest.mark.parametrize(("canary", "before"), [(4, 9), (9, 4), (9, 0)])
def test_too_few_runs_tell_nothing_of_a_slowdown(canary: int, before: int) -> None:
    assert states(made(canary, seconds=9.0), made(before))["slowdown"] is State.NOT_KNOWN


def test_one_alarm_may_be_chance_and_three_are_not() -> None:
    found = [states(made(14, alerts=n, false_alarms=n))["false alarms"] for n in range(4)]

    assert found == [State.MET, State.NOT_KNOWN, State.NOT_KNOWN, State.NOT_MET]
    assert states(made(14, alerts=1, false_alarms=1), beside=made(14))["false alarms"] is State.MET, "1 of 28"


@given(events=st.integers(0, 20), more=st.integers(0, 20), rate=st.floats(0, 1))
def test_chances_are_chances(events: int, more: int, rate: float) -> None:
    runs = max(events + more, 1)
    assert -1e-9 <= chance_of(events + 1, runs, rate) <= chance_of(events, runs, rate) <= 1 + 1e-9
    assert events / runs <= at_most(min(events, runs), runs) <= 1


def test_the_bound_is_that_of_the_tables() -> None:
    """Of no event in n: one minus the n-th root of 5 %."""
    for runs in (1, 14, 59):
        assert isclose(at_most(0, runs), 1 - 0.05 ** (1 / runs), abs_tol=1e-9)
    assert isclose(chance_of(1, 14, 0.05), 1 - 0.95**14)


def test_what_follows() -> None:
    met = criteria(Sides(canary=made(14), before=made(14), beside=NONE), DEFAULTS)
    unknown = criteria(Sides(canary=made(3), before=made(14), beside=NONE), DEFAULTS)
    bad = criteria(Sides(canary=made(3, errors=1), before=made(14), beside=NONE), DEFAULTS)

    assert [decide(met, over=over) for over in (False, True)] == [Decision.GO_ON, Decision.PROMOTE]
    assert [decide(unknown, over=over) for over in (False, True)] == [Decision.GO_ON, Decision.UNDECIDED]
    assert [decide(bad, over=over) for over in (False, True)] == [Decision.ABORT, Decision.ABORT]
