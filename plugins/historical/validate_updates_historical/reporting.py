"""What reports show of the past: the main metrics over time, with what was expected of each run and what was said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from validate_updates import Answer, Chart, ChartPoint, ChartRange, EarlierRun, ReportContext, Section, Severity, spark
from validate_updates_historical.history_of import Foretold, Past, foretold, past_of
from validate_updates_historical.seasons import seasons
from validate_updates_historical.settings import Historical
from validate_updates_historical.telling import LINE, expected, number

LEAST_RUNS, MOST_RUNS = 30, 60
"""That a chart shows: those of the window, and never fewer or more than this."""
METRICS: Final = 8
MAIN: Final = ("records.read", "records.inserted", "records.updated", "records.quarantined", "duration")
"""Shown after those with an alert."""

Said = Mapping[str, Mapping[str, str]]
"""Run id -> metric -> the alert."""


def charts(context: ReportContext, settings: Historical) -> Answer:
    """The metrics of the latest runs up to the end of the window; nothing where there are none."""
    past = past_of(context.journal.history(context.task), settings, limit=settings.window + MOST_RUNS)
    ended = [run for run in past.runs if run.started_at <= context.until]
    shown = ended[: min(max(len(context.runs), LEAST_RUNS), MOST_RUNS)][::-1]
    said = _said(context, [run.run_id for run in shown])
    metrics = _chosen(past, shown, said)
    if not metrics:
        return Answer(sections=())
    calendar = seasons(settings.calendar)
    known = {run.run_id: foretold(past, run.started_at, settings, calendar) for run in shown}
    drawn = tuple(Chart(metric, tuple(_points(metric, shown, past, known, said))) for metric in metrics)
    section = Section(
        title="The numbers, and what was expected of them",
        header=("metric", "the latest runs", "last", "expected", "alerts"),
        rows=tuple(map(_row, drawn)),
        charts=drawn,
    )
    return Answer(sections=(section,))


def _said(context: ReportContext, run_ids: Sequence[str]) -> Said:
    found: dict[str, dict[str, str]] = {}
    for one in context.journal.judged(run_ids):
        for finding in one.findings:
            if finding.metric and finding.severity is not Severity.INFO:
                found.setdefault(one.run.run_id, {}).setdefault(finding.metric, finding.message)
    return found


def _chosen(past: Past, shown: Sequence[EarlierRun], said: Said) -> list[str]:
    """Metrics with an alert, then the main ones; none that was never anything but 0."""
    told = [metric for run in shown for metric in said.get(run.run_id, {})]
    there = {metric for run in shown for metric, value in past.of(run).items() if value}
    return [metric for metric in dict.fromkeys((*told, *MAIN)) if metric in there][:METRICS]


def _points(
    metric: str, shown: Sequence[EarlierRun], past: Past, known: Mapping[str, Foretold], said: Said
) -> Iterator[ChartPoint]:
    never_below_0 = all(values.get(metric, 0.0) >= 0 for values in past.values.values())
    least = 0.0 if never_below_0 else -math.inf
    for run in shown:
        value = past.of(run).get(metric)
        if value is not None:
            label = run.label or ("" if run.stood else run.state)
            alert = said.get(run.run_id, {}).get(metric, "")
            yield ChartPoint(run.started_at, value, _range(known[run.run_id], metric, least), alert, label)


def _range(known: Foretold, metric: str, least: float) -> ChartRange | None:
    usual = known.ranges().get(metric)
    if usual is None:
        return None
    return ChartRange(*(max(end, least) for end in (usual[0], known.middles()[metric], usual[1])))


def _row(chart: Chart) -> tuple[str, ...]:
    values = [point.value for point in chart.points]
    last = chart.points[-1]
    usual = expected(chart.metric, last.range.low, last.range.high, values[:-1]) if last.range else ""
    alerts = sum(bool(point.alert) for point in chart.points)
    return (chart.metric, spark(values[-LINE:]), number(last.value), usual, str(alerts) if alerts else "")
