"""What is told of an incident: when what happened, what was found, what was done, and what is to be done next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from validate_updates import (
    BatchState,
    Finding,
    RunKind,
    RunRow,
    RunState,
    Section,
    Severity,
    StoredRun,
    Switch,
    as_markdown,
)
from validate_updates_monitoring.settings import Monitoring

if TYPE_CHECKING:
    from validate_updates import JournalView

MOST_FINDINGS: Final = 50
MOST_BATCHES: Final = 20
_LATER_RUNS: Final = 200
"""Runs after it among which its roll-backs are looked for."""


def report_path(settings: Monitoring, run_id: str) -> Path:
    """Where the report of an incident is written."""
    return Path(settings.incidents) / f"incident-{run_id}.md"


def report(journal: JournalView, run_id: str) -> str:
    """The report as Markdown. Raises ``UsageError`` where there is no such run."""
    return as_markdown(incident(journal, journal.run(run_id)))


def incident(journal: JournalView, stored: StoredRun) -> tuple[Section, ...]:
    """The parts of the report."""
    run = stored.run
    switches = [one for one in journal.switches(run.task) if run.run_id in one.reason]
    later = journal.runs(task=run.task, since=run.started_at, limit=_LATER_RUNS)
    backs = [one for one in reversed(later) if one.kind is RunKind.ROLLBACK and one.parent == run.run_id]
    parts = (_about(run), _timeline(stored, switches, backs), _findings(stored), _batches(stored), _next(run, switches))
    return tuple(part for part in parts if part.rows or part.lines)


def _about(run: RunRow) -> Section:
    counts = run.counts
    fates = ("inserted", "updated", "unchanged", "duplicates", "quarantined", "rolled_back", "deleted")
    became = ", ".join(f"{getattr(counts, fate)} {fate.replace('_', ' ')}" for fate in fates if getattr(counts, fate))
    plugins = ", ".join(one.name if one.mode == "enforce" else f"{one.name} ({one.mode})" for one in run.plugins)
    rows = (
        ("task, table", f"{run.task}, {run.table}"),
        ("state", str(run.state)),
        ("why", run.reason),
        ("source", run.source),
        ("records", f"{counts.read} read: {became}" if became else f"{counts.read} read"),
        ("rows of the table", _rows(run)),
        ("plugins", plugins or "none"),
        ("label", run.label or "none yet"),
        ("note", run.note or ""),
    )
    return Section(title=f"Incident: run {run.run_id}", rows=tuple(row for row in rows if row[1]))


def _rows(run: RunRow) -> str:
    known = run.rows_before is not None and run.rows_after is not None
    return f"{run.rows_before} before, {run.rows_after} after" if known else ""


def _timeline(stored: StoredRun, switches: Sequence[Switch], backs: Sequence[RunRow]) -> Section:
    rows = [*_of_run(stored), *_of_actions(switches, backs)]
    if stored.run.label:
        rows.append(("later", f"called {stored.run.label} by a person"))
    return Section(title="Timeline, in UTC", header=("when", "what"), rows=tuple(rows))


def _of_run(stored: StoredRun) -> Iterator[tuple[str, str]]:
    run = stored.run
    at = run.started_at
    yield _moment(at), f"begun, with {run.source}"
    for stage, seconds in stored.timings:
        if stage == "judge" and stored.judged:
            yield _moment(at), f"judged: {_outcomes(stored)}"
        elif stage == "apply":
            yield _moment(at), f"applied by {run.strategy}"
        at += timedelta(seconds=seconds)
    if run.finished_at:
        yield _moment(run.finished_at), f"{_verdict(run)}: {run.reason}"
    elif run.state is RunState.INTERRUPTED:
        yield "unknown", f"interrupted: {run.reason}"


def _verdict(run: RunRow) -> str:
    """How it ended, whatever became of it later."""
    if run.state is not RunState.ROLLED_BACK:
        return str(run.state)
    return str(RunState.COMMITTED_WITH_QUARANTINE if run.counts.quarantined else RunState.COMMITTED)


def _outcomes(stored: StoredRun) -> str:
    words: dict[str, list[str]] = {}
    for one in stored.judged:
        words.setdefault(one.outcome, []).append(f"{one.plugin}.{one.validator}")
    return "; ".join(
        f"{len(names)} {outcome}" if outcome == "passed" else f"{outcome}: {', '.join(names)}"
        for outcome, names in words.items()
    )


def _of_actions(switches: Sequence[Switch], backs: Sequence[RunRow]) -> Iterator[tuple[str, str]]:
    for one in switches:
        yield _moment(one.made_at), f"{one.plugin} set to {one.mode} by {one.made_by}, from the next run on"
    for back in backs:
        yield _moment(back.started_at), f"roll-back {back.run_id} {back.state}: {back.reason}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _findings(stored: StoredRun) -> Section:
    told = sorted(stored.findings, key=lambda finding: -finding.severity.rank)
    worth = [one for one in told if one.severity is not Severity.INFO]
    left = len(worth) - MOST_FINDINGS
    return Section(
        title="Findings",
        header=("severity", "of", "code", "what"),
        rows=tuple((str(one.severity), _by(one), one.code, one.message) for one in worth[:MOST_FINDINGS]),
        lines=(f"and {left} more",) if left > 0 else (),
    )


def _by(finding: Finding) -> str:
    return f"{finding.plugin}.{finding.validator}" if finding.plugin else "validate-updates"


def _batches(stored: StoredRun) -> Section:
    numbers = [
        f"{stored.metrics[name]:.0f} {name.removeprefix('batches.')}" for name in _BATCHES if name in stored.metrics
    ]
    failed = [one for one in stored.batches if one.state is BatchState.FAILED]
    left = len(failed) - MOST_BATCHES
    return Section(
        title="Batches",
        header=("failed batch", "kept out", "first key", "last key"),
        rows=tuple(
            (str(one.batch_no), str(one.quarantined), one.first_key or "", one.last_key or "")
            for one in failed[:MOST_BATCHES]
        ),
        lines=(*((", ".join(numbers),) if numbers else ()), *((f"and {left} more",) if left > 0 else ())),
    )


_BATCHES: Final = ("batches.planned", "batches.succeeded", "batches.isolated", "batches.failed")


def _next(run: RunRow, switches: Sequence[Switch]) -> Section:
    where = f" --task {run.task}"
    rows = [("look at it", f"validate-updates runs show {run.run_id}{where}")]
    if run.state.stands and run.counts.inserted + run.counts.updated + run.counts.deleted:
        rows.append(("see what a roll-back would do", f"validate-updates rollback {run.run_id} --dry-run{where}"))
    if run.counts.quarantined:
        rows.append(("look at records kept out", f"validate-updates quarantine list --run {run.run_id}{where}"))
    if run.label is None:
        rows.append(("say what it was", f"validate-updates runs ack {run.run_id} --incident{where}"))
    rows += [
        (f"when {name} is mended", f'validate-updates plugins reset {name}{where} --reason "…"')
        for name in dict.fromkeys(one.plugin for one in switches)
    ]
    return Section(title="What to do next", header=("to", "type"), rows=tuple(rows))
