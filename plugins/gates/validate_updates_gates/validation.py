"""The gate ``validation``: the detector finds what it should, seldom cries wolf, is quick, and has enough past."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct

from validate_updates import Criterion, Desk
from validate_updates_gates.benchmarked import read_benchmarks
from validate_updates_gates.case import Case
from validate_updates_gates.deciding import judged
from validate_updates_gates.files import from_json
from validate_updates_gates.past import MOST_RUNS, updates
from validate_updates_gates.settings import Gates

DETECTOR: Final = "historical"
"""The plugin whose decisions are timed, and the benchmark of the same name."""
COLD: Final = "decision, cold"
_DAY: Final = 86_400
_COUNT = Annotated[int, Meta(ge=0)]


class Tally(Struct, frozen=True):
    """How many of how many."""

    hits: _COUNT
    of: _COUNT

    def __post_init__(self) -> None:
        if self.hits > self.of:
            raise ValueError(f"{self.hits} of {self.of}")


class Evaluation(Struct, frozen=True):
    """What was found."""

    far: Tally
    false_alarms: Tally


class Evaluated(Struct, frozen=True):
    """What ``evaluate --format json`` says, as far as it is needed here."""

    detector: str
    seed: int
    evaluation: Evaluation


def validation(desk: Desk, case: Case, settings: Gates) -> Iterator[Criterion]:
    """Its criteria."""
    yield from _found(case, settings)
    yield _decision(desk, case, settings)
    yield _history(desk, case, settings)


def _found(case: Case, settings: Gates) -> Iterator[Criterion]:
    found = [_evaluated(path) for path in case.evaluation]
    todo = "validate-updates evaluate --format json > evaluation.json, then --evaluation evaluation.json"
    evidence = ", ".join(f"{one.detector}, seed {one.seed}" for one in found) or "no evaluation"
    far, wrong = (_summed(one.evaluation.far for one in found), _summed(one.evaluation.false_alarms for one in found))
    yield judged(
        "detection",
        f"at least {settings.detection:g} %",
        _percent(far),
        met=far.hits * 100 >= settings.detection * far.of if far.of else None,
        evidence=f"{evidence}: {far.hits} of {far.of} anomalies far outside",
        todo=todo,
    )
    yield judged(
        "false alarms",
        f"under {settings.false_alarms:g} %",
        _percent(wrong),
        met=wrong.hits * 100 < settings.false_alarms * wrong.of if wrong.of else None,
        evidence=f"{evidence}: {wrong.hits} of {wrong.of} good runs",
        todo=todo,
    )


def _evaluated(path: Path) -> Evaluated:
    made_by = "validate-updates evaluate --format json"
    return from_json(path, Evaluated, "an evaluation of a detector", made_by=made_by)


def _summed(tallies: Iterator[Tally]) -> Tally:
    every = list(tallies)
    return Tally(sum(one.hits for one in every), sum(one.of for one in every))


def _percent(tally: Tally) -> str:
    return f"{tally.hits / tally.of * 100:.1f} %" if tally.of else ""


def _decision(desk: Desk, case: Case, settings: Gates) -> Criterion:
    """The slowest that was measured: by the benchmark, else in the updates of the window."""
    measured = [one for one in read_benchmarks(case.benchmarks) if one.benchmark == DETECTOR]
    times = [figure for one in measured for figure in one.figures if figure.name == COLD and figure.unit == "ms"]
    milliseconds: float | None
    if times:
        slowest = max(times, key=lambda figure: figure.value)
        of = ", ".join(f"{number:,} {what}" for what, number in slowest.of.items())
        milliseconds, evidence = slowest.value, f"{of}, measured {', '.join(one.made_at for one in measured)}"
    else:
        taken = list(_taken(desk, case))
        milliseconds = max(taken, default=None)
        evidence = f"the slowest of {len(taken)} runs with {DETECTOR} {case.window}"
    return judged(
        "decision",
        f"under {settings.decision_ms:g} ms",
        "" if milliseconds is None else f"{milliseconds:,.0f} ms",
        met=None if milliseconds is None else milliseconds < settings.decision_ms,
        evidence=evidence,
        todo="python -m benchmarks.historical --json historical.json, then --benchmarks historical.json",
    )


def _taken(desk: Desk, case: Case) -> Iterator[float]:
    """Milliseconds that the checks of the detector took in each update."""
    with desk.journal(case.task) as journal:
        asked = [run.run_id for run in updates(journal, case) if any(one.name == DETECTOR for one in run.plugins)]
        for run in journal.judged(asked):
            yield sum(one.seconds for one in run.judged if one.plugin == DETECTOR) * 1000


def _history(desk: Desk, case: Case, settings: Gates) -> Criterion:
    with desk.journal(case.task) as journal:
        runs = journal.history(case.task).runs(MOST_RUNS)
    past = [run.started_at for run in runs if run.started_at <= case.until]
    begin = min(past, default=None)
    days = (case.until - begin).total_seconds() / _DAY if begin else 0.0
    return judged(
        "history",
        f"at least {settings.history_days:g} days",
        f"{days:.1f} days",
        met=True if days >= settings.history_days else None,
        evidence=f"{len(past)} runs since {begin:%Y-%m-%d}" if begin else "no run that stood",
        todo="bring the past in: validate-updates history import FILE, or history backfill; or wait",
    )
