"""The runs that a canary is judged by, found in the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from validate_updates import RunRow, StoredRun
from validate_updates_canary.criteria import Sides
from validate_updates_canary.figures import counts, figures, modes
from validate_updates_canary.trial import Trial

_MOST = 200
"""Runs of one task that are looked at."""


class Journal(Protocol):
    """What is asked of the journal, by commands and by the observer alike."""

    def runs(self, *, task: str | None = None, limit: int = 100) -> Sequence[RunRow]:
        """The newest runs of a task."""
        ...

    def run(self, run_id: str) -> StoredRun:
        """Everything about one."""
        ...


def newest(journal: Journal) -> int:
    """Number of the newest run of all; 0 where there is none."""
    return max((run.run_no for run in journal.runs(limit=1)), default=0)


def sides(journal: Journal, trial: Trial) -> Sides:
    """The runs of the canary, as many before it, and those beside it."""
    plugins = trial.plugins
    since = [run for run in _since(journal, trial.task, trial) if modes(run, plugins) == {"enforce"}]
    beside = [run for task in trial.beside for run in _since(journal, task, trial) if "shadow" in modes(run, plugins)]
    before = _before(journal, trial, max(len(since), 1))
    return Sides(canary=figures(since, plugins), before=figures(before, plugins), beside=figures(beside, plugins))


def _since(journal: Journal, task: str, trial: Trial) -> Iterator[StoredRun]:
    for row in journal.runs(task=task, limit=_MOST):
        if row.run_no <= trial.after:
            return
        run = journal.run(row.run_id)
        if counts(run):
            yield run


def _before(journal: Journal, trial: Trial, wanted: int) -> list[StoredRun]:
    found: list[StoredRun] = []
    for row in journal.runs(task=trial.task, limit=_MOST):
        if len(found) == wanted:
            break
        if 0 < row.run_no <= trial.after:
            run = journal.run(row.run_id)
            found += [run] if counts(run) else []
    return found
