from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.historical.feeds import days, steady, weekly
from validate_updates_historical.signals.count import count
from validate_updates_historical.signals.level_shift import level_shift
from validate_updates_historical.signals.moving_average import moving_average
from validate_updates_historical.signals.opinions import opinions
from validate_updates_historical.signals.percentile import percentile
from validate_updates_historical.signals.reading import t_limit
from validate_updates_historical.signals.robust_z import robust_z
from validate_updates_historical.signals.stuck import repetition
from validate_updates_historical.signals.trend import reversal, slope, trend
from validate_updates_historical.signals.weekday import weekday
from validate_updates_historical.signals.z_score import z_score


def test_three_deviations_mean_the_same_at_any_number_of_points() -> None:
    assert t_limit(3.0, 10) == pytest.approx(4.09, abs=0.01)
    assert t_limit(3.0, 300) == pytest.approx(3.03, abs=0.01)
    rng = np.random.default_rng(0)
    for runs in (5, 10, 100):
        samples = rng.normal(size=(4000, runs + 1))
        alarms = sum(z_score(row[:-1], float(row[-1])).speaks for row in samples)
        assert alarms <= 4000 * 0.0027 + 12  # the normal's two tails, and chance


def test_z_score() -> None:
    reading = z_score([1.0, 2.0, 3.0], 8.0)
    assert reading.statistic == pytest.approx(6 / math.sqrt(4 / 3))


def test_robust_z_does_not_care_about_a_bulk_load() -> None:
    history = [*steady(60), 100_000.0]
    assert robust_z(history, 300.0).speaks
    assert not z_score(history, 300.0).speaks


def test_moving_average() -> None:
    values = steady(60)
    assert moving_average(values, 200.0, width=7).speaks
    assert moving_average(values, 200.0, width=30).speaks
    assert not moving_average(values, 100.0, width=7).speaks
    assert not moving_average(values[:9], 200.0, width=7).speaks


def test_weekday() -> None:
    values, times = weekly(71), days(71)  # the next is a Tuesday
    assert not weekday(times[:69], values[:69], times[69], 40.0).speaks
    assert weekday(times[:69], values[:69], times[69], 400.0).statistic > 6
    assert weekday(times[:70], values[:70], times[70], 40.0).speaks


def test_slope_and_trend() -> None:
    assert slope([1.0, 2.0, 3.0, 400.0, 5.0]) == 1.0
    assert trend([float(run) for run in range(20)]).speaks
    assert trend([float(-run) for run in range(20)]).statistic < -3
    assert not trend(steady(60)).speaks


def test_reversal() -> None:
    grown = [1000.0 + 5 * run for run in range(40)]
    assert not reversal(grown, 1200.0).speaks
    assert reversal(grown, 1100.0).statistic < -1
    assert not reversal(steady(40), 10.0).speaks  # no trend, nothing to reverse


def test_percentile() -> None:
    history = [float(run) for run in range(200)]
    assert percentile(history, 500.0).statistic > 2
    assert percentile(history, -1.0).speaks
    assert not percentile(history, 198.0).speaks
    assert not percentile(history[:50], 500.0).speaks  # fifty runs cannot say that


def test_level_shift_and_slow_drift() -> None:
    values = steady(90)
    assert not level_shift(values, 100.0).speaks
    drifting = [value - 1.0 * day for day, value in enumerate(values[-25:])]
    assert level_shift([*values[:-25], *drifting], drifting[-1]).statistic < -5


def test_small_counts_are_not_gaussian() -> None:
    history = [0.0, 1.0, 0.0, 0.0, 2.0, 1.0] * 10
    assert not count(history, 3.0).speaks
    assert count(history, 12.0).statistic > 3
    assert count(steady(60), 30.0).statistic < -3


def test_repetition() -> None:
    values = steady(60)
    assert [reading.name for reading in repetition([*values, 7.0, 7.0], 7.0)] == ["stuck"]
    assert [reading.name for reading in repetition(values, 0.0)] == ["silence"]
    assert [reading.name for reading in repetition([5.0] * 60, 6.0)] == ["constant"]
    assert repetition(values, 100.5) == ()


@given(
    st.lists(st.one_of(st.floats(), st.sampled_from([0.0, 1e308, math.nan])), max_size=40),
    st.floats(),
)
@settings(deadline=None)
def test_no_numbers_make_a_signal_fail(values: list[float], value: float) -> None:
    for reading in opinions(days(len(values)), values, days(len(values) + 1)[-1], value):
        assert math.isfinite(reading.statistic)
