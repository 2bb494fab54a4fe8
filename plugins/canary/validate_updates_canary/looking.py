"""The runs that a canary is judged by, found in the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from validate_updates import RunRow
from validate_updates_canary.criteria import Sides
from validate_updates_canary.figures import Figures, figures, modes
from validate_updates_canary.trial import Ended, Trial, load, load_ended

if TYPE_CHECKING:
    from validate_updates import JournalView, OpenJournal

_BITE = 200
"""Runs that are asked for first; most trials need no more."""


@dataclass(frozen=True, slots=True)
class Until:
    """Later runs do not count."""

    moment: datetime | None = None
    run_no: int | None = None
    """Number of the last run of all."""


ALL = Until()


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A canary as it was at a moment, or at its end."""

    trial: Trial
    ended: Ended | None
    moment: datetime
    sides: Sides


def canary(journal: OpenJournal, task: str, since: datetime, until: datetime) -> Canary | None:
    """The one that is under way at the end of a window, else the one that has ended in it."""
    state = journal.state(task)
    trial, ended = load(state), load_ended(state)
    if trial is not None and trial.started_at <= until:
        return Canary(trial=trial, ended=None, moment=until, sides=sides(journal, trial, Until(until)))
    if ended is not None and since <= ended.at <= until:
        seen = sides(journal, ended.trial, Until(ended.at, ended.until))
        return Canary(trial=ended.trial, ended=ended, moment=ended.at, sides=seen)
    return None


def newest(journal: JournalView) -> int:
    """Number of the newest run of all; 0 where there is none."""
    return max((run.run_no for run in journal.runs(limit=1)), default=0)


def sides(journal: JournalView, trial: Trial, until: Until = ALL) -> Sides:
    """The runs of the canary, as many before it, and those beside it."""

    def since(task: str) -> Iterator[RunRow]:
        return takewhile(lambda run: run.run_no > trial.after, _updates(journal, task, until))

    def summed_up(runs: Sequence[RunRow]) -> Figures:
        return figures(journal.judged([run.run_id for run in runs]), trial.plugins)

    canary = [run for run in since(trial.task) if modes(run, trial.plugins) == {"enforce"}]
    beside = [run for task in trial.beside for run in since(task) if "shadow" in modes(run, trial.plugins)]
    earlier = (run for run in _updates(journal, trial.task, until) if 0 < run.run_no <= trial.after)
    before = list(islice(earlier, max(len(canary), 1)))
    return Sides(canary=summed_up(canary), before=summed_up(before), beside=summed_up(beside))


def _updates(journal: JournalView, task: str, until: Until) -> Iterator[RunRow]:
    """The updates of a task that came to an end, newest first, as far back as they are asked for."""
    limit, last = _BITE, until.run_no
    while True:
        found = journal.runs(task=task, until=until.moment, limit=limit)
        yield from (run for run in found if run.is_ended_update and (last is None or run.run_no <= last))
        if len(found) < limit:
            return
        limit, last = limit * 2, min(found[-1].run_no - 1, last or found[-1].run_no)
