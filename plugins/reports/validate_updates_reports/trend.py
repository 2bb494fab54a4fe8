"""A week in bars, a day each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from validate_updates import RunRow, Section, spark
from validate_updates_reports.figures import Figures
from validate_updates_reports.words import number

DAYS: Final = 7
_DAY: Final = timedelta(days=1)
_SUMS: Final[dict[str, Callable[[RunRow], float]]] = {
    "updates": lambda run: 1,  # noqa: ARG005  # each counts
    "records checked": lambda run: run.fates.read,
    "updated": lambda run: run.fates.updated,
    "added": lambda run: run.fates.inserted,
    "quarantined": lambda run: run.fates.quarantined,
    "seconds": lambda run: run.seconds or 0.0,
}


def trend(week: Figures, until: datetime) -> Section:
    """The main numbers of the days up to a moment."""
    days = _days(week, until)
    rows = []
    for name, of in _SUMS.items():
        values = [float(sum(map(of, runs))) for runs in days]
        rows.append((name, spark(values), number(values[-1]), number(median(values))))
    return Section(
        title="The week in days", header=("", "the last seven days", "last", "usual"), rows=tuple(rows), lines=()
    )


def _days(week: Figures, until: datetime) -> Sequence[list[RunRow]]:
    """The updates of each of the last days, the oldest first; a day is the 24 hours up to the time of ``until``."""
    days: list[list[RunRow]] = [[] for _ in range(DAYS)]
    for run in week.runs:
        ago = int((until - run.started_at) / _DAY)
        if 0 <= ago < DAYS:
            days[DAYS - 1 - ago].append(run)
    return days
