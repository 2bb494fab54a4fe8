"""Why a deviation that is far out may still be no news."""

from __future__ import annotations

from typing import Final

import numpy as np

from validate_updates_historical.baseline import Group
from validate_updates_historical.families import Family
from validate_updates_historical.rolling import spells

DEEP: Final = 1.0
"""A quiet spell is a fall below about 37 %, on the logarithmic part of the scale."""
AS_DEEP: Final = 0.8
"""An earlier quiet spell explains a new one that is not much deeper."""


def is_small(group: Group, metric: int, value: float, centre: float, *, percent: float, units: float) -> bool:
    """A difference below the floors: ``units`` of a count, ``percent`` of what has no unit."""
    unit = group.scales.unit[metric]
    if np.isnan(unit):
        return abs(value - centre) <= percent / 100 * abs(centre)
    return abs(value - centre) <= units * unit * (1 + 1e-9)


def is_sparse(group: Group, metric: int) -> bool:
    """Zero in more than three of ten recent runs: a low value is then no news, a long silence may be."""
    return bool(np.mean(group.table.values[metric, -56:] == 0) > 0.3)


def is_common(group: Group, metric: int, value: float) -> bool:
    """The very value came often lately, where zeros are common: bursts make everything between look odd."""
    recent = group.table.values[metric, -42:]
    return bool(np.mean(recent == value) >= 0.035 and np.mean(recent == 0) > 0.1)


def is_like_a_quiet_spell(group: Group, metric: int, value: float) -> bool:
    """Two separate quiet spells, about as deep, were there before: a recess."""
    from scipy.ndimage import median_filter

    past = group.values[metric]
    runs = len(past)
    depth = np.median(past[-56:]) - value
    if runs < 28 or depth <= DEEP:
        return False
    low = median_filter(past, size=5, mode="nearest")
    level = median_filter(past, size=15, mode="nearest")
    fall = level[2 : runs - 10] - low[12:]  # the level of the two weeks that end three runs before
    return spells(fall[: max(0, runs - 22)] >= AS_DEEP * depth) >= 2


def is_tied(family: Family, metric: int, z: float, side: int) -> bool:
    """A metric that mostly repeats its value has been as far out twice before."""
    if not family.tied[metric]:
        return False
    past = side * family.past[metric]
    return spells(past[: max(0, len(past) - max(family.skip, 5))] >= 0.95 * side * z, gap=5) >= 2


def is_return(group: Group, family: Family, metric: int, raw: float, value: float, *, side: int, limit: float) -> bool:
    """Back to where the last four weeks were, within a week after an alert on the other side."""
    opposite = (family.down if side > 0 else family.up).strength(-side * family.past[:, -7:])[metric]
    if np.max(opposite) < limit:
        return False
    if group.scales.stock[metric]:
        recent = group.table.values[metric, -28:]
        return bool(np.min(recent) <= raw <= np.max(recent))
    return bool(abs(value - np.median(group.values[metric, -28:])) <= 2.5 * family.scale[metric])
