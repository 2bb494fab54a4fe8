"""Why a deviation that is far out may still be no news."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical.baseline import Group
from validate_updates_historical.families import Family
from validate_updates_historical.limits import Limits
from validate_updates_historical.rolling import Floats, median, moving_median, spells

ZEROS: Final = 0.3
"""A metric with more zeros than this in its recent runs is sparse."""
COMMON: Final = 0.035
"""A value with this share of the last six weeks is common: two of 42 runs."""
DEEP: Final = 0.75
"""A quiet spell is a fall below about half: 47 % of a count, 37 % of a number without a unit."""
AS_DEEP: Final = 0.8
"""An earlier quiet spell explains a new one that is not much deeper."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deviation that is rare enough, and where it stands."""

    group: Group
    which: int
    """The family's place among those of the group."""
    metric: int
    side: int
    """+1 for too high, -1 for too low."""
    z: float
    strength: float
    raw: float
    value: float
    """``raw`` on the scale of judgement."""
    at: int
    """The place of the run: as many are before it."""

    @property
    def family(self) -> Family:
        """The family that says so."""
        return self.group.families[self.which]

    @property
    def past(self) -> Floats:
        """The metric's earlier runs, as they are."""
        return np.asarray(self.group.table.values[self.metric, : self.at])

    def strength_before(self, runs: int, side: int) -> float:
        """The most that its family said on one side in the last runs."""
        last = slice(max(0, self.at - runs), self.at)
        return float(np.max(self.family.strength_of(self.metric, side, last), initial=0.0))


def is_low_where_zeros_are_usual(this: Candidate, _: Limits) -> bool:
    """A sparse metric is low: no news, while a long silence may be, and a slow decline."""
    sparse = np.mean(this.past[-56:] == 0) > ZEROS
    return this.side < 0 and this.family.name != "month" and bool(sparse)


def is_common(this: Candidate, _: Limits) -> bool:
    """The very value came often lately, where zeros are common: bursts make everything between look odd.

    A sum is odd by how many such values it holds.
    """
    if this.family.name == "sum":
        return False
    recent = this.past[-42:]
    return bool(np.mean(recent == this.raw) >= COMMON and np.mean(recent == 0) > 0.1)


def is_tied(this: Candidate, _: Limits) -> bool:
    """A metric that mostly repeats its value has been as far out twice before."""
    if not this.family.tied[this.metric]:
        return False
    past = this.side * this.family.past[this.metric, : this.at]
    past = past[: max(0, len(past) - max(this.family.skip, 5))]
    return spells(past >= 0.95 * this.side * this.z, gap=5) >= 2


def is_small(this: Candidate, limits: Limits) -> bool:
    """It differs by less than the floors. That of a part is for no total of a count, which is judged by its change."""
    scales, part = this.group.scales, limits.percent / 100
    unit, is_total = scales.unit[this.metric], scales.stock[this.metric]
    if not this.family.is_one_run:
        # on the scale of judgement a difference is at most the logarithm of how many times as much it is
        off = abs(this.z) * this.family.scale[this.metric]
        return bool(off <= np.log1p(part)) and not is_total and this.family.sums is None
    is_count = np.isfinite(unit)
    centre = scales.back(this.group.expected[:, this.at], this.group.table.values[:, this.at - 1])[this.metric]
    within = limits.units * unit * (1 + 1e-9) if is_count else 0.0
    if not (is_count and is_total):
        within = max(within, part * abs(centre))
    return bool(abs(this.raw - centre) <= within)


def is_on_the_other_side(this: Candidate, _: Limits) -> bool:
    """A mean is out, but this run lies on the other side of the last four weeks: a week a month ago was odd, not it."""
    if this.family.is_one_run:
        return False
    weekday = this.group.weekday[this.metric]
    past = (this.group.values[this.metric] - weekday[:-1])[max(0, this.at - 28) : this.at]
    return bool(this.side * (this.value - weekday[this.at] - median(past)) < 0)


def is_like_a_quiet_spell(this: Candidate, _: Limits) -> bool:
    """Two separate quiet spells, about as deep, were there before: a recess."""
    runs, weekday = this.at, this.group.weekday[this.metric]
    if this.side > 0 or this.group.scales.stock[this.metric] or runs < 28:
        return False
    past = this.group.values[this.metric, :runs] - weekday[:runs]
    depth = median(past[-56:]) - (this.value - weekday[runs])
    if depth <= DEEP:
        return False
    low, level = (moving_median(past[None], width)[0] for width in (5, 15))
    fall = level[2 : runs - 10] - low[12:]  # the level of the two weeks that end three runs before
    return spells(fall[: max(0, runs - 22)] >= AS_DEEP * depth) >= 2


def is_return(this: Candidate, limits: Limits) -> bool:
    """Back to where the last four weeks were, within a week after an alert on the other side."""
    if not this.family.is_one_run or this.strength_before(7, -this.side) < limits.two:
        return False
    if this.group.scales.stock[this.metric]:
        recent = this.past[-28:]
        return bool(np.min(recent) <= this.raw <= np.max(recent))
    usual = median(this.group.values[this.metric, max(0, this.at - 28) : this.at])
    return bool(abs(this.value - usual) <= 2.5 * this.family.scale[this.metric])


VETOES: Final[tuple[Callable[[Candidate, Limits], bool], ...]] = (
    is_low_where_zeros_are_usual,
    is_common,
    is_tied,
    is_small,
    is_on_the_other_side,
    is_like_a_quiet_spell,
    is_return,
)
