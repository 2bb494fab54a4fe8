"""On which scale a metric is judged: a count of 3 is no Gaussian, and a total is judged by its change.

Counts of a unit ``u`` (1 for rows) are taken as ``2 asinh(sqrt(x / 4u))``: a square root below four units, where chance
is that of a Poisson count, a logarithm above, where it is a share of the size (Anscombe 1948, for the negative
binomial). Numbers without a common unit (durations, shares) are taken as ``asinh(x / c)``, ``c`` half their median:
linear near zero, logarithmic above. Both follow the metric's own unit: multiplying all by a constant changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical.rolling import Flags, Floats, Slots, median, nine_tenths

STOCK_CHANGE: Final = 0.02
"""Nine changes of ten are less than this part of the level, and smaller than where they lead to: a stock, which is what
is there and not what was done. A share that swings around its level is none."""
LEAST: Final = 0.01
"""The least deviation that counts as one: one per cent of a large number. Below, all is flat."""
FINEST: Final = 1e-7
"""A common unit smaller than this part of the largest value is rounding, not a unit."""


@dataclass(frozen=True, slots=True)
class Scales:
    """For each metric: its unit (NaN where there is none), the size of the linear part, and whether it is a stock."""

    unit: Floats
    linear: Floats
    stock: Flags

    def pick(self, rows: Slots) -> Scales:
        """Those of these metrics, in this order."""
        return Scales(self.unit[rows], self.linear[rows], self.stock[rows])

    def of(self, values: Floats, before: Floats) -> Floats:
        """The values (metrics x runs) on the scale of judgement; ``before`` holds the values one run earlier."""
        judged = np.where(self.stock[:, None], values - before, values)
        size = np.abs(judged)
        counted = 2 * np.arcsinh(np.sqrt(size / (4 * np.where(np.isnan(self.unit), 1, self.unit))[:, None]))
        measured = np.arcsinh(size / self.linear[:, None])
        return np.asarray(np.sign(judged) * np.where(np.isnan(self.unit)[:, None], measured, counted))

    def chance(self, judged: Floats) -> Floats:
        """The least usual deviation of each metric: of large numbers one per cent, of small counts what chance does.

        On this scale that is 1/2 for a Poisson count near zero. From there it fades faster than for a Poisson count,
        since large counts may well be more regular than chance.
        """
        units = np.sinh(np.minimum(np.abs(median(judged)), 50) / 2) ** 2
        return np.where(np.isnan(self.unit), LEAST, np.maximum(LEAST, 0.5 / (1 + units)))

    def back(self, judged: Floats, before: Floats) -> Floats:
        """From the scale of judgement to values as they are, one for each metric; ``before``: its last value."""
        size = np.minimum(np.abs(judged), 230)  # sinh stays finite
        counted = 4 * np.where(np.isnan(self.unit), 1, self.unit) * np.sinh(size / 2) ** 2
        values = np.sign(judged) * np.where(np.isnan(self.unit), self.linear * np.sinh(size), counted)
        return np.asarray(np.where(self.stock, before + values, values))


def learn(history: Floats) -> Scales:
    """The scales of metrics, from their histories (metrics x runs, finite)."""
    change = np.diff(history, axis=1)
    level = median(np.abs(history))
    zeros = np.mean(history == 0, axis=1)
    small = nine_tenths(np.abs(change)) < STOCK_CHANGE * level
    wandering = np.mean(np.abs(change), axis=1) < np.mean(np.abs(history - median(history)[:, None]), axis=1)
    stock = small & wandering & (zeros < 0.3)
    judged = np.where(stock[:, None], np.diff(history, axis=1, prepend=history[:, :1]), history)
    size = np.abs(judged)
    typical = _typical(size)
    return Scales(common_unit(judged), 0.5 * typical, stock)


def common_unit(values: Floats) -> Floats:
    """The largest number that all values of a metric are multiples of, by Euclid's rule; NaN where there is none.

    A number that was always the same tells none: 435 rows, run after run, are not one unit of 435.
    """
    size = np.abs(values)
    rounding = np.maximum(np.max(size, axis=1) * FINEST, np.finfo(np.float64).tiny)
    unit = np.min(np.where(size > 0, size, np.inf), axis=1)
    unit = np.where(np.isfinite(unit), unit, 1.0)
    for _ in range(40):  # Euclid's rule ends well before that, or there is no unit
        rest = np.mod(size, unit[:, None])
        rest = np.minimum(rest, unit[:, None] - rest)
        least = np.min(np.where(rest > rounding[:, None], rest, np.inf), axis=1)
        if not np.isfinite(least).any():
            break
        unit = np.where(np.isfinite(least), least, unit)
    same = (np.min(size, axis=1) == np.max(size, axis=1)) & (size[:, 0] > 0)
    return np.where((unit > 10 * rounding) & ~same, unit, np.nan)


def _typical(size: Floats) -> Floats:
    """The median of what is above 0, and 1 where nothing is."""
    ordered, zeros = np.sort(size, axis=1), np.count_nonzero(size == 0, axis=1)
    last = size.shape[1] - 1
    low, high = (np.minimum((zeros + last + up) // 2, last) for up in (0, 1))
    middle = np.take_along_axis(ordered, np.stack([low, high], axis=1), axis=1)
    return np.where(zeros > last, 1.0, np.mean(middle, axis=1))
