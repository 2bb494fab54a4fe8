"""Why a run passed or raised an alert: each of its numbers beside what the runs before it made to be expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from validate_updates import EarlierRun, Finding, History, Section, spark
from validate_updates_historical.history_of import Foretold, Values, foretold, past_of, watched_of
from validate_updates_historical.seasons import seasons
from validate_updates_historical.section import drawing
from validate_updates_historical.settings import Historical
from validate_updates_historical.telling import LINE, UNUSUAL, expected, number, told

ALL = 100_000
"""More runs than any task has: one of long ago is judged by those before it."""

Ranges = Mapping[str, tuple[float, float]]
Explainer = Callable[[History, EarlierRun, Values], Section]
Thresholds = Callable[[History, datetime], Section]


def explainer(settings: Historical) -> Explainer:
    """A function of a task's history, a run and its metrics: how it is judged, knowing what is known now."""

    def explain(history: History, run: EarlierRun, metrics: Values) -> Section:
        past = past_of(history, settings, limit=ALL)
        known = foretold(past, run.started_at, settings, seasons(settings.calendar))
        values = past.complete(watched_of(metrics, settings), run.counts.read)
        ranges = known.ranges()
        alerts = sorted(known.judge(values).alerts, key=lambda alert: -alert.signals[0].strength)
        found = {alert.metric: told(alert, known, run_id=run.run_id) for alert in alerts}
        worst = next((finding for finding in found.values() if finding.code == UNUSUAL), None)
        return Section(
            title=f"Run {run.run_id} beside the runs before it",
            header=("metric", "the latest runs", "this one", "expected", "runs", ""),
            rows=tuple(
                _row(known, ranges, name, values[name], found.get(name))
                for name in sorted(values, key=lambda name: (name not in found, name))
            ),
            drawing=drawing(worst) if worst else (),
            lines=(
                *_basis(known),
                *(line for name, finding in found.items() for line in _reasons(known, finding, values[name])),
            ),
        )

    return explain


def thresholds(settings: Historical) -> Thresholds:
    """A function of a task's history and a moment: what is expected of a run then."""

    def show(history: History, at: datetime) -> Section:
        known = foretold(past_of(history, settings), at, settings, seasons(settings.calendar))
        ranges = known.ranges()
        return Section(
            title=f"Expected of a run at {at:%Y-%m-%d %H:%M} UTC",
            header=("metric", "the latest runs", "last", "expected", "runs"),
            rows=tuple(_foretold(known, name, ranges[name]) for name in sorted(ranges)),
            lines=_basis(known),
        )

    return show


def _row(known: Foretold, ranges: Ranges, name: str, value: float, finding: Finding | None) -> tuple[str, ...]:
    past = [number for _, number in known.series(name)]
    line = spark([*reversed(past[:LINE]), value])
    if name not in ranges:
        return (name, line, number(value), "", str(len(past)), "too few runs to tell")
    low, high = ranges[name]
    said = "as expected"
    if finding is not None:
        said = "unusual" if finding.code == UNUSUAL else "unusual, and expected"
    return (name, line, number(value), expected(name, low, high, past), str(len(past)), said)


def _foretold(known: Foretold, name: str, usual: tuple[float, float]) -> tuple[str, ...]:
    past = [value for _, value in known.series(name)]
    return (name, spark(past[:LINE][::-1]), number(past[0]), expected(name, *usual, past), str(len(past)))


def _basis(known: Foretold) -> tuple[str, ...]:
    """What the judgement rests on."""
    runs = known.examples[: known.settings.window]
    season = f" of the period {known.season}" if known.season else ""
    if not runs:
        return (f"there is no earlier run{season} to compare with",)
    labels = sum(run.label is not None for run in runs)
    labelled = f", {labels} of them labelled as expected" if labels else ""
    phase = known.judge({})
    return (
        f"{phase.phase.value}: {phase.runs} runs{season}, {phase.wanted} are needed for an alert to count",
        f"from {_named(runs[-1])} to {_named(runs[0])}{labelled}",
    )


def _named(run: EarlierRun) -> str:
    return f"{run.run_id} ({run.started_at:%Y-%m-%d})"


def _reasons(known: Foretold, finding: Finding, value: float) -> Iterator[str]:
    yield finding.message
    yield from (f"  also {said}" for said in finding.samples[2:])
    yield f"  {_signals(known, finding.metric or '', value)}"
    if finding.hint:
        yield f"  {finding.hint}"


def _signals(known: Foretold, metric: str, value: float) -> str:
    """What the signals say that people know from elsewhere; they decide nothing."""
    from validate_updates_historical.signals.opinions import opinions

    earlier = known.series(metric)[::-1]
    readings = opinions([run.started_at for run, _ in earlier], [number for _, number in earlier], known.at, value)
    loud = [
        f"{one.name.replace('_', ' ')} {one.statistic:+.3g} (limit {one.limit:.3g})" for one in readings if one.speaks
    ]
    return f"of the usual signals speak: {', '.join(loud) or 'none'}"
