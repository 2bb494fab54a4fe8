from __future__ import annotations

import pytest

from tests.plugins.historical.feeds import at_the_end, days, steady
from validate_updates_historical.baseline import learn
from validate_updates_historical.judgement import Phase
from validate_updates_historical.rule import decide, judge
from validate_updates_historical.series import Series
from validate_updates_historical.settings import Historical


@pytest.mark.parametrize(
    ("runs", "phase", "text"),
    [
        (0, Phase.LEARNING, "learning, 0 of 30 runs"),
        (7, Phase.LEARNING, "learning, 7 of 30 runs"),
        (12, Phase.SHADOW, "1 alert in shadow, 12 of 30 runs"),
        (29, Phase.SHADOW, "1 alert in shadow, 29 of 30 runs"),
        (30, Phase.JUDGING, "1 alert"),
        (100, Phase.JUDGING, "1 alert"),
    ],
)
def test_the_phases(runs: int, phase: Phase, text: str) -> None:
    judged = at_the_end([*steady(runs), 900.0])
    assert (judged.phase, str(judged), judged.decides) == (phase, text, phase is Phase.JUDGING)


def test_seventeen_runs_are_enough_where_that_is_set() -> None:
    times = days(18)
    history = {"rows": Series(times[:-1], steady(17))}
    assert judge(history, {"rows": 300.0}, at=times[-1], settings=Historical(min_days=17)).decides


def test_a_baseline_is_learnt_once_and_decides_often() -> None:
    times, settings = days(91), Historical()
    history = {"rows": Series(times[:-1], steady(90))}
    baseline = learn(history, times[-1])
    for value in (0.0, 95.0, 300.0):
        assert decide(baseline, {"rows": value}, settings=settings) == judge(history, {"rows": value}, at=times[-1])


def test_metrics_of_other_runs_and_unknown_ones() -> None:
    times = days(91)
    history = {"rows": Series(times[:-1], steady(90)), "new": Series(times[80:90], steady(10))}
    judged = judge(history, {"rows": 900.0, "new": 900.0, "never seen": 1.0}, at=times[-1])
    assert [(alert.metric, alert.runs) for alert in judged.alerts] == [("new", 10), ("rows", 90)]
