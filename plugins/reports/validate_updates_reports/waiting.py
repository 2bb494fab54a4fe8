"""What waits for somebody: records in quarantine, alerts that nobody has answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from validate_updates import ReportContext, RunRow, Section, Waiting
from validate_updates_reports.figures import Figures
from validate_updates_reports.words import counted, time

SHOWN: Final = 10


def quarantine(context: ReportContext, waiting: Sequence[Waiting]) -> Section:
    """What is open, by reason, whenever it came in."""
    title = "Open in the quarantine"
    if not waiting:
        return Section(title=title, lines=("nothing",))
    records = sum(one.records for one in waiting)
    return Section(
        title=title,
        header=("reason", "records", "since"),
        rows=tuple((one.code, f"{one.records:,}", time(one.since)) for one in waiting[:SHOWN]),
        lines=(f"{counted(records, 'record')}: validate-updates quarantine list --task {context.task}",),
    )


def alerts(found: Figures) -> Section:
    """The alerts of the window with what people have said of them."""
    title = "Alerts"
    if not found.alerts:
        return Section(title=title, lines=("none",))
    said = sorted((one.run for one in found.alerts), key=lambda run: run.label is not None)
    lines = [f"nobody has said what they were: {len(found.unanswered)} of {len(said)}"]
    if found.unanswered:
        lines.append(f"validate-updates runs ack {found.unanswered[0].run_id} --expected|--incident")
    return Section(
        title=title,
        header=("run", "begun", "state", "said of it"),
        rows=tuple(_row(run) for run in said[:SHOWN]),
        lines=tuple(lines),
    )


def _row(run: RunRow) -> tuple[str, ...]:
    said = f"{run.label}: {run.note}" if run.label and run.note else run.label or "nothing yet"
    return (run.run_id, time(run.started_at), run.state.value, said)
