"""The look back: what was found, which checks were right, incidents, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from validate_updates import Answer, ReportContext, Section
from validate_updates_reports.figures import Figures, figures
from validate_updates_reports.incidents import Incident, incidents
from validate_updates_reports.suggesting import suggestions
from validate_updates_reports.tallies import Tally, tallies
from validate_updates_reports.waiting import quarantine
from validate_updates_reports.words import counted, number, percent, time

SHOWN: Final = 15


def retrospective(context: ReportContext) -> Answer:
    """Of a window that is 30 days unless somebody said otherwise."""
    found = figures(context.journal, context.runs)
    checks, bad, waiting = tallies(found), incidents(found), context.journal.waiting(context.task)
    advice = suggestions(context, found, checks, waiting)
    return Answer(
        sections=(
            _summary(found),
            _checks(checks),
            _incidents(bad),
            quarantine(context, waiting),
            Section(title="Suggestions", lines=advice or ("none: go on as before",)),
        ),
        data={
            "counts": asdict(found.counts),
            "checks": [asdict(one) for one in checks],
            "incidents": [asdict(one) for one in bad],
            "suggestions": advice,
        },
    )


def _summary(found: Figures) -> Section:
    counts, (succeeded, planned) = found.counts, found.batches
    rows = [
        ("updates", f"{counted(len(found.runs), 'run')}, {len(found.stood)} stand"),
        ("records checked", number(counts.read)),
        ("added, updated", f"{number(counts.inserted)}, {number(counts.updated)}"),
        ("quarantined", number(counts.quarantined)),
        ("batches that succeeded", percent(succeeded, planned)),
        ("alerts", f"{len(found.alerts)}, {len(found.unanswered)} not acknowledged"),
    ]
    return Section(title="What has happened", rows=tuple(rows))


def _checks(checks: Sequence[Tally]) -> Section:
    spoke = [one for one in checks if one.spoke]
    silent = len(checks) - len(spoke)
    return Section(
        title="Which checks earned their keep",
        header=("check", "asked", "spoke", "right", "wrong", "not said") if spoke else (),
        rows=tuple(_row(one) for one in spoke[:SHOWN]),
        lines=(f"{counted(silent, 'check')} had nothing to say",) if silent else (),
    )


def _row(one: Tally) -> tuple[str, ...]:
    counts = (one.asked, one.spoke, one.right, one.false_alarms, one.unanswered)
    return (one.check, *map(number, counts))


def _incidents(bad: Sequence[Incident]) -> Section:
    return Section(
        title="Incidents",
        header=("begun", "runs", "noticed after", "by") if bad else (),
        rows=tuple((time(one.begun), str(one.runs), one.noticed, one.by) for one in bad[:SHOWN]),
        lines=tuple(f"{time(one.begun)}, {one.run_id}: {one.why}" for one in bad[:SHOWN]) or ("none",),
    )
