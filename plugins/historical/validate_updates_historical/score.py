"""Which deviations are alerts: one extreme family or two that agree, unless something excuses them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from validate_updates_historical.baseline import LEAST, Group, before_the_last
from validate_updates_historical.episodes import is_much_worse, raised
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
    news = list(_news(group, update, limits))
    said = _said_of_the_run_before(group, sorted({one.metric for one in news if one.family.is_one_run}), limits)
    for one in news:
        if not one.family.is_one_run or is_much_worse(one.strength, said.get((one.metric, one.side), 0.0)):
            yield Hit(one.metric, one.family.name, one.strength)


def _news(group: Group, update: Floats, limits: Limits) -> Iterator[Candidate]:
    for metric, candidates in groupby(_candidates(group, update, limits), key=lambda one: one.metric):
        yield from raised(group, metric, list(candidates), limits)


def _said_of_the_run_before(group: Group, metrics: Sequence[int], limits: Limits) -> dict[tuple[int, int], float]:
    """The strongest that was raised of it alone, by metric and side, judged by what was known then.

    Tails as they are now are made of that run, too: it looks less odd than it did, and would be raised again today.
    """
    if not metrics or group.runs <= LEAST:
        return {}
    then = before_the_last(group, metrics)
    said = [one for one in _news(then, group.table.values[metrics, -1], limits) if one.family.is_one_run]
    return {(metrics[one.metric], one.side): one.strength for one in sorted(said, key=lambda one: one.strength)}


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
