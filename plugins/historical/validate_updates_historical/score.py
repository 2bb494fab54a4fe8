"""Which deviations are alerts: one extreme family or two that agree, unless something excuses them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from validate_updates_historical.baseline import Group
from validate_updates_historical.limits import Limits
from validate_updates_historical.rolling import Flags, Floats
from validate_updates_historical.vetoes import VETOES, Candidate


@dataclass(frozen=True, slots=True)
class Hit:
    """One family's say on one metric that is enough for an alert."""

    metric: int
    name: str
    strength: float


def hits(group: Group, update: Floats, limits: Limits) -> Iterator[Hit]:
    """Everything in the new values of a group's metrics that is news; a NaN says nothing."""
    yield from _repetitions(group, update, limits)
    for candidate in _candidates(group, update, limits):
        if not any(veto(candidate, limits) for veto in VETOES):
            yield Hit(candidate.metric, candidate.family.name, candidate.strength)


def _repetitions(group: Group, update: Floats, limits: Limits) -> Iterator[Hit]:
    for metric in np.flatnonzero(np.isfinite(update)).tolist():
        for said in group.repeats[metric].of(float(update[metric])):
            if said.strength >= limits.one > said.before:
                yield Hit(metric, said.name, said.strength)


def _candidates(group: Group, update: Floats, limits: Limits) -> Iterator[Candidate]:
    known = np.isfinite(update)
    update = np.where(known, update, group.table.values[:, -1])
    values = group.scales.of(update[:, None], group.table.values[:, -1:])[:, 0]
    deviations = np.array([f.deviation(update if f.name == "step" else values) for f in group.families])
    for side in (1, -1):
        strengths = np.array([f.strength(z, side) for f, z in zip(group.families, deviations, strict=True)])
        for which, metric in np.argwhere(_enough(strengths, limits) & known).tolist():
            yield Candidate(
                group=group,
                which=which,
                metric=metric,
                side=side,
                z=float(deviations[which, metric]),
                strength=float(strengths[which, metric]),
                raw=float(update[metric]),
                value=float(values[metric]),
            )


def _enough(strengths: Floats, limits: Limits) -> Flags:
    agree = strengths >= limits.two
    return np.asarray((strengths >= limits.one) | (agree & (np.sum(agree, axis=0) >= 2)))
