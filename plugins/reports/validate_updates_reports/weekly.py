"""The weekly report: the week beside the one before it, the worst runs, what waits for somebody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Final

from validate_updates import Answer, JudgedRun, ReportContext, RunState, Section
from validate_updates_reports.figures import Figures, between, figures
from validate_updates_reports.waiting import alerts, quarantine
from validate_updates_reports.words import number, percent, time

WORST: Final = 5


def weekly(context: ReportContext) -> Answer:
    """Of a window that is a week unless somebody said otherwise, beside one as long before it."""
    now = figures(context.journal, context.runs)
    span = context.until - context.since
    before = between(context.journal, context.task, context.since - span, context.since - timedelta.resolution)
    waiting = context.journal.waiting(context.task)
    return Answer(
        sections=(_beside(now, before), _worst(now), quarantine(context, waiting), alerts(now)),
        data={
            "counts": asdict(now.counts),
            "counts_before": asdict(before.counts),
            "worst": [one.run.run_id for one in worst(now)],
            "waiting": [asdict(one) for one in waiting],
            "unanswered": [run.run_id for run in now.unanswered],
        },
    )


def _beside(now: Figures, before: Figures) -> Section:
    rows = zip(_figures(now), _figures(before), strict=True)
    return Section(
        title="This time, and the time before",
        header=("", "this", "before", "change"),
        rows=tuple((name, _said(this), _said(that), _change(this, that)) for (name, this), (_, that) in rows),
    )


def _figures(found: Figures) -> Iterator[tuple[str, float | str]]:
    counts, (succeeded, planned) = found.counts, found.batches
    yield "updates", len(found.runs)
    yield "did not stand", len(found.runs) - len(found.stood)
    yield "checked", counts.read
    yield "updated", counts.updated
    yield "added", counts.inserted
    yield "unchanged", counts.unchanged
    yield "quarantined", counts.quarantined
    yield "batches that succeeded", percent(succeeded, planned)
    yield "alerts", len(found.alerts)
    yield "seconds", round(sum(found.seconds), 1)


def _said(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


def _change(now: float | str, before: float | str) -> str:
    if isinstance(now, str) or isinstance(before, str) or not before:
        return ""
    return f"{(now / before - 1) * 100:+.0f} %"


def worst(found: Figures) -> list[JudgedRun]:
    """The runs that did not stand, then those with an alert, then those that kept most records out."""
    bad = [one for one in found.judged if _badness(one) > (0, 0, 0)]
    return sorted(bad, key=_badness, reverse=True)[:WORST]


def _badness(one: JudgedRun) -> tuple[int, int, int]:
    run = one.run
    return (0 if run.state.stands else 1, int(bool(one.warnings) and run.label != "expected"), run.fates.quarantined)


def _worst(found: Figures) -> Section:
    shown = worst(found)
    return Section(
        title="The worst runs",
        header=("run", "begun", "state") if shown else (),
        rows=tuple((one.run.run_id, time(one.run.started_at), one.run.state.value) for one in shown),
        lines=tuple(f"{one.run.run_id}: {_why(one)}" for one in shown)
        or ("none: all stand, without an alert, and kept nothing out",),
    )


def _why(one: JudgedRun) -> str:
    if one.run.state is RunState.COMMITTED and one.findings:
        return max(one.findings, key=lambda finding: finding.severity.rank).message
    return one.run.reason
