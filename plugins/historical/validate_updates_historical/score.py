"""Which deviations are alerts: one extreme family or two that agree, unless something excuses them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from validate_updates_historical.baseline import Group
from validate_updates_historical.episodes import raised
from validate_updates_historical.limits import Limits
from validate_updates_historical.rolling import Floats
from validate_updates_historical.vetoes import Candidate


@dataclass(frozen=True, slots=True)
class Hit:
    """One family's say on one metric that is enough for an alert."""

    metric: int
    name: str
    strength: float


def hits(group: Group, update: Floats, limits: Limits) -> Iterator[Hit]:
    """Everything in the new values of a group's metrics that is news; a NaN says nothing."""
    yield from _repetitions(group, update, limits)
    for metric, candidates in groupby(_candidates(group, update, limits), key=lambda one: one.metric):
        for one in raised(group, metric, list(candidates), limits):
            yield Hit(metric, one.family.name, one.strength)


def _repetitions(group: Group, update: Floats, limits: Limits) -> Iterator[Hit]:
    for metric in np.flatnonzero(np.isfinite(update)).tolist():
        for said in group.repeats[metric].of(float(update[metric])):
            if said.strength >= limits.one > said.before:
                yield Hit(metric, said.name, said.strength)


def _candidates(group: Group, update: Floats, limits: Limits) -> Iterator[Candidate]:
    """By metric, what is rare enough; the families of a side in their order."""
    known = np.isfinite(update)
    update = np.where(known, update, group.table.values[:, -1])
    values = group.scales.of(update[:, None], group.table.values[:, -1:])[:, 0]
    deviations = np.array([f.deviation(update, values) for f in group.families])
    sides = (1, -1)
    strengths = np.array(
        [[f.strength(z, side) for side in sides] for f, z in zip(group.families, deviations, strict=True)]
    )
    hot = limits.enough(strengths) & known
    for metric, side, which in np.argwhere(hot.transpose(2, 1, 0)).tolist():
        yield Candidate(
            group=group,
            which=which,
            metric=metric,
            side=sides[side],
            z=float(deviations[which, metric]),
            strength=float(strengths[which, side, metric]),
            raw=float(update[metric]),
            value=float(values[metric]),
            at=group.runs,
        )
