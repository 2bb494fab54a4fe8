"""The gate ``trial``: dry runs, and runs with plugins in shadow, on the real input. Nothing of it decided anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import Struct

from validate_updates import (
    PLUGIN_FAILURES,
    Counts,
    Criterion,
    Desk,
    Finding,
    JudgedRun,
    Mode,
    RunState,
    Severity,
    Verdict,
)
from validate_updates_gates.case import Case
from validate_updates_gates.deciding import judged
from validate_updates_gates.files import from_json, refused
from validate_updates_gates.past import updates
from validate_updates_gates.settings import Gates

_SHOWN: Final = 5
"""Ids of runs that a criterion names."""


class Said(Struct, frozen=True):
    """A finding in a result's JSON, as far as it is needed here."""

    code: str
    severity: Severity


class Result(Struct, frozen=True):
    """The JSON of a run's result, as far as it is needed here."""

    run_id: str
    task: str
    verdict: Verdict
    dry_run: bool
    started_at: datetime
    counts: Counts
    findings: tuple[Said, ...]
    shadow: tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """One of the runs."""

    run_id: str
    failed: bool
    broken: bool
    """A plugin failed in it."""
    lost: bool
    opposed: bool
    """A plugin spoke against it, and nobody has called it an incident."""


def trial(desk: Desk, case: Case, settings: Gates) -> Iterator[Criterion]:
    """Its criteria."""
    dry = list({one.run_id: one for one in _dry(case)}.values())  # a copy of a file is no other run
    shadow = list(_in_shadow(desk, case))
    tries = [*dry, *shadow]
    evidence = f"{len(dry)} dry runs, {len(shadow)} with a plugin in shadow, {case.window}"
    todo = (
        f"validate-updates run {case.task} --dry-run --report json=PATH, then --dry-run PATH;"
        f" or plugins shadow NAME --task {case.task}, and let it run"
    )
    enough = len(tries) >= settings.dry_runs
    yield judged(
        "trial runs",
        f"at least {settings.dry_runs}",
        str(len(tries)),
        met=True if enough else None,
        evidence=evidence,
        todo=todo,
    )

    def counted(name: str, borne: int, against: Iterable[_Try]) -> Criterion:
        runs = tuple(one.run_id for one in against)
        met = False if len(runs) > borne else bool(tries) or None
        return judged(
            name, str(borne), str(len(runs)) if tries else "", met=met, evidence=evidence, todo=todo, runs=runs[:_SHOWN]
        )

    yield counted("failed runs", settings.failed_runs, (one for one in tries if one.failed))
    yield counted("plugin errors", settings.plugin_errors, (one for one in tries if one.broken))
    yield counted("data loss", settings.data_loss, (one for one in tries if one.lost))
    opposed = tuple(one.run_id for one in tries if one.opposed)
    rate = len(opposed) / len(tries) * 100 if tries else 0.0
    yield judged(
        "spoken against",
        f"under {settings.opposed:g} %",
        f"{rate:.1f} %" if tries else "",
        met=rate < settings.opposed or not opposed if enough else None,
        evidence=f"{evidence}: {len(opposed)} of {len(tries)}",
        todo=todo,
        runs=opposed[:_SHOWN],
    )


def _dry(case: Case) -> Iterator[_Try]:
    for path in dict.fromkeys(case.dry_runs):
        found = from_json(path, Result, "the result of a run", made_by="validate-updates run … --report json=PATH")
        if not found.dry_run:
            raise refused(path, "is of a run that was no dry run", hint="the journal has those")
        if found.task != case.task:
            raise refused(path, f"is of another task than {case.task}", hint="--task names the task")
        if case.since <= found.started_at <= case.until:
            yield _Try(
                run_id=found.run_id,
                failed=found.verdict in {Verdict.FAILED, Verdict.INTERRUPTED, Verdict.REFUSED},
                broken=any(one.code in PLUGIN_FAILURES for one in (*found.findings, *found.shadow)),
                lost=not found.counts.add_up,
                opposed=found.verdict is Verdict.REJECTED or _critical(found.shadow),
            )


def _in_shadow(desk: Desk, case: Case) -> Iterator[_Try]:
    with desk.journal(case.task) as journal:
        shadow = [run for run in updates(journal, case) if any(one.mode is Mode.SHADOW for one in run.plugins)]
        yield from map(_of, journal.judged([run.run_id for run in shadow]))


def _of(stored: JudgedRun) -> _Try:
    run = stored.run
    return _Try(
        run_id=run.run_id,
        failed=run.state in {RunState.FAILED, RunState.INTERRUPTED},
        broken=any(one.code in PLUGIN_FAILURES for one in (*stored.findings, *stored.shadow)),
        lost=not stored.accounted_for,
        opposed=run.label != "incident" and _critical(stored.shadow),
    )


def _critical(findings: Iterable[Finding | Said]) -> bool:
    return any(one.severity is Severity.CRITICAL for one in findings)
