"""What a run should have brought: levels over more and fewer runs, each believed as far as it was right before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates_historical.expected import LEVELS, learn, unsettled
from validate_updates_historical.rolling import Floats, Slots, levels_before

RUNS = 300


def on_days(runs: int) -> Slots:
    return np.arange(runs + 1) % 7


def wandering(seed: int) -> Floats:
    """A level that moves a little every day, seen through noise: neither three runs nor a week tell it best."""
    rng = np.random.default_rng(seed)
    return np.asarray(np.cumsum(rng.normal(0, 0.4, (100, RUNS)), axis=1) + rng.normal(0, 1, (100, RUNS)))


@pytest.mark.parametrize("seed", range(3))
def test_levels_together_are_nearer_than_the_best_of_them(seed: int) -> None:
    values = wandering(seed)
    first = unsettled(RUNS)

    def errors(forecast: Floats) -> Floats:
        """The mean error of each metric."""
        return np.asarray(np.mean(np.abs(values - forecast[:, :RUNS])[:, first:], axis=1))

    levels, _ = levels_before(values, LEVELS)
    best = np.min([errors(level) for level in levels], axis=0)

    assert np.mean(errors(learn(values, on_days(RUNS)).expected)) < np.mean(best)


@given(st.floats(-1e6, 1e6), st.integers(8, 80))
def test_what_never_varied_is_expected_again(value: float, runs: int) -> None:
    expected = learn(np.full((1, runs), value), on_days(runs)).expected

    assert expected == pytest.approx(np.full((1, runs + 1), value), rel=1e-6, abs=1e-9)


def test_a_forecast_that_was_always_right_is_the_only_one_believed() -> None:
    by_day = np.array([9.0, 4.0, 4.0, 4.0, 5.0, 2.0, 1.0])
    values = np.tile(by_day, 43)[None, :RUNS]

    expected = learn(values, on_days(RUNS)).expected

    assert expected[0, -1] == pytest.approx(by_day[RUNS % 7], abs=0.1)
