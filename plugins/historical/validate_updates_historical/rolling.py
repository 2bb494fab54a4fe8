"""Medians, moving ones and means, and runs of equal values, for all metrics at once: arrays of metrics x runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Slots = NDArray[np.int64]


def median(values: Floats) -> Floats:
    """The median of each row. NumPy's own takes five times as long for a few hundred numbers, to look for NaNs."""
    last = values.shape[-1] - 1
    low, high = last // 2, (last + 1) // 2
    parted = np.partition(values, (low, high), axis=-1)
    return np.asarray((parted[..., low] + parted[..., high]) / 2)


def nine_tenths(values: Floats) -> Floats:
    """What nine of ten numbers of each row are below: on a line between the two next to it, as NumPy's quantile."""
    last = values.shape[-1] - 1
    low = int(0.9 * last)
    part, high = 0.9 * last - low, min(low + 1, last)
    parted = np.partition(values, (low, high), axis=-1)
    below, above = parted[..., low], parted[..., high]
    step = above - below
    return np.asarray(above - step * (1 - part) if part >= 0.5 else below + step * part)


def moving_median(values: Floats, width: int) -> Floats:
    """The median of the ``width`` runs around each run; the ends are mirrored.

    The rows are joined to one line, since scipy's filter of one dimension costs the same at any width.
    """
    from scipy.ndimage import median_filter

    half = min(width, 2 * values.shape[1] - 1) // 2
    if half < 1:
        return values.copy()
    padded = np.concatenate([values[:, :half][:, ::-1], values, values[:, -half:][:, ::-1]], axis=1)
    line = median_filter(padded.ravel(), size=2 * half + 1, mode="nearest")
    return np.asarray(line).reshape(padded.shape)[:, half:-half]


def sums_before(values: Floats) -> Floats:
    """The sum of all runs before each one, and of all of them: metrics x (runs + 1)."""
    total = np.zeros((len(values), values.shape[1] + 1))
    values.cumsum(axis=1, out=total[:, 1:])
    return total


def level_before(values: Floats, width: int, lag: int = 0) -> tuple[Floats, Flags]:
    """The mean of the ``width`` runs that end ``lag`` runs before each run, and of the run to come.

    Returns metrics x (runs + 1), and which columns have that much past. The others take the first ``width`` runs: with
    a short history that is better than nothing, and only past runs are ever told their own future.
    """
    rows, runs = values.shape
    width = max(1, min(width, runs - 1 - lag))
    total = sums_before(values)
    first = lag + width
    level = np.empty((rows, runs + 1))
    level[:, :first] = total[:, width, None]
    level[:, first:] = total[:, width : runs + 1 - lag] - total[:, : runs + 1 - first]
    return level / width, np.arange(runs + 1) >= first


def mean_over(values: Floats, width: int) -> Floats:
    """The mean of each run and the ``width`` - 1 before it; of what there is, at the start."""
    total = sums_before(values)
    end = np.arange(1, values.shape[1] + 1)
    start = np.maximum(0, end - width)
    return np.asarray((total[:, end] - total[:, start]) / (end - start))


def lengths(values: Floats) -> Slots:
    """For each run of each metric, how many runs in a row up to it had its value."""
    index = np.arange(values.shape[1])
    new = np.ones(values.shape, dtype=bool)
    new[:, 1:] = values[:, 1:] != values[:, :-1]
    return np.asarray(index - np.maximum.accumulate(np.where(new, index, 0), axis=1) + 1)


def spells(flags: Flags, gap: int = 7) -> int:
    """How many separate times something was so: less than ``gap`` runs apart is the same time."""
    places = np.flatnonzero(flags)
    return 0 if len(places) == 0 else 1 + int(np.sum(np.diff(places) > gap))
