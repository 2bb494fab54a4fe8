"""Histories of updates, as a detector sees them: when each run was, and its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import NamedTuple


class Update(NamedTuple):
    """One run. It is a pair, so that a detector written for pairs of a date and a mapping takes it as well."""

    moment: datetime
    metrics: Mapping[str, float]


Detector = Callable[[Sequence[Update], Update], object]
"""Called with the earlier runs, the oldest first, and the run under judgement; a true answer is an alarm."""


class Role(StrEnum):
    """What kind of number a metric is."""

    COUNT = "count"
    """What a run brought: 0, 1, 2, ..."""
    SHARE = "share"
    """Between 0 and 1."""
    TOTAL = "total"
    """What there is after the run: a level that moves a little from run to run."""


@dataclass(frozen=True, slots=True)
class History:
    """Runs of one task in their order, without a fault unless an anomaly was put in."""

    name: str
    updates: tuple[Update, ...]
    roles: Mapping[str, Role]
    """Of every metric."""
    quiet: tuple[range, ...] = ()
    """Runs of recesses: alarms in the first of them are to be expected, in the later ones not."""

    def before(self, run: int) -> Sequence[Update]:
        """The earlier runs that one is compared with: outside of recesses those outside, as a calendar has it.

        A run in a recess gets all of them: no calendar has foretold it.
        """
        if any(run in spell for spell in self.quiet):
            return self.updates[:run]
        ends = [spell.stop for spell in self.quiet]
        begins = [min(run, spell.start) for spell in self.quiet]
        between = zip([0, *ends], [*begins, run], strict=True)
        return tuple(chain.from_iterable(self.updates[first:last] for first, last in between))

    def runs_of(self, metric: str) -> list[int]:
        """Places of the runs that have the metric."""
        return [place for place, update in enumerate(self.updates) if metric in update.metrics]

    def values(self, metric: str) -> list[float]:
        """Its values in those runs."""
        return [update.metrics[metric] for update in self.updates if metric in update.metrics]

    def with_values(self, metric: str, values: Mapping[int, float]) -> History:
        """The same with other values of a metric at some places."""
        updates = list(self.updates)
        for place, value in values.items():
            moment, metrics = updates[place]
            updates[place] = Update(moment, {**metrics, metric: value})
        return replace(self, updates=tuple(updates))
