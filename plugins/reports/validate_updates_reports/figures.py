"""What the updates of a window came to, as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from validate_updates import (
    PLUGIN_FAILURES,
    Counts,
    JudgedRun,
    OpenJournal,
    RunRow,
    RunState,
)

MOST_RUNS: Final = 10_000
"""Of a window, the newest."""
ORPHANS: Final = {"foreign_keys_violated", "orphans_before"}
"""Codes of findings about rows that refer to rows that are not there; the first is the name of the check, too."""
_BROKEN: Final = {RunState.FAILED, RunState.INTERRUPTED}


@dataclass(frozen=True, slots=True)
class Figures:
    """Of some updates, newest first."""

    judged: tuple[JudgedRun, ...]

    @property
    def runs(self) -> tuple[RunRow, ...]:
        """Without what was said of them."""
        return tuple(one.run for one in self.judged)

    @property
    def counts(self) -> Counts:
        """What became of all records."""
        fates = [run.fates for run in self.runs]
        return Counts(**{one.name: sum(getattr(fate, one.name) for fate in fates) for one in fields(Counts)})

    @property
    def stood(self) -> tuple[RunRow, ...]:
        """Those that stand."""
        return tuple(run for run in self.runs if run.state.stands)

    @property
    def broken(self) -> tuple[RunRow, ...]:
        """Those that failed, or were interrupted."""
        return tuple(run for run in self.runs if run.state in _BROKEN)

    @property
    def plugin_failures(self) -> tuple[RunRow, ...]:
        """The runs in which plugin code itself failed, each as often as it did."""
        return tuple(one.run for one in self.judged for finding in one.findings if finding.code in PLUGIN_FAILURES)

    @property
    def batches(self) -> tuple[int, int]:
        """How many succeeded, of how many; an update all or nothing has none."""
        batched = (one for one in self.judged if one.run.strategy == "batch")
        metrics = [one.metrics for one in batched if "batches.planned" in one.metrics]
        names = ("batches.succeeded", "batches.planned")
        succeeded, planned = (round(sum(one.get(name, 0) for one in metrics)) for name in names)
        return succeeded, planned

    @property
    def alerts(self) -> tuple[JudgedRun, ...]:
        """Those about which a check had a warning, or worse."""
        return tuple(one for one in self.judged if one.warnings)

    @property
    def unanswered(self) -> tuple[RunRow, ...]:
        """Alerts of which nobody has said what they were."""
        return tuple(one.run for one in self.alerts if one.run.label is None)

    @property
    def unaccounted(self) -> tuple[RunRow, ...]:
        """Those whose counts do not add up."""
        return tuple(one.run for one in self.judged if not one.accounted_for)

    @property
    def writing(self) -> tuple[RunRow, ...]:
        """Those that changed the table."""
        return tuple(run for run in self.stood if run.counts.inserted + run.counts.updated + run.counts.deleted)

    @property
    def orphaned(self) -> tuple[RunRow, ...]:
        """Those about which a check found foreign keys that lead nowhere."""
        return tuple(one.run for one in self.judged if any(finding.code in ORPHANS for finding in one.findings))

    @property
    def keys_looked_at(self) -> bool:
        """Whether a check looked for such keys."""
        return any(check.validator in ORPHANS for one in self.judged for check in one.judged)

    @property
    def seconds(self) -> tuple[float, ...]:
        """How long they took."""
        return tuple(run.seconds for run in self.runs if run.seconds is not None)


def figures(journal: OpenJournal, runs: Iterable[RunRow]) -> Figures:
    """Of the updates among these runs."""
    return Figures(tuple(journal.judged([run.run_id for run in runs if run.is_ended_update])))


def between(journal: OpenJournal, task: str, since: datetime, until: datetime) -> Figures:
    """Of the updates of a task that began in a window."""
    return figures(journal, journal.runs(task=task, since=since, until=until, limit=MOST_RUNS))


def spoke(one: JudgedRun) -> Iterator[str]:
    """The checks that had a warning or worse about a run, each as often as it had one."""
    return (f"{finding.plugin}.{finding.validator}" for finding in one.warnings)


def named(runs: Sequence[RunRow], most: int = 3) -> str:
    """The first of their ids."""
    more = f" and {len(runs) - most} more" if len(runs) > most else ""
    return ", ".join(run.run_id for run in runs[:most]) + more
