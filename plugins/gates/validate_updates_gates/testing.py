"""The gate ``testing``: the tests are green, an update in batches is quick and lands, many at once do not suffer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from validate_updates import Criterion, Desk, RunRow, printable
from validate_updates_gates.benchmarked import Figure, read_benchmarks
from validate_updates_gates.case import Case
from validate_updates_gates.deciding import judged
from validate_updates_gates.junit import Results, read_tests
from validate_updates_gates.past import updates
from validate_updates_gates.settings import Gates

LOAD = "load"
"""Name of the benchmark of many updates at once."""


def testing(desk: Desk, case: Case, settings: Gates) -> Iterator[Criterion]:
    """Its criteria."""
    yield from _tests(read_tests(case.junit), case, settings)
    yield from _trial(desk, case, settings)
    yield from _load(case, settings)


def _tests(tests: Results, case: Case, settings: Gates) -> Iterator[Criterion]:
    known = tests.run > 0 or tests.bad > 0
    evidence = f"{tests.run} tests in {', '.join(printable(path) for path in case.junit) or 'no file'}"
    todo = "run the tests, and name their results: --junit PATH"
    yield judged(
        "tests",
        "0 failed",
        f"{tests.bad} failed" if known else "",
        met=not tests.bad if known else None,
        evidence=_with_names(evidence, tests.named),
        todo=todo,
    )
    yield judged(
        "skipped tests",
        f"at most {settings.skipped_tests} unexplained",
        f"{tests.silent} of {tests.skipped}" if known else "",
        met=tests.silent <= settings.skipped_tests if known else None,
        evidence=_with_names(evidence, tests.silent_named),
        todo=todo,
    )


def _with_names(evidence: str, named: list[str]) -> str:
    return f"{evidence}: {', '.join(named)}" if named else evidence


@dataclass(frozen=True, slots=True)
class _Tried:
    """An update in batches."""

    run: RunRow
    batches: int
    written: int


def _trial(desk: Desk, case: Case, settings: Gates) -> Iterator[Criterion]:
    size = f"{settings.trial_records} records in {settings.trial_batches} batches"
    tried = _tried(desk, case, settings)
    evidence = f"run {tried.run.run_id}, {tried.run.state}" if tried else f"no update of at least {size} {case.window}"
    todo = f"validate-updates run {case.task} --plugins batch, with at least {size}"
    seconds = tried.run.seconds if tried else None
    success = tried.written / tried.batches * 100 if tried else 0.0
    yield judged(
        "trial",
        f"{settings.trial_records} in {settings.trial_batches} batches",
        f"{tried.run.counts.read} in {tried.batches}" if tried else "",
        met=tried.run.state.stands if tried else None,
        evidence=evidence,
        todo=todo,
        runs=(tried.run.run_id,) if tried else (),
    )
    yield judged(
        "trial seconds",
        f"under {settings.trial_seconds:g} s",
        "" if seconds is None else f"{seconds:.2f} s",
        met=None if seconds is None else seconds < settings.trial_seconds,
        evidence=evidence,
        todo=todo,
    )
    yield judged(
        "trial success",
        f"at least {settings.trial_success:g} %",
        f"{success:.1f} %" if tried else "",
        met=success >= settings.trial_success if tried else None,
        evidence=f"{evidence}: {tried.written} of {tried.batches} batches written whole" if tried else evidence,
        todo=todo,
    )


def _tried(desk: Desk, case: Case, settings: Gates) -> _Tried | None:
    """The newest update that is large enough."""
    with desk.journal(case.task) as journal:
        large = [
            run.run_id
            for run in updates(journal, case)
            if run.strategy == "batch" and run.counts.read >= settings.trial_records
        ]
        for one in journal.judged(large):
            planned = round(one.metrics.get("batches.planned", 0))
            if planned >= settings.trial_batches:
                return _Tried(one.run, planned, round(one.metrics.get("batches.succeeded", 0)))
    return None


def _load(case: Case, settings: Gates) -> Iterator[Criterion]:
    size = f"{settings.load_updates} updates of {settings.load_records} records in {settings.load_batches} batches"
    found = [one for one in read_benchmarks(case.benchmarks) if one.benchmark == LOAD]
    figures = [figure for one in found for figure in one.figures if _large(figure, settings)]
    evidence = f"measured {', '.join(one.made_at for one in found)}" if figures else f"no load test of {size}"
    todo = "python -m benchmarks.load --json load.json, then --benchmarks load.json"
    lost, slower, beside = (_worst(figures, name) for name in ("failed", "slowdown", "beside"))
    yield judged(
        "load",
        f"{settings.load_updates} at once, 0 failed",
        f"{sum(lost.values()):g} failed" if lost else "",
        met=not any(lost.values()) if lost else None,
        evidence=evidence,
        todo=todo,
    )
    times = "; beside the others one update takes so many times as long: "
    yield judged(
        "load slowdown",
        f"under {settings.load_slowdown:g} %",
        f"{max(slower.values()):+.1f} %" if slower else "",
        met=max(slower.values()) < settings.load_slowdown if slower else None,
        evidence=f"{evidence}: {_each(slower, '+.1f', ' %')}{times}{_each(beside, '.1f')}" if slower else evidence,
        todo=todo,
    )


def _worst(figures: Iterable[Figure], name: str) -> Mapping[str, float]:
    """Of all that were measured, for each kind of targets."""
    worst: dict[str, float] = {}
    for one in figures:
        if one.name == name:
            targets = printable(one.of["targets"])
            worst[targets] = max(one.value, worst.get(targets, one.value))
    return worst


def _each(numbers: Mapping[str, float], form: str, unit: str = "") -> str:
    return ", ".join(f"{value:{form}}{unit} on {targets}" for targets, value in numbers.items())


def _large(figure: Figure, settings: Gates) -> bool:
    wanted = {
        "records": settings.load_records,
        "batches": settings.load_batches,
        "updates": settings.load_updates,
    }
    sizes = {name: figure.of.get(name, 0) for name in wanted}
    return "targets" in figure.of and all(
        isinstance(size, int | float) and size >= wanted[name] for name, size in sizes.items()
    )
