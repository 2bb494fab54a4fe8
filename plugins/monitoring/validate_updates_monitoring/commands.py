"""``monitoring show|health|incident``, and the report of the criteria."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from validate_updates import (
    Answer,
    Desk,
    OpenJournal,
    ReportContext,
    Section,
    UsageError,
    as_window,
    counted,
    printable,
)
from validate_updates_monitoring.criteria import Criterion, State, criteria
from validate_updates_monitoring.figures import figures
from validate_updates_monitoring.health import EXIT_STATUS, Report, judged, worst
from validate_updates_monitoring.incident import incident
from validate_updates_monitoring.previewing import previews
from validate_updates_monitoring.settings import Monitoring
from validate_updates_monitoring.textfile import write_textfile

Days = Annotated[float, "how far back to look"]
Task = Annotated[str, "one task; all of the settings unless named"]
Time = Annotated[str, "counts as now: 2024-05-01T06:00Z"]
Run = Annotated[str, "its id, the beginning of it, or last; with --task the last of that task"]
WhatIf = Annotated[bool, "what the policy would do about the last run now; nothing is done"]
TextFile = Annotated[str, "write the figures for Prometheus to this file"]


@dataclass(frozen=True, slots=True)
class Window:
    """What to look at, as it was typed."""

    task: str
    days: float
    as_of: str


def show(desk: Desk, settings: Monitoring, window: Window, *, textfile: str = "") -> Answer:
    """The criteria of success of each task: what is wanted, what is, and the runs it rests on."""
    reports = list(_reports(desk, settings, window))
    if textfile:
        write_textfile(Path(textfile), reports)
    return Answer(sections=tuple(_page(one) for one in reports), data={"tasks": [_data(one) for one in reports]})


def what_if(desk: Desk, settings: Monitoring, window: Window) -> Answer:
    """What the policy would do about the last run of each task now. Nothing is done."""
    _, now = as_window(window.days, window.as_of)
    return previews(desk, settings, _tasks(desk, window.task), now)


def incident_of(desk: Desk, run_id: str, *, task: str) -> Answer:
    """What is told of an incident."""
    with _journal_of(desk, run_id, task) as journal:
        stored = journal.run(run_id, task=task or None)
        sections = incident(journal, stored)
    data = {"run": stored.run, "findings": stored.findings, "sections": sections}
    return Answer(sections=sections, data=data)


@contextmanager
def _journal_of(desk: Desk, run_id: str, task: str) -> Iterator[OpenJournal]:
    """The journal that has a run: tasks may have several databases."""
    trouble: UsageError | None = None
    for name in _tasks(desk, task):
        with desk.journal(name) as journal:
            try:
                journal.run(run_id, task=task or None)
            except UsageError as error:
                trouble = trouble or error
                continue
            yield journal
            return
    raise trouble or UsageError(f"there is no run {printable(run_id)!r}")


def health(desk: Desk, settings: Monitoring, window: Window) -> Answer:
    """Healthy, degraded or unhealthy, in one line a task; the exit status is 0, 1 or 3."""
    reports = list(_reports(desk, settings, window))
    state = worst(reports)
    lines = tuple(": ".join((one.figures.task, "; ".join((one.health, *one.reasons)))) for one in reports)
    tasks = [{"task": one.figures.task, "health": one.health.value, "reasons": one.reasons} for one in reports]
    return Answer(
        sections=(Section(title=state.value, lines=lines),),
        data={"health": state.value, "tasks": tasks},
        exit_status=EXIT_STATUS[state],
    )


def report(context: ReportContext, settings: Monitoring) -> Answer:
    """The criteria of success of a task over the window of a report."""
    days = (context.until - context.since) / timedelta(days=1)
    found = figures(context.journal, context.task, now=context.until, days=days, watched=settings.watched)
    one = judged(found, criteria(found, settings), settings)
    return Answer(sections=(_page(one),), data=_data(one))


def _reports(desk: Desk, settings: Monitoring, window: Window) -> Iterator[Report]:
    _, now = as_window(window.days, window.as_of)
    for name in _tasks(desk, window.task):
        with desk.journal(name) as journal:
            found = figures(journal, name, now=now, days=window.days, watched=settings.watched)
        yield judged(found, criteria(found, settings), settings)


def _tasks(desk: Desk, task: str) -> Sequence[str]:
    if task:
        return (task,)
    if not desk.tasks:
        raise UsageError("the settings have no task to look at", hint="set one up: validate-updates init")
    return desk.tasks


def _page(report: Report) -> Section:
    return Section(
        title=f"{report.figures.task}: {report.health}",
        header=("criterion", "wanted", "is", "verdict"),
        rows=tuple(_row(one) for one in report.criteria),
        lines=(
            _window(report),
            *(f"{one.name}: {one.evidence}" for one in report.criteria),
            *_against(report.criteria),
        ),
    )


def _row(one: Criterion) -> tuple[str, ...]:
    return one.name, one.target, one.actual, one.state.value


def _against(criteria: Sequence[Criterion]) -> Iterator[str]:
    for one in criteria:
        if one.state is State.FAIL and one.runs:
            yield f"{one.name}, see {', '.join(one.runs)}"
        if one.state is State.UNANSWERED:
            yield f"say what they were: validate-updates runs ack {one.runs[0]} --expected|--incident"


def _window(report: Report) -> str:
    """The window in one line."""
    found = report.figures
    number = round(found.days, 2)
    days = counted(int(number), "day") if number == int(number) else f"{number} days"
    return f"{counted(len(found.runs), 'run')} in {days} until {found.now:%Y-%m-%d %H:%M} UTC"


def _data(report: Report) -> dict[str, Any]:
    found = report.figures
    return {
        "task": found.task,
        "as_of": found.now,
        "days": found.days,
        "runs": len(found.runs),
        "health": report.health.value,
        "reasons": report.reasons,
        "criteria": [asdict(one) for one in report.criteria],
    }
