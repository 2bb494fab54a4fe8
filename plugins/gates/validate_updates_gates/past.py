"""The updates of a task in a window, from the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from validate_updates import OpenJournal, RunRow
from validate_updates_gates.case import Case

MOST_RUNS: Final = 10_000
"""Runs of a window, or of the past, that are looked at, the newest: a month of one every five minutes."""


def updates(journal: OpenJournal, case: Case) -> Iterator[RunRow]:
    """Those that have ended, newest first."""
    found = journal.runs(task=case.task, since=case.since, until=case.until, limit=MOST_RUNS)
    return (run for run in found if run.is_ended_update)
