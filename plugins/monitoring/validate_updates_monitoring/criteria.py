"""The criteria of success, each with what it asks for, what the runs say, and which runs those are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from validate_updates import RunRow, counted
from validate_updates_monitoring.figures import Figures, pace
from validate_updates_monitoring.settings import Monitoring

SHOWN_RUNS = 5
"""Ids of runs that a criterion names."""


class State(StrEnum):
    """Of a criterion."""

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "fail"
    UNKNOWN = "not enough runs yet"
    UNANSWERED = "not acknowledged yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One of them."""

    name: str
    target: str
    actual: str
    value: float | None
    """The same as a number, for programs; None where there is none."""
    evidence: str
    state: State
    runs: tuple[str, ...] = ()
    """Ids of runs that speak against it, the newest."""


def criteria(figures: Figures, settings: Monitoring) -> tuple[Criterion, ...]:
    """All of them, in the order in which people ask."""
    return (
        _fresh(figures, settings),
        _counted("failed runs", figures.broken, settings.failed_runs, figures),
        _data_loss(figures, settings),
        _batches(figures, settings),
        _records(figures, settings),
        _alerts(figures, settings),
        _false_alarms(figures, settings),
        _overhead(figures, settings),
    )


def _fresh(figures: Figures, settings: Monitoring) -> Criterion:
    hours, target = figures.stale_hours, f"at most {settings.degraded_hours:g} h ago"
    if hours is None or figures.last_success is None:
        return Criterion(
            name="last success",
            target=target,
            actual="never",
            value=None,
            evidence="no run has succeeded",
            state=State.FAIL,
        )
    return Criterion(
        name="last success",
        target=target,
        actual=f"{hours:.1f} h ago",
        value=round(hours, 3),
        evidence=f"{figures.last_success:%Y-%m-%d %H:%M} UTC",
        state=State.PASS if hours <= settings.degraded_hours else State.FAIL,
    )


def _counted(name: str, against: Sequence[RunRow], borne: int, figures: Figures, more: str = "") -> Criterion:
    state = State.FAIL if len(against) > borne else State.PASS if figures.runs else State.UNKNOWN
    return Criterion(
        name=name,
        target=str(borne),
        actual=str(len(against)),
        value=len(against),
        evidence=f"{_runs(len(figures.runs))}{more}",
        state=state,
        runs=_ids(against),
    )


def _data_loss(figures: Figures, settings: Monitoring) -> Criterion:
    more = f" whose counts should add up; {figures.backups} made a verified backup"
    return _counted("data loss", figures.losses, settings.data_loss, figures, more)


def _batches(figures: Figures, settings: Monitoring) -> Criterion:
    evidence = f"{figures.batches_written} of {figures.batches} batches in {_runs(figures.batch_runs)}"
    return _share(
        "batch success",
        figures.batches_written,
        figures.batches,
        least=settings.batch_success,
        evidence=evidence,
        enough=figures.batch_runs >= settings.least_runs,
    )


def _records(figures: Figures, settings: Monitoring) -> Criterion:
    against = [run for run in figures.runs if run.fates.rolled_back]
    return _share(
        "good records committed",
        figures.committed,
        figures.good,
        least=settings.good_records,
        evidence=f"{figures.committed} of {figures.good} records in {_runs(len(figures.runs))}",
        enough=len(figures.runs) >= settings.least_runs,
        against=against,
    )


def _alerts(figures: Figures, settings: Monitoring) -> Criterion:
    return _share(
        "alerts",
        len(figures.alerts),
        figures.judged,
        most=settings.alerts,
        evidence=f"{len(figures.alerts)} of {_runs(figures.judged)}",
        enough=figures.judged >= settings.least_runs,
        against=figures.alerts,
    )


def _false_alarms(figures: Figures, settings: Monitoring) -> Criterion:
    false = [run for run in figures.alerts if run.label == "expected"]
    silent = [run for run in figures.alerts if run.label is None]
    true = len(figures.alerts) - len(false) - len(silent)
    raised = counted(len(figures.alerts), "alert")
    found = _share(
        "false alarms",
        len(false),
        figures.judged,
        most=settings.false_alarms,
        evidence=f"{raised}: {len(false)} false, {true} true, {len(silent)} not acknowledged",
        enough=figures.judged >= settings.least_runs,
        against=false,
    )
    might_be = (len(false) + len(silent)) * 100 >= settings.false_alarms * max(figures.judged, 1)
    if found.state is State.PASS and silent and might_be:
        return replace(found, state=State.UNANSWERED, runs=_ids(silent))
    return found


def _overhead(figures: Figures, settings: Monitoring) -> Criterion:
    having, lacking = figures.runs_with, figures.runs_without
    target, what = f"under {settings.overhead:g} %", " or ".join(settings.watched)
    evidence = f"{_runs(len(having))} with {what}, {len(lacking)} without"
    if min(len(having), len(lacking)) < settings.least_runs:
        return Criterion(name="overhead", target=target, actual="", value=None, evidence=evidence, state=State.UNKNOWN)
    found = pace(having, lacking)
    percent = (found.now / found.before - 1) * 100 if found.before else 0.0
    slow = percent >= settings.overhead and found.now - found.before >= settings.least_seconds
    return Criterion(
        name="overhead",
        target=target,
        actual=f"{percent:+.1f} %",
        value=round(percent, 3),
        evidence=f"{evidence}: {found.words}",
        state=State.FAIL if slow else State.PASS,
    )


def _share(
    name: str,
    part: int,
    whole: int,
    *,
    evidence: str,
    enough: bool,
    least: float | None = None,
    most: float | None = None,
    against: Sequence[RunRow] = (),
) -> Criterion:
    target = f"at least {least:g} %" if least is not None else f"under {most:g} %"
    if not whole or not enough:
        return Criterion(name=name, target=target, actual="", value=None, evidence=evidence, state=State.UNKNOWN)
    percent = part / whole * 100
    well = percent >= least if least is not None else percent < (most or 0) or not part
    return Criterion(
        name=name,
        target=target,
        actual=f"{percent:.1f} %",
        value=round(percent, 3),
        evidence=evidence,
        state=State.PASS if well else State.FAIL,
        runs=_ids(against),
    )


def _ids(runs: Sequence[RunRow]) -> tuple[str, ...]:
    return tuple(run.run_id for run in runs[:SHOWN_RUNS])


def _runs(number: int) -> str:
    return counted(number, "run")
