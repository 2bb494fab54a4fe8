"""The families of signals that look at repetition: a stuck feed, a silence, a constant that begins to vary.

Chances are counted in the metric's own past with half an observation added (Krichevsky and Trofimov 1981), so that
what was never seen is rare and not impossible. Two equal counts are no rarer than chance makes them at their size: in a
quiet week small numbers meet more often than the large ones before did.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical.rolling import Floats, Slots, lengths

CONSTANT_RUNS: Final = 21
"""A value held for three weeks is called constant, if it did not change much before either."""
LONGER: Final = 1.5
"""Zeros are news from this many times their longest row: quiet spells differ more than equal counts do."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What the repetition says about a new value."""

    name: str
    side: int
    """+1 for more, -1 for less, 0 for neither."""
    strength: float
    before: float
    """The strength that the run before had: an alert is raised once, when the limit is passed."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """What a metric's past says about repetition, but for the row of equal values that it ends with."""

    unit: float
    """What it counts by; NaN where it counts nothing."""
    last: float
    row: int
    """Runs in a row with the last value."""
    equal: float
    """-log10 of the chance that a value other than 0 is repeated."""
    longest: int
    zero: float
    """-log10 of the chance of a zero."""
    zero_again: float
    """-log10 of the chance of a zero after one."""
    longest_zeros: int
    change: float
    """-log10 of the chance of a change."""
    past: Floats

    def of(self, value: float) -> Iterator[Repetition]:
        """What is unusual about ``value`` coming next."""
        row = self.row + 1 if value == self.last else 1
        if row > len(self.past):
            return  # the metric has never varied: one value more tells nothing
        if value != self.last:
            yield from self._novelty(value)
        if value != 0 and row > max(1, self.longest):
            equal = min(self.equal, rare_by_chance(value / self.unit)) if np.isfinite(self.unit) else self.equal
            yield Repetition("stuck", 0, (row - 1) * equal, (row - 2) * equal)
        if value == 0 and row > LONGER * self.longest_zeros:
            strength = self.zero + (row - 1) * self.zero_again
            yield Repetition("silence", -1, strength, strength - self.zero_again if row > 1 else 0.0)

    def _novelty(self, value: float) -> Iterator[Repetition]:
        rare = self.change >= NOVEL
        held = self.row >= CONSTANT_RUNS and not np.any(self.past == value) and self.change >= RARE_CHANGE
        if rare or held:
            yield Repetition("constant", 1 if value > self.last else -1, max(self.change, HELD), 0.0)


NOVEL: Final = 2.1
"""A change in fewer than 0.8 % of runs makes any change news."""
RARE_CHANGE: Final = 1.3
"""A change in 5 % of runs: above that, three weeks of one value are no constant."""
HELD: Final = 3.2
"""The strength of the first change of a constant."""


def rare_by_chance(count: float) -> float:
    """-log10 of the chance that two Poisson counts of this size are equal, for large ones ``1 / sqrt(4 pi count)``.

    Their difference is distributed by Skellam (1946); from 1 on this is within a seventh of that.
    """
    return 0.5 * math.log10(1 + 4 * math.pi * abs(count))


def learn(history: Floats, units: Floats) -> list[Repeats]:
    """From the past of metrics (metrics x runs); the row of equal values that it ends with does not count."""
    runs = history.shape[1]
    rows = lengths(history)
    row = rows[:, -1]
    earlier = np.arange(runs) < (runs - row)[:, None]  # before the row of equal values at the end
    zero, same = history == 0, history[:, 1:] == history[:, :-1]
    own, own_zeros = np.where(zero[:, -1], 0, row - 1), np.where(zero[:, -1], row, 0)
    again, again_of = np.sum(same & ~zero[:, :-1], axis=1) - own, np.sum(~zero[:, :-1], axis=1) - own
    none, none_of = np.sum(zero, axis=1) - own_zeros, runs - own_zeros
    none_again = np.sum(same & zero[:, :-1], axis=1) - np.maximum(0, own_zeros - 1)
    none_before = np.sum(zero[:, :-1], axis=1) - np.maximum(0, own_zeros - 1)
    equal, zero_seen, zero_again = _rare(again, again_of), _rare(none, none_of), _rare(none_again, none_before)
    longest = np.max(np.where(earlier & ~zero, rows, 0), axis=1)
    longest_zeros = np.max(np.where(earlier & zero, rows, 0), axis=1)
    change = _rare(np.sum(~same, axis=1), runs)
    return [
        Repeats(
            unit=float(units[metric]),
            last=float(history[metric, -1]),
            row=int(row[metric]),
            equal=float(equal[metric]),
            longest=int(longest[metric]),
            zero=float(zero_seen[metric]),
            zero_again=float(zero_again[metric]),
            longest_zeros=int(longest_zeros[metric]),
            change=float(change[metric]),
            past=history[metric],
        )
        for metric in range(len(history))
    ]


def _rare(times: Slots, of: Slots | int) -> Floats:
    return np.asarray(-np.log10((times + 0.5) / (of + 1)))
