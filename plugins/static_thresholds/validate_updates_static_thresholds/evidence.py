"""What the checks share in reading a context, and in saying that there was nothing to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from validate_updates import Context, Counts, EarlierRun, Finding, Severity

PLUGIN: Final = "plugins.static_thresholds"
"""Path of this plugin's settings, for hints."""
_LOOK_BACK: Final = 200
"""Earlier updates among which those of interest are looked for."""


def not_checked(why: str) -> Finding:
    """The finding of a check that could not look: silence would read as a pass."""
    return Finding(code="not_checked", severity=Severity.INFO, message=why)


def earlier_runs(context: Context, limit: int, fit: Callable[[Counts], Any]) -> Sequence[EarlierRun]:
    """The last ``limit`` updates that stood and whose counts ``fit``, newest first."""
    return [run for run in context.history.runs(_LOOK_BACK) if fit(run.counts)][:limit]


def ids(runs: Sequence[EarlierRun]) -> tuple[str, ...]:
    """Their run ids, for the evidence of a finding."""
    return tuple(run.run_id for run in runs)


def records(count: int) -> str:
    """``1 record``, ``2 records``."""
    return f"{count} record" if count == 1 else f"{count} records"


def rows(count: int) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count} row" if count == 1 else f"{count} rows"


def number(value: float) -> str:
    """``value`` without digits that say nothing: ``3``, ``2.5``, ``0.0012``, ``1234567``."""
    return f"{value:.10g}"


def not_carried(context: Context, names: Sequence[str], setting: str) -> Iterator[Finding]:
    """One finding for each column that a setting names and the records of this update do not carry."""
    for name in names:
        if name not in context.columns:
            yield not_checked(f"the column {name} of {PLUGIN}.{setting} is not looked at: the records do not carry it")
