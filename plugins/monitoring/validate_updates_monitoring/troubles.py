"""What is wrong with a run, or with a plugin that took part in it, as the journal has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from validate_updates import JudgedRun, Mode, Moment, RunRow, RunState
from validate_updates_monitoring.figures import DAYS_TO_COMPARE, MOST_RUNS, pace, timed
from validate_updates_monitoring.settings import Monitoring
from validate_updates_monitoring.severity import Level, of_batches, of_false_alarms, of_slowdown

if TYPE_CHECKING:
    from validate_updates import JournalView

PLUGIN: Final = "monitoring"
_CHECK_FAILED: Final = "validator_failed"
_FOUND_DEAD: Final = "earlier_run_interrupted"
_DEFECT: Final = "run_failed.Defect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong."""

    level: Level
    what: str
    evidence: str
    run: RunRow
    """The run that it is about, or in which it was found out."""
    at_fault: tuple[str, ...] = ()
    """Plugins."""
    spoilt: bool = False
    """Whether what the run wrote is not to be relied on: only then is it taken back."""
    lasting: bool = False
    """Whether it is about many runs, and so would be found after each."""

    @property
    def name(self) -> str:
        """By which it is known again."""
        return ":".join((self.what, *self.at_fault, str(int(self.level))))


def enforced(run: RunRow) -> tuple[str, ...]:
    """The plugins that decided about a run."""
    return tuple(one.name for one in run.plugins if one.mode is Mode.ENFORCE)


def troubles(journal: JournalView, one: JudgedRun, settings: Monitoring, since: Mapping[str, int]) -> Sequence[Trouble]:
    """Everything that is wrong after a run, the worst first.

    ``since``: plugin -> number of the run after which it was last switched off; what was before is dealt with.
    """
    found = [*_of_run(one, settings), *_found_dead(journal, one), *_of_plugins(journal, one.run, settings, since)]
    return sorted(found, key=lambda trouble: trouble.level)


# The run itself


def _of_run(one: JudgedRun, settings: Monitoring) -> Iterator[Trouble]:
    run = one.run
    if not one.accounted_for:
        yield Trouble(level=Level.ONE, what="data loss", evidence=_lost(run), run=run, spoilt=True)
    for finding in one.findings:
        if finding.code in settings.severity_1.corruption:
            yield Trouble(level=Level.ONE, what="corruption", evidence=finding.message, run=run, spoilt=True)
        elif finding.code == _CHECK_FAILED:
            at_fault = (finding.plugin,) if finding.plugin else ()
            yield Trouble(level=Level.ONE, what="check failed", evidence=finding.message, run=run, at_fault=at_fault)
    if run.error_code == _DEFECT:
        yield Trouble(level=Level.ONE, what="crash", evidence=run.reason, run=run)
    yield from _batches(one, settings)


def _lost(run: RunRow) -> str:
    counts = run.counts
    if not counts.add_up:
        return f"{counts.read} records read, and {counts.parts} accounted for"
    change = f"{counts.inserted} added and {counts.deleted} deleted"
    return f"{run.table} had {run.rows_before} rows and has {run.rows_after}, though {change}"


def _batches(one: JudgedRun, settings: Monitoring) -> Iterator[Trouble]:
    failed, planned = (one.metrics.get(f"batches.{name}", 0.0) for name in ("failed", "planned"))
    level = of_batches(failed, planned, settings)
    if level is not None:
        judging = {check.plugin for check in one.judged if check.moment == Moment.BATCH and check.findings}
        applying = [name for name in enforced(one.run) if name == one.run.strategy]
        yield Trouble(
            level=level,
            what="batches failed",
            evidence=f"{failed:.0f} of {planned:.0f} ({_percent(failed, planned)})",
            run=one.run,
            at_fault=tuple(sorted(judging.intersection(enforced(one.run))) or applying),
            spoilt=True,
        )


def _found_dead(journal: JournalView, one: JudgedRun) -> Iterator[Trouble]:
    """Runs whose process ended without a word, perhaps of another task: what is done is done about that."""
    ids = [run_id for finding in one.findings if finding.code == _FOUND_DEAD for run_id in finding.runs]
    for dead in journal.judged(ids):
        evidence = f"run {dead.run.run_id} of {dead.run.task} ended without a word"
        yield Trouble(level=Level.ONE, what="interrupted run", evidence=evidence, run=dead.run)


# Its plugins, over many runs


def _of_plugins(journal: JournalView, run: RunRow, settings: Monitoring, since: Mapping[str, int]) -> Iterator[Trouble]:
    longest = max(DAYS_TO_COMPARE, settings.severity_days)
    earlier = [
        one
        for one in journal.runs(
            task=run.task, since=run.started_at - timedelta(days=longest), until=run.started_at, limit=MOST_RUNS
        )
        if one.run_no <= run.run_no and one.is_ended_update
    ]
    begin = run.started_at - timedelta(days=settings.severity_days)
    window = [one for one in earlier if one.started_at >= begin]
    expected = journal.judged([one.run_id for one in window if one.label == "expected"])
    for plugin in enforced(run):
        mine = [one for one in window if one.run_no > since.get(plugin, 0) and plugin in enforced(one)]
        yield from _false_alarms(plugin, mine, expected, settings)
        if plugin in settings.watched:
            without = [one for one in earlier if all(info.name != plugin for info in one.plugins)]
            yield from _slowdown(plugin, mine, without, settings)


def _false_alarms(
    plugin: str, mine: Sequence[RunRow], expected: Sequence[JudgedRun], settings: Monitoring
) -> Iterator[Trouble]:
    """In the runs whose checks were asked to the end."""
    judged = {one.run_id for one in mine if one.state in _JUDGED}
    false = [
        one for one in expected if one.run.run_id in judged and any(said.plugin == plugin for said in one.warnings)
    ]
    level = of_false_alarms(len(false), len(judged), settings)
    if level is not None:
        yield Trouble(
            level=level,
            what="false alarms",
            evidence=f"of {plugin} in {len(false)} of {len(judged)} runs ({_percent(len(false), len(judged))})",
            run=mine[0],
            at_fault=(plugin,),
            lasting=True,
        )


_JUDGED: Final = {RunState.COMMITTED, RunState.COMMITTED_WITH_QUARANTINE, RunState.REJECTED, RunState.ROLLED_BACK}


def _slowdown(plugin: str, mine: Sequence[RunRow], others: Iterable[RunRow], settings: Monitoring) -> Iterator[Trouble]:
    having, lacking = timed(mine), timed(others)
    if min(len(having), len(lacking)) < settings.least_runs:
        return
    found = pace(having, lacking)
    level = of_slowdown(found.now, found.before, settings)
    if level is not None:
        runs = f"{len(having)} runs with {plugin}, {len(lacking)} without"
        yield Trouble(
            level=level,
            what="slowdown",
            evidence=f"{found.words} ({_percent(found.now - found.before, found.before)} more); {runs}",
            run=mine[0],
            at_fault=(plugin,),
            lasting=True,
        )


def _percent(part: float, whole: float) -> str:
    return f"{part * 100 / whole:.1f} %" if whole else "all"
