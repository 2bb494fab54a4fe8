"""The families of signals that look at repetition: a stuck feed, a silence, a constant that begins to vary.

Chances are counted in the metric's own past with half an observation added (Krichevsky and Trofimov 1981), so that
what was never seen is rare and not impossible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical.rolling import Floats, lengths

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
    seen: frozenset[float]

    def of(self, value: float) -> Iterator[Repetition]:
        """What is unusual about ``value`` coming next."""
        row = self.row + 1 if value == self.last else 1
        if value != self.last:
            yield from self._novelty(value)
        if value != 0 and row > max(1, self.longest):
            yield Repetition("stuck", 0, (row - 1) * self.equal, (row - 2) * self.equal)
        if value == 0 and row > LONGER * self.longest_zeros:
            strength = self.zero + (row - 1) * self.zero_again
            yield Repetition("silence", -1, strength, strength - self.zero_again if row > 1 else 0.0)

    def _novelty(self, value: float) -> Iterator[Repetition]:
        rare = self.change >= NOVEL
        held = self.row >= CONSTANT_RUNS and value not in self.seen and self.change >= RARE_CHANGE
        if rare or held:
            yield Repetition("constant", 1 if value > self.last else -1, max(self.change, HELD), 0.0)


NOVEL: Final = 2.1
"""A change in fewer than 0.8 % of runs makes any change news."""
RARE_CHANGE: Final = 1.3
"""A change in 5 % of runs: above that, three weeks of one value are no constant."""
HELD: Final = 3.2
"""The strength of the first change of a constant."""


def learn(history: Floats) -> Repeats:
    """From the past of one metric."""
    rows = lengths(history)
    row = int(rows[-1])
    same = history[1:] == history[:-1]
    earlier = history[:-1] != 0
    again = int(np.sum(same & earlier)) - (row - 1 if history[-1] != 0 else 0)
    again_of = int(np.sum(earlier)) - (row - 1 if history[-1] != 0 else 0)
    zeros = int(np.sum(~earlier))
    settled = rows[: len(rows) - row]
    values = history[: len(rows) - row]
    return Repeats(
        last=float(history[-1]),
        row=row,
        equal=_rare(again, again_of),
        longest=int(np.max(settled[values != 0], initial=0)),
        zero=_rare(int(np.sum(history == 0)), len(history)),
        zero_again=_rare(int(np.sum(same & ~earlier)), zeros),
        longest_zeros=int(np.max(settled[values == 0], initial=0)),
        change=_rare(int(np.sum(~same)), len(history)),
        seen=frozenset(history.tolist()),
    )


def _rare(times: int, of: int) -> float:
    return float(-np.log10((times + 0.5) / (of + 1)))
