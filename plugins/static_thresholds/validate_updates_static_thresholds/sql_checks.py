"""Named SQL checks: whatever the owner of the tables knows about them that no built-in check can."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from validate_updates import Context, Finding, Severity
from validate_updates_static_thresholds.evidence import PLUGIN, number
from validate_updates_static_thresholds.settings import SqlCheck


def metric_name(check: SqlCheck) -> str:
    """What its number is called among the metrics of a run."""
    return f"check.{check.name}"


def measure(check: SqlCheck, context: Context) -> float | None:
    """Its number; None where the statement gives none."""
    return as_number(context.db.check_sql(check.sql))


def judge(check: SqlCheck, context: Context) -> Iterator[Finding]:
    """Its number against its limits. Asked again only where there was no number, to tell NULL from a wrong kind."""
    value = context.metrics.get(metric_name(check))
    if value is not None:
        yield from _outside(check, value)
        return
    answer = context.db.check_sql(check.sql)
    measured = as_number(answer)
    if measured is not None:
        yield from _outside(check, measured)
    elif answer is None:
        yield _no_number(check, "not_checked", Severity.WARNING, "gave NULL, or no row: nothing was checked")
    else:
        kind = type(answer).__name__
        yield _no_number(
            check, "sql_check_not_a_number", Severity.CRITICAL, f"gave no number but {answer!r:.60} ({kind})"
        )


def as_number(answer: object) -> float | None:
    """What a database calls a number, as a float; None for everything else, NaN and infinities among it."""
    if not isinstance(answer, int | float | Decimal):
        return None
    try:
        value = float(answer)
    except (OverflowError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _outside(check: SqlCheck, value: float) -> Iterator[Finding]:
    critical = _crossed(value, check.critical_below, check.critical_above)
    if critical or _crossed(value, check.warn_below, check.warn_above):
        low, high = (check.critical_below, check.critical_above) if critical else (check.warn_below, check.warn_above)
        said = check.message.rstrip(". ") or f"the check {check.name} is outside its limits"
        yield Finding(
            code="sql_check_outside_limits",
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            message=f"{said}: {number(value)}, {_range(low, high)} is expected",
            hint=f"run the SQL of {PLUGIN}.checks ({check.name}) yourself to see the rows behind it",
            metric=metric_name(check),
            observed=value,
            expected=_range(low, high),
        )


def _crossed(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _range(low: float | None, high: float | None) -> str:
    """``at least 2``, ``at most 10``, ``2 to 10``."""
    if low is None:
        return f"at most {number(high or 0)}"
    return f"at least {number(low)}" if high is None else f"{number(low)} to {number(high)}"


def _no_number(check: SqlCheck, code: str, severity: Severity, what: str) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        message=f"the check {check.name} {what}",
        hint=f"make the SQL of {PLUGIN}.checks ({check.name}) give one number in every case, as count(*) does",
        metric=metric_name(check),
        expected="a number",
    )
