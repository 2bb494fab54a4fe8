"""The sum of a week, for numbers that count few and rare things: errors, records of a small group.

Their mean on the scale of judgement, where a first error weighs more than a fifth one, says little; for a Poisson count
the sum says all that there is to know of its rate. The square root of a sum, ``2 sqrt(s / w + 3/8)``, has the same
spread at every size, and a tail like a Gaussian's (Anscombe 1948). ``w``, the variance by the mean, is the unit of the
count where chance is all that there is, and more where runs differ besides (McCullagh and Nelder 1989, on
overdispersion): so a share of a thousand records needs no other treatment than a count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from validate_updates_historical.rolling import Flags, Floats, Slots, levels_before, sums_before

WIDTH: Final = 7
"""Runs that are summed."""
LEVEL: Final = 28
"""Runs before them that say what their sum should be."""
FEW: Final = 10.0
"""Larger counts, in their ``w``, are as good on the scale of judgement."""
OVER: Final = 4.0
"""Variance by mean, in units, up to which what is counted comes by ones and twos. A few large lumps are most of a sum
that holds them."""
SKEWED: Final = 2.0
"""Skewness by variation of a gamma, 1 of a Poisson count. Where it is higher a few runs are most of a sum."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Metrics by the sums of their last runs; everything on the scale of the root."""

    of: Flags
    """Metrics that count few things."""
    unit: Floats
    """``w`` of each."""
    so_far: Floats
    """What the last runs add up to, without the one to come."""
    expected: Floats
    """metrics x (runs + 1)."""
    past: Floats
    """metrics x runs."""
    first: int
    """The first run that had a level."""
    spread: float
    """Deviation that chance makes."""

    def pick(self, rows: Slots) -> Sums:
        """The same of these metrics, in this order."""
        return replace(
            self,
            of=self.of[rows],
            unit=self.unit[rows],
            so_far=self.so_far[rows],
            expected=self.expected[rows],
            past=self.past[rows],
        )

    def ending_with(self, raw: Floats) -> Floats:
        """The sums that end with these new values."""
        return _root(self.so_far + raw, self.unit)


def learn(raw: Floats, units: Floats, excluded: Flags) -> Sums:
    """From the past as it is (metrics x runs); the last week does not say what is usual. ``units``: NaN where none."""
    runs = raw.shape[1]
    width, level = min(WIDTH, runs // 3), min(LEVEL, runs // 3)
    unit, few = _counted(raw[:, : max(8, runs - WIDTH + 1)])
    total = sums_before(raw)
    end = np.arange(1, runs + 1)
    (means,), first = levels_before(raw, [level], width - 1)
    return Sums(
        of=few & ~excluded & ~(unit > OVER * units) & (np.min(raw, axis=1) >= 0),
        unit=unit,
        so_far=total[:, runs] - total[:, runs - width + 1],
        expected=_root(width * means, unit),
        past=_root(np.maximum(total[:, end] - total[:, np.maximum(0, end - width)], 0), unit),
        first=first,
        spread=float(np.sqrt(1 + width / level)),
    )


def _root(sums: Floats, unit: Floats) -> Floats:
    unit = unit if sums.ndim == 1 else unit[:, None]
    return np.asarray(2 * np.sqrt(np.maximum(sums, 0) / unit + 3 / 8))


def _counted(values: Floats) -> tuple[Floats, Flags]:
    """``w`` of each metric, and whether it counts few things: nothing to count by is a metric that never varied."""
    size = np.maximum(np.max(np.abs(values), axis=1), np.finfo(np.float64).tiny)[:, None]
    share = values / size  # squares and cubes stay finite
    mean, off = np.mean(share, axis=1), share - np.mean(share, axis=1, keepdims=True)
    square = off * off
    variance, third = np.mean(square, axis=1), np.mean(square * off, axis=1)
    counts = (mean > 0) & (variance > 0)
    unit = np.where(counts, variance / np.where(counts, mean, 1), 1.0)
    few = counts & (mean <= FEW * unit) & (third * mean <= SKEWED * variance**2)
    return np.where(counts, unit * size[:, 0], 1.0), few
