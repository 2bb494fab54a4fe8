"""What is reckoned over runs and windows of runs, against NumPy's quantiles and scipy's filters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import binary_opening, median_filter, uniform_filter1d

from validate_updates_historical.expected import IN_A_ROW
from validate_updates_historical.rolling import (
    AT_ONCE,
    Flags,
    Floats,
    in_a_row,
    levels_before,
    median,
    moving_mean,
    moving_median,
    nine_tenths,
    spread,
)

ODD = st.sampled_from([1, 3, 5, 7, 9, 15])
SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=8, max_side=40)


@given(arrays(float, SHAPES, elements=st.floats(-1e9, 1e9)))
def test_median_and_ninth_tenth(values: Floats) -> None:
    assert np.array_equal(median(values), np.median(values, axis=1))
    assert nine_tenths(values) == pytest.approx(np.quantile(values, 0.9, axis=1), rel=1e-12)


@given(arrays(float, SHAPES, elements=st.floats(0, 1e9)), st.sampled_from([0.5, 1.0]))
def test_a_spread_is_the_larger_of_what_the_median_says_and_a_share_of_what_the_ninth_tenth_says(
    off: Floats, share: float
) -> None:
    expected = np.maximum(1.4826 * median(off), share * nine_tenths(off) / 1.645)

    assert spread(off, share) == pytest.approx(expected, rel=1e-12)


@given(arrays(float, SHAPES, elements=st.integers(-1000, 1000).map(float)), st.integers(0, 3))
def test_levels_are_means_of_the_runs_before(values: Floats, lag: int) -> None:
    runs, widths = values.shape[1], (1, 3)

    levels, first = levels_before(values, widths, lag)

    assert first == lag + max(widths)
    for level, width in zip(levels, widths, strict=True):
        for run in range(lag + width, runs + 1):
            assert level[:, run] == pytest.approx(values[:, run - lag - width : run - lag].mean(axis=1))


@given(arrays(float, SHAPES, elements=st.floats(-1e9, 1e9)), ODD)
def test_the_moving_median(values: Floats, width: int) -> None:
    assert np.array_equal(moving_median(values, width), median_filter(values, size=(1, width), mode="reflect"))


def test_the_moving_median_of_more_than_is_worked_on_at_once() -> None:
    values = np.random.default_rng(1).normal(size=(2 * AT_ONCE // 365 + 1, 365))

    assert np.array_equal(moving_median(values, 15), median_filter(values, size=(1, 15), mode="reflect"))


@given(st.integers(1, 7), ODD)
def test_the_moving_median_of_fewer_runs_than_its_window_is_one_of_them(runs: int, width: int) -> None:
    values = np.arange(float(runs))[None]

    assert set(moving_median(values, width)[0]) <= set(values[0])


@given(arrays(float, SHAPES, elements=st.integers(-1000, 1000).map(float)), ODD)
def test_the_moving_mean(values: Floats, width: int) -> None:
    filtered = uniform_filter1d(values, width, axis=1, mode="reflect")

    np.testing.assert_allclose(moving_mean(values, width), filtered, atol=1e-9)


@given(arrays(bool, SHAPES))
def test_what_lasts_is_in_a_longer_row(flags: Flags) -> None:
    lasting = flags & (in_a_row(flags) > IN_A_ROW)

    assert np.array_equal(lasting, binary_opening(flags, structure=np.ones((1, IN_A_ROW + 1))))
