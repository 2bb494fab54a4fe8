"""What an update comes to: it stands, or is rolled back; either way it is told in the result and in the journal."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from validate_updates import reckoning, remarks
from validate_updates.committing import commit
from validate_updates.errors import TargetError
from validate_updates.feeding import keep_watermark
from validate_updates.journal.rows import RunState
from validate_updates.publishing import enter_batches
from validate_updates.quarantine.closing import close_older
from validate_updates.rejected import Rejected, because
from validate_updates.result import Verdict
from validate_updates.summing_up import next_steps, reason_for, sections_of
from validate_updates.text import counted

if TYPE_CHECKING:
    from validate_updates.intake import Intake
    from validate_updates.result import Counts, RunResult
    from validate_updates.targets.plan import Plan
    from validate_updates.underway import UnderWay
    from validate_updates.undo.result import RollbackResult


def weigh(run: UnderWay) -> None:
    """Where the job fails on warnings, they decide like critical findings, before the commit."""
    worst = run.job.fail_on.rank
    deciding = [finding for finding in run.judges.findings if finding.severity.rank >= worst]
    if deciding:
        raise Rejected(because(deciding))


def stand(run: UnderWay) -> None:
    """Everything agrees: enter the outcome in the same transaction, and commit both."""
    verdict = Verdict.COMMITTED_WITH_QUARANTINE if run.result.counts.quarantined else Verdict.COMMITTED
    keep_watermark(run)
    _conclude(run, verdict, "")
    if run.job.dry_run:
        run.transaction().rollback()
        return
    enter_batches(run)
    _write_down(run, run.planned())
    run.chronicle.expire_undo()
    commit(run, RunState(run.result.verdict), run.result.counts)


def fail(run: UnderWay, message: str, hint: str, code: str) -> None:
    """Something stood in the way: roll back, and tell what."""
    run.judges.findings.append(remarks.failed(message, hint, code))
    roll_back(run, Verdict.FAILED, message)


def roll_back(run: UnderWay, verdict: Verdict, reason: str) -> None:
    """The update does not stand; what others can see of it already is taken back, or told."""
    run.database.abandon(run.connection)
    run.chronicle.forget_kept_out(run.visible_entries)
    if run.visible is None:
        counts = reckoning.rolled_back(run.result.counts, run.intake)
        run.result = replace(run.result, counts=counts, rows_after=run.result.rows_before)
    else:
        verdict = _settle_published(run, verdict, run.visible)
    _conclude(run, verdict, reason)
    if run.job.dry_run:
        return
    try:
        with run.database.transaction(run.connection):
            _write_down(run, None)
    except run.database.errors as error:
        # The update is rolled back either way; the next run marks this one interrupted.
        unwritten = remarks.not_written_down(run.database.trouble(error, run.connection))
        run.result = replace(run.result, findings=(*run.result.findings, unwritten))


def _settle_published(run: UnderWay, verdict: Verdict, visible: Counts) -> Verdict:
    """What others can see is taken back where the verdict is against it; else it stands, and the run says so."""
    if verdict is Verdict.REJECTED and _taken_back(run):
        counts = reckoning.rolled_back(visible, run.intake)
        run.result = replace(run.result, counts=counts, rows_after=run.result.rows_before)
        return verdict
    if run.intake:
        run.intake.forget(entries=run.visible_entries, kept_out=visible.quarantined)
    run.judges.keep([remarks.stands_in_part(visible, run.info.run_id)])
    run.result = replace(run.result, counts=visible, rows_after=None)
    return Verdict.FAILED if verdict is Verdict.REJECTED else verdict


def _taken_back(run: UnderWay) -> bool:
    from validate_updates.undo.rollback import Rollback, take_back

    if run.chronicle.journal is None:
        raise AssertionError("a dry run publishes nothing")
    wanted = Rollback(target=run.job.target, run=run.info.run_id, schema=run.job.schema)
    troubles: tuple[type[Exception], ...] = (TargetError, *run.database.errors)
    try:
        left = take_back(wanted, run.database, run.connection, run.chronicle.journal.tables, run.chronicle.fence)
    except troubles as error:
        run.database.abandon(run.connection)
        run.judges.keep([remarks.not_taken_back(run.info.run_id, type(error).__name__)])
        return False
    if left:
        run.judges.keep([remarks.left_by_others(run.info.run_id, left)])
    return True


def _conclude(run: UnderWay, verdict: Verdict, reason: str) -> None:
    if run.intake:
        run.judges.keep(run.intake.overflow())
    run.result = replace(
        run.result,
        verdict=verdict,
        findings=tuple(sorted((*run.judges.findings, *run.early), key=lambda finding: -finding.severity.rank)),
        shadow=tuple(sorted(run.judges.shadow, key=lambda finding: -finding.severity.rank)),
        judged=tuple(run.judges.judged),
        metrics=run.judges.all_metrics,
        kept_out=run.intake.sample if run.intake else (),
        troubled_batches=tuple(run.application.ledger.troubled) if run.application else (),
        timings=tuple(run.timings),
        seconds=monotonic() - run.started,
    )
    run.result = replace(run.result, reason=reason or reason_for(run.result))


def _write_down(run: UnderWay, plan: Plan | None) -> None:
    """``plan`` is None where the update does not stand."""
    if run.intake:
        run.chronicle.enter_kept_out(run.intake)
        _close_older(run, run.intake, plan)
    run.chronicle.finish(run.result)


def _close_older(run: UnderWay, intake: Intake, plan: Plan | None) -> None:
    if run.chronicle.journal:
        close_older(
            run.connection,
            run.chronicle.journal.tables,
            run.database,
            run_id=run.info.run_id,
            table=run.chronicle.table,
            target=run.target,
            kept_out=intake.entries,
            plan=plan,
            replay=run.job.replay,
        )


def taken_back(result: RunResult, rollback: RollbackResult) -> RunResult:
    """What an update comes to that stood, and was taken back before anybody was told, since a plugin asked for it."""
    left = f", but for {counted(rollback.conflicts, 'row')}" if rollback.conflicts else ""
    return replace(
        result,
        verdict=Verdict.ROLLED_BACK,
        reason=f"it was committed, and taken back by run {rollback.run_id}{left}",
        counts=result.counts.taken_back,
        rows_after=None,
        rows_left=rollback.conflicts,
    )


def summed_up(run: UnderWay) -> RunResult:
    """The result as it is handed over, with what plugins add and what to do next."""
    sections, findings = sections_of(run.plugins, run.result)
    result = replace(
        run.result,
        sections=sections,
        findings=(*run.result.findings, *findings),
        timings=tuple(run.timings),
    )
    return replace(result, next_steps=next_steps(result, run.job))
