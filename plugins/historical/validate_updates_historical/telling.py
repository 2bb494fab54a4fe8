"""An alert in words: what is unusual, what was to be expected, how rare that is, what to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from validate_updates import Finding, Severity

if TYPE_CHECKING:
    from validate_updates_historical.history_of import Foretold
    from validate_updates_historical.judgement import Alert, Signal

UNUSUAL: Final = "unusual"
EXPECTED: Final = "unusual_but_expected"
LEARNING: Final = "learning"

LINE: Final = 20
"""Earlier runs that a line shows."""
LATEST: Final = "the latest runs: "
"""Begins the sample that holds their values, oldest first, this run's last."""
RAREST: Final = 6
"""Strengths above this are not told apart: nobody has seen a million runs."""

_PER_CENT: Final = ("columns.missing.", "columns.distinct.", "errors.percent")
_SEVERITIES: Final = {"warn": Severity.WARNING, "reject": Severity.CRITICAL, "hold": Severity.CRITICAL}


def told(alert: Alert, foretold: Foretold, *, run_id: str | None) -> Finding:
    """The finding of an alert. ``run_id``: of the run under judgement; None where it will not be in the journal."""
    like = foretold.like_an_expected_run(alert, but=run_id or "")
    return _expected_finding(alert, like) if like else _alert_finding(alert, foretold, run_id)


def _alert_finding(alert: Alert, foretold: Foretold, run_id: str | None) -> Finding:
    settings = foretold.settings
    counts = alert.runs >= settings.min_days
    series = foretold.series(alert.metric)
    said = alert.signals[0]
    shadow = "" if counts else f"; in shadow, {alert.runs} of {settings.min_days} runs"
    past = [value for _, value in series]
    usual = expected(alert.metric, alert.low, alert.high, past)
    return Finding(
        code=UNUSUAL,
        severity=_SEVERITIES[settings.on_alert] if counts else Severity.INFO,
        message=f"{alert.metric} is {number(alert.value)}; after {alert.runs} runs{_in_season(foretold)}"
        f" {usual} is usual{_record(alert.value, past)}: {_signal(said)}{shadow}",
        hint=_hint(alert, settings.on_alert, run_id) if counts else "",
        metric=alert.metric,
        observed=alert.value,
        expected=usual,
        runs=tuple(run.run_id for run, _ in series),
        samples=(
            LATEST + "; ".join(number(value) for value in (*past[:LINE][::-1], alert.value)),
            *(_signal(signal) for signal in alert.signals),
        ),
    )


def _expected_finding(alert: Alert, run_id: str) -> Finding:
    """Of an alert that a person has said is no news, by the label of an earlier run."""
    return Finding(
        code=EXPECTED,
        severity=Severity.INFO,
        message=f"{alert.metric} is {number(alert.value)}, which is unusual; it is expected, as in run {run_id}",
        metric=alert.metric,
        observed=alert.value,
        expected=expected(alert.metric, alert.low, alert.high, [alert.expected]),
        runs=(run_id,),
    )


def learning_finding(foretold: Foretold, fallback: str) -> Finding:
    """There is too little past for alerts to count."""
    judged = foretold.judge({})
    return Finding(
        code=LEARNING,
        severity=Severity.INFO,
        message=f"learning, {judged.runs} of {judged.wanted} runs{_in_season(foretold)}; {fallback}",
        hint="bring in what was there before: validate-updates history import, or history backfill",
        observed=judged.runs,
        expected=f"at least {judged.wanted}",
    )


def expected(metric: str, low: float, high: float, past: Sequence[float]) -> str:
    """The range as text: of counts in whole numbers, never below 0 where nothing ever was."""
    if past and min(past) >= 0:
        low, high = max(low, 0.0), max(high, 0.0)
    if metric.startswith(_PER_CENT):
        high = min(high, 100.0)
    if past and all(value == math.floor(value) for value in past):
        low, high = math.floor(low + 1e-9), math.ceil(high - 1e-9)
    return number(low) if number(low) == number(high) else f"{number(low)} to {number(high)}"


def number(value: float) -> str:
    """``value`` without digits that say nothing: ``231``, ``4.125``, ``1,250,000``."""
    if value == math.floor(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def rarity(strength: float) -> str:
    """How rare something is: ``once in 5,000 runs``."""
    if strength >= RAREST:
        return "less than once in a million runs"
    times = 10.0**strength
    digits = 10.0 ** math.floor(math.log10(times))
    return f"once in {round(times / digits) * digits:,.0f} runs"


def _signal(signal: Signal) -> str:
    return f"{signal.message} ({rarity(signal.strength)})"


def _record(value: float, past: Sequence[float]) -> str:
    """The highest or lowest value so far, where this one is beyond it."""
    if past and value > max(past):
        return f", {number(max(past))} was the highest"
    return f", {number(min(past))} was the lowest" if past and value < min(past) else ""


def _in_season(foretold: Foretold) -> str:
    return f" of the period {foretold.season}" if foretold.season else ""


def _hint(alert: Alert, on_alert: str, run_id: str | None) -> str:
    if run_id is None:
        return _look(alert)
    right = {
        "warn": f"validate-updates runs ack {run_id} --expected",
        "reject": f"validate-updates runs ack {run_id} --expected, and run it again",
        "hold": f"validate-updates runs accept {run_id} applies it",
    }
    return f"{_look(alert)}; if it is right: {right[on_alert]}"


def _look(alert: Alert) -> str:
    """Where to look first."""
    above = alert.value > alert.expected
    if any(signal.name == "stuck" for signal in alert.signals):
        return "see whether the source is still refreshed"
    if alert.metric in {"records.quarantined", "errors.percent"} and above:
        return "see why records are kept out"
    if alert.metric.startswith("columns."):
        return f"look at {alert.metric.split('.', 2)[2]} in the source"
    if above:
        return "see whether the source was delivered twice, or re-indexed"
    return "see whether the source is complete"
