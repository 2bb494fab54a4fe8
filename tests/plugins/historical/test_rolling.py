"""What is reckoned over windows of runs, against scipy's filters."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import binary_opening, median_filter, uniform_filter1d

from validate_updates_historical.expected import IN_A_ROW
from validate_updates_historical.rolling import AT_ONCE, Flags, Floats, in_a_row, moving_mean, moving_median

ODD = st.sampled_from([1, 3, 5, 7, 9, 15])
SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=8, max_side=40)


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
