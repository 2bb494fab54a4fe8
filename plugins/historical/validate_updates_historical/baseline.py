"""All that the past says about the next run, reckoned before it is there: keep it while the history stays the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from validate_updates_historical import expected, families, repeats, scales
from validate_updates_historical.families import Family
from validate_updates_historical.rolling import Floats, Slots, median
from validate_updates_historical.scales import Scales
from validate_updates_historical.series import Period, Series, Table, hour, slots, tables
from validate_updates_historical.tails import Tail, tail

LEAST: Final = 8
"""Fewer runs say nothing: a weekday was then seen once."""


@dataclass(frozen=True, slots=True)
class Group:
    """Metrics measured in the same runs, and what is known of them."""

    table: Table
    scales: Scales
    values: Floats
    """The history on the scale of judgement."""
    expected: Floats
    """The forecast of each run on that scale, the last of the run to come."""
    weekday: Floats
    """The weekday's effect in it, and in the run to come."""
    families: tuple[Family, ...]
    repeats: tuple[repeats.Repeats, ...]
    together: Tail
    """The strongest say on all metrics in each past run, and how its tail falls."""

    @property
    def runs(self) -> int:
        """Earlier runs."""
        return len(self.table.hours)

    def pick(self, rows: Slots, table: Table) -> Group:
        """The same of the metrics of ``table``: of each, what is known of one with its very past."""
        return Group(
            table=table,
            scales=self.scales.pick(rows),
            values=self.values[rows],
            expected=self.expected[rows],
            weekday=self.weekday[rows],
            families=tuple(family.pick(rows) for family in self.families),
            repeats=tuple(self.repeats[row] for row in rows),
            together=self.together,
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the past says about a run at a certain time."""

    groups: tuple[Group, ...]
    runs: Mapping[str, int]
    """Earlier runs by metric."""
    independent: float
    """How many metrics there are that do not say the same."""


def learn(history: Mapping[str, Series], at: date, *, window: int = 365, periods: Iterable[Period] = ()) -> Baseline:
    """The baseline for a run at ``at``, from the committed runs before it."""
    found, runs = tables(history, at, window=window, periods=periods)
    groups = tuple(_group(table, hour(at)) for table in found if len(table.hours) >= LEAST)
    return Baseline(groups, runs, sum(map(_independent, groups)))


def before_the_last(group: Group, metrics: Sequence[int]) -> Group:
    """What was known of some of the metrics before their last run."""
    table = group.table
    names = tuple(table.metrics[metric] for metric in metrics)
    return _group(Table(names, table.hours[:-1], table.values[metrics, :-1]), float(table.hours[-1]))


def _group(table: Table, at: float) -> Group:
    """Metrics with the very same past are learned from once: many columns never miss a value."""
    pasts = [row.tobytes() for row in table.values]
    place_of = {past: place for place, past in enumerate(pasts)}
    if len(place_of) == len(pasts):
        return _learned(table, at)
    places = list(place_of.values())
    metrics = tuple(table.metrics[place] for place in places)
    known = _learned(Table(metrics, table.hours, table.values[places]), at)
    row_of = {past: row for row, past in enumerate(place_of)}
    return known.pick(np.array([row_of[past] for past in pasts]), table)


def _learned(table: Table, at: float) -> Group:
    raw = table.values
    kinds = slots(table.hours, at)
    scale = scales.learn(raw)
    before = np.concatenate([raw[:, :1], raw[:, :-1]], axis=1)
    values = scale.of(raw, before)
    values[scale.stock, 0] = median(values[scale.stock, 1:])  # the first run has no change
    past = expected.learn(values, kinds)
    seen = tuple(families.learn(raw, values, past, kinds, scale))
    again = tuple(repeats.learn(raw, np.where(scale.stock, np.nan, scale.unit)))
    together = _together(seen)
    return Group(table, scale, values, past.expected, past.weekday, seen, again, together)


def _together(seen: tuple[Family, ...]) -> Tail:
    """How strong the strongest say was in the past, without its last runs: what goes on must not excuse itself."""
    said = np.max([family.strongest() for family in seen], axis=0, keepdims=True)
    return tail(said[:, : max(LEAST, said.shape[1] - max(family.skip for family in seen))])


def _independent(group: Group) -> float:
    """How many of the metrics do not say the same: M^2 over the sum of their squared correlations.

    A participation ratio: 1 if all move together, M if none do with another.
    """
    z = np.clip(group.families[0].past, -3, 3)
    z = z - np.mean(z, axis=1, keepdims=True)
    size = np.sqrt(np.sum(z**2, axis=1))
    alive = size > 0
    if np.sum(alive) < 2:
        return 1.0
    z = z[alive] / size[alive][:, None]
    alike = z @ z.T if len(z) <= z.shape[1] else z.T @ z  # their squares add up to the same, and one is smaller
    return float(len(z) ** 2 / np.sum(alike**2))
