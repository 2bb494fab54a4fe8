"""Stretches of runs that went wrong, and how long it took until somebody could know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from validate_updates import JudgedRun
from validate_updates_reports.figures import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Runs in a row that were wrong."""

    begun: datetime
    runs: int
    run_id: str
    """Of the first of them."""
    noticed: str
    """How long after it began: ``at once``, ``2.5 h``; empty where nothing but a person noticed."""
    by: str
    why: str


def incidents(found: Figures) -> list[Incident]:
    """The newest first."""
    oldest_first = found.judged[::-1]
    stretches = (list(runs) for bad, runs in groupby(oldest_first, _is_bad) if bad)
    return [_incident(runs) for runs in stretches][::-1]


def _is_bad(one: JudgedRun) -> bool:
    """A person said so, or it did not stand; unless a person said that it was as expected."""
    label = one.run.label
    return label == "incident" or (label != "expected" and not one.run.state.stands)


def _incident(runs: Sequence[JudgedRun]) -> Incident:
    first = runs[0].run
    loud = next((one for one in runs if one.warnings or not one.run.state.stands), None)
    return Incident(
        begun=first.started_at,
        runs=len(runs),
        run_id=first.run_id,
        noticed="" if loud is None else _after(loud.run.started_at - first.started_at),
        by="a person" if loud is None else "an alert" if loud.warnings else loud.run.state.value,
        why=first.note or first.reason,
    )


def _after(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):.1f} h" if span else "at once"
