"""How rare a deviation is, by the metric's own past: its usual size, and an exponential tail above nine runs of ten.

``strength = -log10(p)``, ``p = 0.1 exp(-(z - q) / m)`` above the 90 % point ``q`` of past deviations, ``m`` their mean
excess over it (peaks over threshold, Pickands 1975, with shape 0: with a few hundred runs a fitted shape does more harm
than good). Where a deviation is known to have a tail like a Gaussian's, the same is said of its square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical.rolling import Flags, Floats, Slots, mean_before, spread, sums_before
from validate_updates_historical.scales import LEAST

EXCESS: Final = 0.6
"""Mean excess believed before any is seen, in deviations: a Gaussian's is 0.47, update histories have longer tails."""
EXCESS_SQUARED: Final = 2.0
"""The same of squared deviations: a Gaussian's is 1.6."""
EXCESS_WEIGHT: Final = 5
"""How many observed excesses that belief is worth: that many a history of 50 runs has."""
RECENT: Final = 28
"""The last runs that have half of the say on the usual size."""


@dataclass(frozen=True, slots=True)
class Tail:
    """One side of the past deviations of each metric."""

    start: Floats
    """The 90 % point."""
    excess: Floats
    """Mean excess over it."""
    squared: Flags
    """Where both are those of squared deviations."""

    def pick(self, rows: Slots | slice) -> Tail:
        """Those of these metrics, in this order."""
        return Tail(self.start[rows], self.excess[rows], self.squared[rows])

    def at(self, rate: float) -> Floats:
        """The deviation that is exceeded in this share of the runs, at most a tenth."""
        found = self.start + self.excess * np.log(max(1.0, 0.1 / rate))
        return np.asarray(np.where(self.squared, np.sign(found) * np.sqrt(np.abs(found)), found))

    def strength(self, z: Floats) -> Floats:
        """-log10 of the chance of a deviation like ``z`` or more: 1 at the 90 % point, 3 is one run in a thousand."""
        shape = (-1, *[1] * (z.ndim - 1))
        start, excess = self.start.reshape(shape), self.excess.reshape(shape)
        z = _powered(z, self.squared.reshape(shape))
        strength = z / np.maximum(start, 1e-9)
        np.clip(strength, 0, 1, out=strength)
        above = z - start
        above /= excess * np.log(10)
        above += 1
        np.copyto(strength, above, where=z > start)
        return strength


def tail(z: Floats, squared: Flags | None = None) -> Tail:
    """The upper tail of past deviations (metrics x runs), or of their squares. Pass ``-z`` for the lower one.

    Outliers that stand apart from the rest (1.6 times the next for up to 1.2 % of runs, 2.2 times for up to 3 %) are
    left out: a past fault must not excuse the next one.
    """
    runs = z.shape[1]
    squared = np.zeros(len(z), dtype=bool) if squared is None else squared
    power, belief = np.where(squared, 2, 1), np.where(squared, EXCESS_SQUARED, EXCESS)
    down = np.sort(_powered(z, squared[:, None]), axis=1)[:, ::-1]
    start = down[:, runs - int(np.ceil(0.9 * runs))]
    top = down[:, : max(2, runs // 10)]
    kept = np.arange(top.shape[1]) >= _apart(top, power, runs)[:, None]
    excess = np.where(kept, np.maximum(top - start[:, None], 0), 0).sum(axis=1)
    return Tail(start, (excess + EXCESS_WEIGHT * belief) / (kept.sum(axis=1) + EXCESS_WEIGHT), squared)


def _powered(z: Floats, squared: Flags) -> Floats:
    """Deviations as tails have them: some are squared and keep their sign."""
    return np.where(squared, z * np.abs(z), z) if squared.any() else z


def _apart(top: Floats, power: Slots, runs: int) -> Slots:
    """How many of the largest deviations of each metric, in falling order, stand apart from the next one."""
    many = np.arange(1, 1 + min(top.shape[1] - 1, max(1, round(0.03 * runs))))
    ratio = np.where(many <= max(1, round(0.012 * runs)), 1.6, 2.2) ** power[:, None]
    apart = top[:, many - 1] > ratio * np.maximum(top[:, many], 1e-9)
    return np.asarray(np.where(apart, many, 0).max(axis=1, initial=0))


def counting(runs: int, first: int, skip: int) -> slice:
    """The runs from ``first`` on without the last ``skip``, but eight at least."""
    return slice(first, max(first + 8, runs - skip))


def usual_size(
    errors: Floats, first: int, *, skip: int, least: Floats | float = LEAST, weekdays: Slots | None = None
) -> Floats:
    """The usual size of a deviation at each run and the one to come: half of all the past, half of the last runs.

    ``errors`` are metrics x runs, and count from the run ``first`` on. ``skip``: runs left out at the end, so that a
    slow change does not excuse itself.
    ``weekdays`` (runs + 1): sizes by weekday, where there are 60 runs or more. ``least``: of each metric.
    """
    runs = errors.shape[1]
    size = np.abs(errors)
    usual = np.maximum(spread(size[:, counting(runs, first, skip)], 0.5), np.ravel(least))
    clipped = np.minimum(size, 4 * usual[:, None])
    recent = 1.2533 * mean_before(sums_before(clipped), min(RECENT, runs), skip)
    scale = np.sqrt(0.5 * usual[:, None] ** 2 + 0.5 * recent**2)
    if weekdays is None or runs < 60:
        return np.asarray(scale)
    return np.asarray(scale * _by_weekday(clipped, weekdays))


def _by_weekday(sizes: Floats, weekdays: Slots) -> Floats:
    """How much larger deviations are on each run's weekday, shrunk as if 8 usual ones had been seen besides."""
    past = weekdays[: sizes.shape[1]]
    seen = np.bincount(past, minlength=7)
    mean = np.mean(sizes, axis=1)[:, None]
    total = np.stack([sizes[:, past == day].sum(axis=1) for day in range(7)], axis=1)
    of_day = (total + 8 * mean) / (seen + 8)
    factor = np.where((seen >= 4) & (mean > 0), of_day / np.where(mean > 0, mean, 1), 1)
    return np.asarray(factor[:, weekdays])
