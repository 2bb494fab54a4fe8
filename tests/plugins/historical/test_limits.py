"""How rare is rare enough: by the rate, by the number of metrics, and by how calm they are together."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates_historical.baseline import learn
from validate_updates_historical.limits import limits
from validate_updates_historical.rule import judge
from validate_updates_historical.series import rows

rates = st.floats(0.0001, 0.1)
strengths = st.floats(0, 20)


def one(rate: float, *, independent: float = 1.0, together: float = 20.0, runs: int = 365) -> float:
    return limits(rate, independent=independent, together=together, runs=runs, percent=0.0, units=0.0).one


@given(rates, st.floats(1, 1000), strengths, st.integers(8, 400))
def test_their_own_past_lowers_the_limit_of_many_and_never_below_that_of_one(
    rate: float, independent: float, together: float, runs: int
) -> None:
    found = one(rate, independent=independent, together=together, runs=runs)

    assert one(rate, runs=runs) <= found <= one(rate, independent=independent, runs=runs)


@given(rates, rates, st.floats(1, 1000), strengths)
def test_fewer_false_alarms_take_a_higher_limit(rate: float, other: float, independent: float, together: float) -> None:
    seldom, often = (one(share, independent=independent, together=together) for share in sorted((rate, other)))

    assert often <= seldom + 1e-9


def test_of_calm_metrics_one_that_is_twice_as_far_out_as_ever_is_mostly_found() -> None:
    """Five of six times, of what is 5 to 7 standard deviations out: the limit that they share rests on 200 runs."""
    names = ("a", "b", "c")
    begin = date(2025, 1, 1)
    at = begin + timedelta(days=200)
    found = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        counts = {name: rng.poisson(400, 200) for name in names}
        past = [(begin + timedelta(days=day), {name: float(counts[name][day]) for name in names}) for day in range(200)]
        history = dict(rows(past))
        for metric in names:
            furthest = max(abs(counts[metric] - 400))
            update = {**dict.fromkeys(names, 400.0), metric: 400.0 + 2 * furthest}
            found.append([alert.metric for alert in judge(history, update, at=at).alerts] == [metric])

    assert np.mean(found) >= 5 / 6


def test_what_goes_on_does_not_raise_its_own_limit() -> None:
    """A coverage that sinks for three weeks: the limit for all is that of the weeks before."""
    rng = np.random.default_rng(11)
    begin = date(2025, 1, 1)
    names = ("a", "b", "c")
    good = {name: rng.normal(0.95, 0.01, 120) for name in names}
    sunk = {**good, "a": np.where(np.arange(120) < 100, good["a"], good["a"] - 0.003 * np.arange(-100, 20))}

    def together(values: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> float:
        past = [(begin + timedelta(days=day), {name: float(values[name][day]) for name in names}) for day in range(120)]
        (group,) = learn(dict(rows(past)), begin + timedelta(days=120)).groups
        return float(group.together.at(0.01)[0])

    assert together(sunk) == pytest.approx(together(good), abs=0.5)
