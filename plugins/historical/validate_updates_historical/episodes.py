"""One alert an episode: what lasts is said once, and again only when it has become much worse.

An episode is a time in which families are hot on one side, with pauses no longer than their memory; of what a faster
family saw, a slower one hears for a week. Its first alert that no veto takes away is raised, and another if it is so
much stronger than the last that was. So the past is judged again as the new run is: by what it would have raised, not
by what was hot and excused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical import expected
from validate_updates_historical.baseline import Group
from validate_updates_historical.limits import Limits
from validate_updates_historical.vetoes import VETOES, Candidate

AGAIN: Final = 2.0
"""An alert is repeated while it lasts if it has become a hundred times (10 ** 2) rarer than the last one."""
WORSE: Final = 1.3
"""And only if its strength is so many times that: where tails are short, little more is a hundred times rarer."""
PASSED: Final = 7
"""After so many runs a fast family explains no slow one: no mean over a week still holds the run that was odd."""
REPLAYED: Final = 120
"""Earlier runs that are judged again: no episode that is longer need be known from its beginning."""


@dataclass(slots=True)
class _Episode:
    """What a family, and those as fast or faster, have come to on one side."""

    memory: int
    hot: int | None = None
    """The last run in which the family was."""
    faster: int | None = None
    """The last run in which a faster one was."""
    raised: float = 0.0
    """The strength of the last alert raised; 0 where none was."""

    def goes_on(self, at: int) -> bool:
        own = self.hot is not None and at - self.hot <= self.memory
        return own or (self.faster is not None and at - self.faster <= min(self.memory, PASSED))

    def has_said(self, run: Candidate) -> bool:
        return self.goes_on(run.at) and not is_much_worse(run.strength, self.raised)

    def add(self, at: int, strongest: float, *, itself: bool) -> None:
        self.raised = strongest or (self.raised if self.goes_on(at) else 0.0)
        if itself:
            self.hot = at
        else:
            self.faster = at


def is_much_worse(strength: float, raised: float) -> bool:
    """Whether an alert of this strength is news after one of that strength, which lasts; 0: there was none."""
    return not raised or strength >= max(WORSE * raised, raised + AGAIN)


def raised(group: Group, metric: int, new: Sequence[Candidate], limits: Limits) -> list[Candidate]:
    """Those of the new candidates of a metric that are news after its past."""
    news = []
    for side in {one.side for one in new}:
        episodes = [_Episode(family.memory) for family in group.families]
        for run in _past(group, metric, side, limits):
            _add(episodes, run, _news(episodes, run, limits))
        news += _news(episodes, [one for one in new if one.side == side], limits)
    return news


def _news(episodes: Sequence[_Episode], run: Iterable[Candidate], limits: Limits) -> list[Candidate]:
    fresh = (one for one in run if not episodes[one.which].has_said(one))
    return [one for one in fresh if not any(veto(one, limits) for veto in VETOES)]


def _add(episodes: Sequence[_Episode], run: Sequence[Candidate], said: Sequence[Candidate]) -> None:
    """Families hear of those as fast or faster."""
    for which in range(run[0].which, len(episodes)):
        strongest = max((one.strength for one in said if one.which <= which), default=0.0)
        episodes[which].add(run[0].at, strongest, itself=any(one.which == which for one in run))


def _past(group: Group, metric: int, side: int, limits: Limits) -> Iterator[list[Candidate]]:
    """The candidates of each earlier run that has some, the fastest family first."""
    first = max(1, group.runs - REPLAYED)
    last = slice(first, group.runs)
    strengths = np.array([family.strength_of(metric, side, last) for family in group.families])
    hot = limits.enough(strengths)
    hot[:, : max(0, expected.unsettled(group.runs) - first)] = False
    for run in np.flatnonzero(hot.any(axis=0)).tolist():
        at = first + run
        yield [
            Candidate(
                group=group,
                which=which,
                metric=metric,
                side=side,
                z=float(group.families[which].past[metric, at]),
                strength=float(strengths[which, run]),
                raw=float(group.table.values[metric, at]),
                value=float(group.values[metric, at]),
                at=at,
            )
            for which in np.flatnonzero(hot[:, run]).tolist()
        ]
