"""The daily report: the checklist, the week in bars, what has changed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from validate_updates import Answer, ReportContext
from validate_updates_reports.changed import changed
from validate_updates_reports.checklist import as_section, checklist
from validate_updates_reports.figures import between, figures
from validate_updates_reports.trend import DAYS, trend


def daily(context: ReportContext) -> Answer:
    """Of a window that is a day unless somebody said otherwise."""
    now = figures(context.journal, context.runs)
    week = between(context.journal, context.task, context.until - timedelta(days=DAYS), context.until)
    items = checklist(now, week)
    return Answer(
        sections=(as_section(items), trend(week, context.until), changed(context)),
        data={
            "counts": asdict(now.counts),
            "checklist": [{"name": one.name, "figure": one.figure, "mark": one.mark.name.lower()} for one in items],
        },
    )
