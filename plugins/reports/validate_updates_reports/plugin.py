"""Reports of what has happened: what the plugin ``reports`` declares."""

from __future__ import annotations

from collections.abc import Iterable

from validate_updates import Report, hookimpl
from validate_updates_reports.daily import daily
from validate_updates_reports.retrospective import retrospective
from validate_updates_reports.weekly import weekly


@hookimpl
def vu_reports() -> Iterable[Report]:
    """The day, the week, and a longer look back."""
    yield Report(name="daily", build=daily, days=1, summary="the checklist of the day, its week, what has changed")
    yield Report(name="weekly", build=weekly, days=7, summary="the week beside the one before, and what waits")
    yield Report(
        name="retrospective",
        build=retrospective,
        days=30,
        summary="what was found, what was a false alarm, incidents, what to do",
    )
