"""Medians, moving ones and means, and runs of equal values, for all metrics at once: arrays of metrics x runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Slots = NDArray[np.int64]

AT_ONCE: Final = 6_000
"""Numbers that a moving median works on at once: ten arrays of them fit in the cache of a processor's core."""


def median(values: Floats) -> Floats:
    """The median of each row. NumPy's own takes ten times as long for a few hundred numbers, to look for NaNs."""
    return _middle_of(np.sort(values, axis=-1))


def nine_tenths(values: Floats) -> Floats:
    """What nine of ten numbers of each row are below: on a line between the two next to it, as NumPy's quantile."""
    return _nine_tenths_of(np.sort(values, axis=-1))


def spread(off: Floats, share: float = 1.0) -> Floats:
    """The standard deviation of each row of deviations without their sign, as the median of a Gaussian has it.

    Where that is more, ``share`` of what its ninth tenth would say: a row that is mostly flat has a spread, too.
    """
    ordered = np.sort(off, axis=-1)
    return np.maximum(1.4826 * _middle_of(ordered), share * _nine_tenths_of(ordered) / 1.645)


def _middle_of(ordered: Floats) -> Floats:
    last = ordered.shape[-1] - 1
    return np.asarray((ordered[..., last // 2] + ordered[..., (last + 1) // 2]) / 2)


def _nine_tenths_of(ordered: Floats) -> Floats:
    last = ordered.shape[-1] - 1
    low = int(0.9 * last)
    part, high = 0.9 * last - low, min(low + 1, last)
    below, above = ordered[..., low], ordered[..., high]
    step = above - below
    return np.asarray(above - step * (1 - part) if part >= 0.5 else below + step * part)


def root_error(off: Floats) -> Floats:
    """How wrong forecasts of each row are by their errors ``off``: large ones count less than in a mean of them."""
    size = np.abs(off)
    return np.asarray(np.mean(np.sqrt(size, out=size), axis=1))


def chosen(of: Sequence[Floats], which: Slots) -> Floats:
    """For each row, that row of one of several arrays: the one that ``which`` says."""
    rows = np.empty_like(of[0])
    for number, one in enumerate(of):
        same = which == number
        rows[same] = one[same]
    return rows


def moving_median(values: Floats, width: int) -> Floats:
    """The median of the ``width`` runs around each run, for an odd ``width``; the ends are mirrored."""
    found = np.empty_like(values)
    rows = max(1, AT_ONCE // values.shape[1])
    for first in range(0, len(values), rows):
        found[first : first + rows] = _middle(_windows(values[first : first + rows], width))
    return found


def moving_mean(values: Floats, width: int) -> Floats:
    """The mean of the same runs."""
    windows = _windows(values, width)
    return np.asarray(sum(windows) / len(windows))


def _windows(values: Floats, width: int) -> list[Floats]:
    """For each place in a window of ``width`` runs, what is there when the window is around each run."""
    runs = values.shape[1]
    half = min(width, 2 * runs - 1) // 2
    padded = np.concatenate([values[:, :half][:, ::-1], values, values[:, runs - half :][:, ::-1]], axis=1)
    return [padded[:, first : first + runs] for first in range(2 * half + 1)]


def _middle(numbers: Sequence[Floats]) -> Floats:
    """The median of an odd number of arrays, element by element.

    By forgetful selection (McGuire 2008, on median filters for graphics processors): of half of the numbers and two
    more, neither the least nor the greatest can be the median; both are dropped, and the next number takes part. Whole
    arrays are compared, which is as fast as scipy's filter, and spares its import: longer than all else of a judgement.
    """
    waiting = [np.array(one) for one in numbers]
    kept = [waiting.pop() for _ in range(min(len(numbers), len(numbers) // 2 + 2))]
    spare = np.empty_like(kept[0])

    def put_in_order(low: int, high: int) -> None:
        nonlocal spare
        np.minimum(kept[low], kept[high], out=spare)
        np.maximum(kept[low], kept[high], out=kept[high])
        kept[low], spare = spare, kept[low]

    while len(kept) > 1:
        last, half = len(kept) - 1, len(kept) // 2
        for place in range(half):
            put_in_order(place, last - place)
        for place in range(1, last - half + 1):  # the least is in the first half, or in the middle
            put_in_order(0, place)
        for place in range(half, last):
            put_in_order(place, last)
        kept = [*kept[1:-1], *waiting[-1:]]
        del waiting[-1:]
    return kept[0]


def sums_before(values: Floats) -> Floats:
    """The sum of all runs before each one, and of all of them: metrics x (runs + 1)."""
    total = np.zeros((len(values), values.shape[1] + 1))
    values.cumsum(axis=1, out=total[:, 1:])
    return total


def levels_before(values: Floats, widths: Iterable[int], lag: int = 0) -> tuple[list[Floats], int]:
    """For each width, the mean of so many runs that end ``lag`` runs before each run, and the run to come.

    Returns metrics x (runs + 1) of each, and the first run that has that much past for all of them. Those before take
    the first ``width`` runs: with a short history that is better than nothing, and only past runs are ever told their
    own future.
    """
    runs = values.shape[1]
    total = sums_before(values)
    fitting = [max(1, min(width, runs - 1 - lag)) for width in widths]
    return [mean_before(total, width, lag) for width in fitting], lag + max(fitting)


def mean_before(total: Floats, width: int, lag: int) -> Floats:
    """The mean of the ``width`` runs that end ``lag`` runs before each run, and before the run to come.

    Of the first runs where there is no such past. ``total``: the sums before each run, of ``width`` of them or more.
    """
    first, end = lag + width, total.shape[1]
    mean = np.empty_like(total)
    mean[:, :first] = total[:, width, None]
    np.subtract(total[:, width : max(width, end - lag)], total[:, : max(0, end - first)], out=mean[:, first:])
    mean /= width
    return mean


def mean_over(values: Floats, width: int) -> Floats:
    """The mean of each run and the ``width`` - 1 before it; of what there is, at the start."""
    total, few = sums_before(values), min(width, values.shape[1])
    mean = total[:, 1:].copy()
    mean[:, :few] /= np.arange(1, few + 1)
    mean[:, few:] -= total[:, 1:-few]
    mean[:, few:] /= few
    return mean


def lengths(values: Floats | Flags) -> Slots:
    """For each run of each metric, how many runs in a row up to it had its value."""
    index = np.arange(values.shape[1])
    new = np.ones(values.shape, dtype=bool)
    new[:, 1:] = values[:, 1:] != values[:, :-1]
    return np.asarray(index - np.maximum.accumulate(np.where(new, index, 0), axis=1) + 1)


def in_a_row(values: Floats | Flags) -> Slots:
    """For each run of each metric, how many runs in a row had its value, those after it counted too."""
    return np.asarray(lengths(values) + lengths(values[:, ::-1])[:, ::-1] - 1)


def spells(flags: Flags, gap: int = 7) -> int:
    """How many separate times something was so: less than ``gap`` runs apart is the same time."""
    places = np.flatnonzero(flags)
    return 0 if len(places) == 0 else 1 + int(np.sum(np.diff(places) > gap))
