"""Which deviations are alerts: limits that hold the false-alarm rate over all metrics, and one alert an episode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical import vetoes
from validate_updates_historical.baseline import Group
from validate_updates_historical.families import Family
from validate_updates_historical.rolling import Floats

LOOKS: Final = 6
"""Times a metric is looked at: about three families that do not say the same, each upwards and downwards."""
CROWD: Final = 2.0
"""Real tails fall more slowly than fitted ones: a limit ten times as rare leaves about a third of the alarms."""
PAIR: Final = 0.2
"""Two families at 0.63 of the strength that one needs (10 ** -0.2 of its rarity) are an alert together."""
WORSE: Final = 1.6
"""An alert is repeated while it lasts if it is so much stronger than before."""
FULL: Final = 60
"""Runs from which a tail is known by itself; below, limits are higher."""
SHORT: Final = 0.5
"""How much higher at half of that."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is news: strengths, and floors."""

    one: float
    """Strength of one family that is enough."""
    two: float
    """Strength of two families that are enough."""
    percent: float
    units: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One family's say on one metric that is enough for an alert."""

    metric: int
    name: str
    side: int
    strength: float


def limits(rate: float, independent: float, runs: int, *, percent: float, units: float) -> Limits:
    """The limits at which ``rate`` of good runs raise an alert, over ``independent`` metrics with ``runs`` of past."""
    one = (
        math.log10(LOOKS / rate) + CROWD * math.log10(max(1.0, independent)) + SHORT * math.log2(max(1.0, FULL / runs))
    )
    return Limits(one, one - PAIR, percent, units)


def hits(group: Group, update: Floats, limit: Limits) -> Iterator[Hit]:
    """Everything in the new values of a group's metrics that is news; a NaN says nothing."""
    values = _scaled(group, update)
    for metric in np.flatnonzero(np.isfinite(update)).tolist():
        for said in group.repeats[metric].of(float(update[metric])):
            if said.strength >= limit.one > said.before:
                yield Hit(metric, said.name, said.side, said.strength)
    deviations = [family.deviation(update if family.name == "step" else values) for family in group.families]
    for side in (1, -1):
        strengths = np.array([_strength(f, side * z, side) for f, z in zip(group.families, deviations, strict=True)])
        strengths[:, ~np.isfinite(update)] = 0.0
        enough = _enough(strengths, limit)
        for which, metric in np.argwhere(enough).tolist():
            strength, z = float(strengths[which, metric]), float(deviations[which][metric])
            if not _repeated(group, which, metric, side, strength, limit.one) and not _excused(
                group, which, metric, side, z, float(values[metric]), float(update[metric]), limit
            ):
                yield Hit(metric, group.families[which].name, side, strength)


def _scaled(group: Group, update: Floats) -> Floats:
    return group.scales.of(update[:, None], group.table.values[:, -1:])[:, 0]


def _strength(family: Family, z: Floats, side: int) -> Floats:
    return np.where(family.of, (family.up if side > 0 else family.down).strength(z), 0.0)


def _enough(strengths: Floats, limit: Limits) -> np.ndarray:
    two = strengths >= limit.two
    return np.asarray((strengths >= limit.one) | (two & (np.sum(two, axis=0) >= 2)))


def _repeated(group: Group, which: int, metric: int, side: int, strength: float, limit: float) -> bool:
    """Whether a family as fast or faster said so within this one's memory, and not much less strongly."""
    for family in group.families[: which + 1]:
        if family.of[metric]:
            tail = family.up if side > 0 else family.down
            recent = side * family.past[:, -group.families[which].memory :]
            worst = float(np.max(tail.strength(recent)[metric], initial=0.0))
            if worst >= limit and strength < WORSE * worst:
                return True
    return False


def _excused(
    group: Group, which: int, metric: int, side: int, z: float, value: float, raw: float, limit: Limits
) -> bool:
    family = group.families[which]
    stock = bool(group.scales.stock[metric])
    quick = family.name in {"point", "days", "week"}
    if side < 0 and family.name != "month" and vetoes.is_sparse(group, metric):
        return True
    if vetoes.is_common(group, metric, raw) or vetoes.is_tied(family, metric, z, side):
        return True
    if side < 0 and quick and not stock and vetoes.is_like_a_quiet_spell(group, metric, value):
        return True
    point = group.families[0]
    if family.name in {"point", "step"}:
        centre = group.scales.back(point.centre, group.table.values[:, -1])[metric]
        if vetoes.is_small(group, metric, raw, centre, percent=limit.percent, units=limit.units):
            return True
    one_run = family.name in {"point", "step"}
    return one_run and vetoes.is_return(group, family, metric, raw, value, side=side, limit=limit.two)
