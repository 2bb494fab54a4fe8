"""What must hold for any history: it is about the numbers, not about how they are handed over."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.historical.feeds import days, steady, weekly
from validate_updates_historical.judgement import Judgement
from validate_updates_historical.rule import judge
from validate_updates_historical.series import Series
from validate_updates_historical.settings import Historical

numbers = st.one_of(
    st.integers(0, 5).map(float),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf]),
)
counts = st.builds(
    lambda feed, seed, length, last: [*feed(length, seed=seed), float(last)],
    st.sampled_from([steady, weekly]),
    st.integers(0, 50),
    st.integers(8, 90),
    st.one_of(st.integers(0, 1000), st.sampled_from([0, 100, 10**6])),
)


def verdict(judgement: Judgement) -> object:
    """What was found, without the numbers."""
    return [(alert.metric, [signal.name for signal in alert.signals]) for alert in judgement.alerts]


def judged(values: list[float], order: list[int] | None = None, shift: int = 0) -> Judgement:
    times = [time + timedelta(shift) for time in days(len(values))]
    order = order or list(range(len(values) - 1))
    history = {"rows": Series([times[i] for i in order], [values[i] for i in order])}
    return judge(history, {"rows": values[-1]}, at=times[-1])


@given(counts, st.sampled_from([0.001, 0.25, 2, 3, 60, 1000, 1024, 1e6]))
@settings(deadline=None)
def test_the_unit_does_not_matter(values: list[float], factor: float) -> None:
    assert verdict(judged([value * factor for value in values])) == verdict(judged(values))


@given(counts, counts, st.data())
@settings(deadline=None)
def test_metrics_with_the_same_past_are_each_judged_by_it(
    values: list[float], others: list[float], data: st.DataObject
) -> None:
    """As they are when their units differ, and so what is learned of one does not serve for the other."""
    runs = min(len(values), len(others)) - 1
    of = data.draw(st.lists(st.sampled_from("xy"), min_size=3, max_size=6))
    pasts, news = {"x": values[:runs], "y": others[:runs]}, {"x": values[-1], "y": others[-1]}

    def found(units: Iterable[float]) -> object:
        each = {f"metric{number}": (one, unit) for number, (one, unit) in enumerate(zip(of, units, strict=True))}
        history = {
            name: Series(days(runs), [unit * value for value in pasts[one]]) for name, (one, unit) in each.items()
        }
        update = {name: unit * news[one] for name, (one, unit) in each.items()}
        return verdict(judge(history, update, at=days(runs + 1)[-1]))

    assert found(1.0 for _ in of) == found(2.0**number for number, _ in enumerate(of))


@given(counts, st.integers(-520, 520))
@settings(deadline=None)
def test_the_week_does_not_matter(values: list[float], weeks: int) -> None:
    assert judged(values, shift=7 * weeks) == judged(values)


@given(counts, st.data())
@settings(deadline=None)
def test_neither_order_nor_a_second_delivery_matters(values: list[float], data: st.DataObject) -> None:
    runs = list(range(len(values) - 1))
    delivered = data.draw(st.permutations(runs)) + data.draw(st.lists(st.sampled_from(runs), max_size=20))
    assert judged(values, order=delivered) == judged(values)


@given(st.lists(numbers, max_size=80), numbers)
@settings(deadline=None, max_examples=300)
def test_no_numbers_make_it_fail(values: list[float], value: float) -> None:
    history = {"a": Series(days(len(values)), values), "b": Series(days(len(values)), [1.0] * len(values))}
    found = judge(history, {"a": value, "b": 1.0}, at=days(len(values) + 1)[-1])
    for alert in found.alerts:
        assert all(map(math.isfinite, (alert.value, alert.expected, alert.low, alert.high)))
        assert all(math.isfinite(signal.strength) for signal in alert.signals)


@given(st.lists(st.floats(0, 1e6), min_size=8, max_size=60), st.integers(1, 40))
@settings(deadline=None)
def test_several_runs_a_day_and_missed_days(values: list[float], hours: int) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    times = [start + timedelta(hours=hours * run) for run in range(len(values))]
    judge({"a": Series(times[:-1], values[:-1])}, {"a": values[-1]}, at=times[-1])


def test_what_lies_after_the_update_is_not_its_past() -> None:
    values = steady(60)
    times = days(60)
    early = judge({"rows": Series(times, values)}, {"rows": values[40]}, at=times[40])
    assert early == judge({"rows": Series(times[:40], values[:40])}, {"rows": values[40]}, at=times[40])
    assert early.runs == 40


def test_a_rate_of_false_alarms_that_is_higher_finds_more() -> None:
    values, times = steady(90), days(91)
    history = {"rows": Series(times[:-1], values)}
    found = [
        len(judge(history, {"rows": 150.0}, at=times[-1], settings=Historical(false_alarm_rate=rate)).alerts)
        for rate in (0.2, 1e-9)
    ]
    assert found == [1, 0]


def test_more_metrics_share_the_rate() -> None:
    """What is news for one metric alone is not among fifty that do not say the same."""
    times = days(121)
    many = {f"m{seed}": Series(times[:-1], steady(120, seed=seed)) for seed in range(50)}
    alone = {"m0": many["m0"]}
    value = next(float(value) for value in range(100, 200) if judge(alone, {"m0": float(value)}, at=times[-1]).alerts)
    assert not judge(many, {"m0": value}, at=times[-1]).alerts
    assert judge(many, {"m0": 400.0}, at=times[-1]).alerts
    copies = {f"copy{i}": many["m0"] for i in range(50)}  # fifty names for one thing
    assert judge(copies, {"copy0": value}, at=times[-1]).alerts


@given(st.integers(30, 90), st.integers(0, 6), st.sampled_from([1.0, 9.0, 1e6, 1e308]))
@settings(deadline=None)
def test_what_was_never_there_may_come_in_any_number(runs: int, lately: int, number: float) -> None:
    """Beside another metric that counts a few."""
    never = [0.0] * (runs - lately) + [number] * lately
    few = [float(count) for count in np.random.default_rng(3).poisson(2, runs)]
    history = {"never": Series(days(runs), never), "few": Series(days(runs), few)}
    at = days(runs + 1)[-1]
    assert judge(history, {"never": number, "few": 2.0}, at=at).runs == runs
