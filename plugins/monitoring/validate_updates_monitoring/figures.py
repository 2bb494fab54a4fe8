"""What the runs of a window came to, as numbers; each with the runs that it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from validate_updates import RunRow, RunState, TryLater, grown

if TYPE_CHECKING:
    from collections.abc import Collection

    from validate_updates import JournalView

MOST_RUNS: Final = 2000
"""Entries of the journal about a task that are looked at in a window; the newest."""
DAYS_TO_COMPARE: Final = 90
"""Before now, at least: runs without the plugins that those with them are compared with."""

_BROKEN: Final = {RunState.FAILED, RunState.INTERRUPTED}
_PUT_OFF: Final = f"run_failed.{TryLater.__name__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one task."""

    task: str
    now: datetime
    days: float
    runs: tuple[RunRow, ...]
    """Updates that have ended in the window, newest first."""
    good: int
    """Records that nothing was wrong with."""
    committed: int
    """Those of them that are in the table."""
    batches: int
    batches_written: int
    """Whole, without a record left out."""
    batch_runs: int
    """Runs that applied the update in batches."""
    judged: int
    """Runs whose checks were asked."""
    alerts: tuple[RunRow, ...]
    losses: tuple[RunRow, ...]
    """Runs whose counts do not add up: records, or rows of the table, are unaccounted for."""
    runs_with: tuple[RunRow, ...]
    """Updates that stand and of which it is known how long they took, with any of the plugins watched."""
    runs_without: tuple[RunRow, ...]
    last_success: datetime | None

    def of(self, *states: RunState) -> tuple[RunRow, ...]:
        """The runs that ended so."""
        return tuple(run for run in self.runs if run.state in states)

    @property
    def broken(self) -> tuple[RunRow, ...]:
        """Runs that failed, or were interrupted; not those that their source put off."""
        return tuple(run for run in self.of(*_BROKEN) if run.error_code != _PUT_OFF)

    @property
    def backups(self) -> int:
        """Runs that made a verified backup first."""
        return sum(run.backup is not None for run in self.runs)

    @property
    def stale_hours(self) -> float | None:
        """Since the last successful run; None where there was none."""
        return None if self.last_success is None else (self.now - self.last_success) / timedelta(hours=1)


def figures(journal: JournalView, task: str, *, now: datetime, days: float, watched: Collection[str]) -> Figures:
    """The figures of a task over the last so many days."""
    since, earliest = now - timedelta(days=days), now - timedelta(days=max(days, DAYS_TO_COMPARE))
    known = [run for run in journal.runs(task=task, since=earliest, until=now, limit=MOST_RUNS) if run.is_ended_update]
    ended = [run for run in known if run.started_at >= since]
    told = journal.judged([run.run_id for run in ended])
    batched = [one.metrics for one in told if "batches.planned" in one.metrics and one.run.strategy == "batch"]
    counts = [run.fates for run in ended]
    committed = sum(one.inserted + one.updated + one.unchanged for one in counts)
    last = _last(known) or _last(journal.runs(task=task, until=now, limit=MOST_RUNS))
    return Figures(
        task=task,
        now=now,
        days=days,
        runs=tuple(ended),
        good=committed + sum(one.rolled_back for one in counts),
        committed=committed,
        batches=round(sum(one["batches.planned"] for one in batched)),
        batches_written=round(sum(one["batches.succeeded"] for one in batched)),
        batch_runs=len(batched),
        judged=sum(bool(one.judged) for one in told),
        alerts=tuple(one.run for one in told if one.warnings),
        losses=tuple(one.run for one in told if not one.accounted_for),
        runs_with=tuple(run for run in timed(ended) if any(one.name in watched for one in run.plugins)),
        runs_without=tuple(run for run in timed(known) if all(one.name not in watched for one in run.plugins)),
        last_success=last.finished_at or last.started_at if last else None,
    )


def _last(runs: Iterable[RunRow]) -> RunRow | None:
    """The newest update that stands."""
    return next((run for run in runs if run.is_ended_update and run.state.stands), None)


def timed(runs: Iterable[RunRow]) -> list[RunRow]:
    """The runs that stand and of which it is known how long they took."""
    return [run for run in runs if run.state.stands and run.seconds is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long runs take, beside others."""

    now: float
    """Seconds of a run, the median."""
    before: float
    """The same of the others, for as many records as the runs of now read where these read more."""
    words: str


def pace(now: Sequence[RunRow], before: Sequence[RunRow]) -> Pace:
    """Compare runs of :func:`timed`; there are some of each."""
    having, lacking = (median(run.seconds or 0.0 for run in runs) for runs in (now, before))
    growth = grown([run.counts.read for run in now], [run.counts.read for run in before])
    words = f"{having:.2f} s, {lacking:.2f} s before{growth.words}"
    return Pace(now=having, before=lacking * growth.times, words=words)
