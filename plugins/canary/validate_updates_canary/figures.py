"""What runs came to, in the figures by which a canary is judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from validate_updates import (
    PLUGIN_FAILURES,
    Finding,
    JudgedRun,
    RunRow,
    RunState,
    Severity,
    SourceError,
    TargetError,
    TryLater,
)

INCIDENT = "incident"
_OF_THE_WORLD = frozenset(f"run_failed.{error.__name__}" for error in (SourceError, TargetError, TryLater))
"""Codes of runs that failed for what no plugin is at fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Some runs, summed up."""

    runs: int
    stood: int
    read: int
    good: int
    """Records read that the table has now, as they came, in runs that stood."""
    written: int
    """Of these the ones that were written: added and changed."""
    kept_out: int
    batches: int
    batches_failed: int
    alerts: int
    """Runs about which a plugin on trial had a warning, or worse."""
    false_alarms: int
    """Of these the ones that nobody has labelled an incident."""
    opposed: int
    """Runs that a plugin on trial rejected, or would have."""
    at_stake: int
    """Records that runs wrote which it would have rejected."""
    errors: int
    """Runs in which a plugin on trial failed, or that ended in a defect."""
    losses: int
    """Runs whose counts do not add up, or not to the rows of the table."""
    seconds: tuple[float, ...]
    records: tuple[int, ...]
    """Read by the same runs."""

    @property
    def usual_seconds(self) -> float | None:
        """How long a run takes: the median."""
        return median(self.seconds) if self.seconds else None


def modes(run: RunRow, plugins: Collection[str]) -> set[str]:
    """In which modes the plugins on trial took part in a run; ``off`` where one did not."""
    took_part = {one.name: str(one.mode) for one in run.plugins}
    return {took_part.get(plugin, "off") for plugin in plugins}


def figures(runs: Sequence[JudgedRun], plugins: Collection[str]) -> Figures:
    """What the runs came to, as far as the plugins on trial are concerned."""
    stood = [run for run in runs if run.run.state.stands]
    said = {run.run.run_id: _said(run, plugins) for run in runs}
    alerted = [run for run in runs if _worst(said[run.run.run_id]) >= Severity.WARNING.rank]
    opposed = [run for run in runs if _worst(said[run.run.run_id]) == Severity.CRITICAL.rank]
    return Figures(
        runs=len(runs),
        stood=len(stood),
        read=sum(run.run.counts.read for run in runs),
        good=sum(_good(run) for run in stood),
        written=sum(_written(run) for run in stood),
        kept_out=sum(run.run.counts.quarantined for run in stood),
        batches=int(sum(run.metrics.get("batches.planned", 0) for run in runs)),
        batches_failed=int(sum(run.metrics.get("batches.failed", 0) for run in runs)),
        alerts=len(alerted),
        false_alarms=sum(run.run.label != INCIDENT for run in alerted),
        opposed=len(opposed),
        at_stake=sum(_written(run) for run in opposed if run.run.state.stands),
        errors=sum(_failed(run, plugins) for run in runs),
        losses=sum(not run.accounted_for for run in runs),
        seconds=tuple(run.run.seconds for run in runs if run.run.seconds is not None),
        records=tuple(run.run.counts.read for run in runs if run.run.seconds is not None),
    )


def _good(run: JudgedRun) -> int:
    counts = run.run.counts
    return counts.inserted + counts.updated + counts.unchanged + counts.duplicates


def _written(run: JudgedRun) -> int:
    return run.run.counts.inserted + run.run.counts.updated


def _said(run: JudgedRun, plugins: Collection[str]) -> list[Finding]:
    """What the plugins on trial said of the update: not that they failed."""
    return [one for one in (*run.findings, *run.shadow) if one.plugin in plugins and one.code not in PLUGIN_FAILURES]


def _worst(findings: Iterable[Finding]) -> int:
    return max((finding.severity.rank for finding in findings), default=-1)


def _failed(run: JudgedRun, plugins: Collection[str]) -> bool:
    failed = any(one.plugin in plugins and one.code in PLUGIN_FAILURES for one in (*run.findings, *run.shadow))
    return failed or (run.run.state is RunState.FAILED and run.run.error_code not in _OF_THE_WORLD)
