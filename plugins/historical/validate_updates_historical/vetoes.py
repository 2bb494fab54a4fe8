"""Why a deviation that is far out may still be no news."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical.baseline import Group
from validate_updates_historical.families import Family
from validate_updates_historical.limits import Limits
from validate_updates_historical.rolling import Floats, spells

WORSE: Final = 1.6
"""An alert is repeated while it lasts if it is so much stronger than before."""
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

    @property
    def family(self) -> Family:
        """The family that says so."""
        return self.group.families[self.which]

    @property
    def past(self) -> Floats:
        """The metric's earlier runs, as they are."""
        return np.asarray(self.group.table.values[self.metric])

    def strength_before(self, family: Family, runs: int, side: int) -> float:
        """The most that a family said on one side in the last runs."""
        tail = family.up if side > 0 else family.down
        return float(np.max(tail.strength(side * family.past[:, -runs:])[self.metric], initial=0.0))


def is_repeated(this: Candidate, limits: Limits) -> bool:
    """A family as fast or faster said so within this one's memory, and not much less strongly."""
    enough = limits.one if this.strength >= limits.one else limits.two
    for family in this.group.families[: this.which + 1]:
        if family.of[this.metric]:
            before = this.strength_before(family, this.family.memory, this.side)
            if before >= enough and this.strength < WORSE * before:
                return True
    return False


def is_low_where_zeros_are_usual(this: Candidate, _: Limits) -> bool:
    """A sparse metric is low: no news, while a long silence may be, and a slow decline."""
    sparse = np.mean(this.past[-56:] == 0) > ZEROS
    return this.side < 0 and this.family.name != "month" and bool(sparse)


def is_common(this: Candidate, _: Limits) -> bool:
    """The very value came often lately, where zeros are common: bursts make everything between look odd."""
    recent = this.past[-42:]
    return bool(np.mean(recent == this.raw) >= COMMON and np.mean(recent == 0) > 0.1)


def is_tied(this: Candidate, _: Limits) -> bool:
    """A metric that mostly repeats its value has been as far out twice before."""
    if not this.family.tied[this.metric]:
        return False
    past = this.side * this.family.past[this.metric]
    past = past[: max(0, len(past) - max(this.family.skip, 5))]
    return spells(past >= 0.95 * this.side * this.z, gap=5) >= 2


def is_small(this: Candidate, limits: Limits) -> bool:
    """One run differs by less than the floors."""
    if not this.family.is_one_run:
        return False
    point, scales = this.group.families[0], this.group.scales
    centre = scales.back(point.centre, this.group.table.values[:, -1])[this.metric]
    off = abs(this.raw - centre)
    if np.isnan(unit := scales.unit[this.metric]):
        return bool(off <= limits.percent / 100 * abs(centre))
    return bool(off <= limits.units * unit * (1 + 1e-9))


def is_like_a_quiet_spell(this: Candidate, _: Limits) -> bool:
    """Two separate quiet spells, about as deep, were there before: a recess."""
    from scipy.ndimage import median_filter

    runs, weekday = this.group.runs, this.group.weekday[this.metric]
    if this.side > 0 or this.group.scales.stock[this.metric] or runs < 28:
        return False
    past = this.group.values[this.metric] - weekday[:runs]
    depth = np.median(past[-56:]) - (this.value - weekday[runs])
    if depth <= DEEP:
        return False
    low = median_filter(past, size=5, mode="nearest")
    level = median_filter(past, size=15, mode="nearest")
    fall = level[2 : runs - 10] - low[12:]  # the level of the two weeks that end three runs before
    return spells(fall[: max(0, runs - 22)] >= AS_DEEP * depth) >= 2


def is_return(this: Candidate, limits: Limits) -> bool:
    """Back to where the last four weeks were, within a week after an alert on the other side."""
    if not this.family.is_one_run or this.strength_before(this.family, 7, -this.side) < limits.two:
        return False
    if this.group.scales.stock[this.metric]:
        recent = this.past[-28:]
        return bool(np.min(recent) <= this.raw <= np.max(recent))
    usual = np.median(this.group.values[this.metric, -28:])
    return bool(abs(this.value - usual) <= 2.5 * this.family.scale[this.metric])


VETOES: Final[tuple[Callable[[Candidate, Limits], bool], ...]] = (
    is_repeated,
    is_low_where_zeros_are_usual,
    is_common,
    is_tied,
    is_small,
    is_like_a_quiet_spell,
    is_return,
)
