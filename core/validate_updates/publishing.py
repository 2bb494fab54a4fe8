"""The run as its application sees it: records and judges, quarantine, the ledger, and publishing in groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates import reckoning, signals
from validate_updates.application import UpdateRefused
from validate_updates.committing import RUN_AGAIN, check_deferred, commit
from validate_updates.declarations import Moment
from validate_updates.errors import TargetError
from validate_updates.guard import VALIDATOR_FAILED
from validate_updates.journal.rows import RunState
from validate_updates.result import Publish
from validate_updates.targets.plan import OF_DELETIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from validate_updates.context import BatchInfo
    from validate_updates.findings import Finding
    from validate_updates.result import KeptOut
    from validate_updates.underway import UnderWay

_LEDGER_ROWS = 500
"""Batches entered into the ledger by one statement."""


class PublishingRun:
    """What :class:`~validate_updates.applying.PlanApplication` asks of the run that it is a part of."""

    def __init__(self, run: UnderWay) -> None:
        self._run = run

    @property
    def read(self) -> int:
        """Records of the source."""
        return self._run.staged().read

    @property
    def kept_out(self) -> int:
        """Records kept out so far."""
        return self._run.staged().kept_out

    @property
    def judges_batches(self) -> bool:
        """Whether any validator looks at batches."""
        return any(owned.item.moment is Moment.BATCH for owned in self._run.plugins.validators)

    @property
    def undoable(self) -> bool:
        """Whether the undo log is kept, or would be but for the dry run."""
        return self._run.job.undo_retention_days > 0

    def judge_batch(self, batch: BatchInfo) -> Sequence[Finding]:
        """Ask the validators of the moment ``batch``; one that failed refuses the update, and blames no record."""
        if not self.judges_batches:
            return ()
        findings = self._run.judges.ask(Moment.BATCH, replace(self._run.context(Moment.BATCH), batch=batch))
        broken = [finding for finding in findings if finding.code == VALIDATOR_FAILED]
        if broken:
            raise UpdateRefused(broken)
        return findings

    def keep_out(self, entries: Iterable[KeptOut]) -> None:
        """Put staged records into quarantine."""
        self._run.staged().keep_out_staged(entries)

    def describe(self, batch: BatchInfo, reason: Finding) -> Iterable[KeptOut]:
        """The records of a batch as quarantine entries."""
        run = self._run
        return run.staged().describe(run.planned(), batch, reason)

    def place_of(self, position: int) -> str:
        """Where the record at a position came from."""
        run = self._run
        plan = run.planned()
        query = sa.select(plan.seq).select_from(plan.records)
        of_record = query.where(plan.table.c.pos == position, plan.table.c.action.not_in(OF_DELETIONS))
        seq = run.connection.execute(of_record).scalar()
        return str(run.source.place(seq)) if run.source and seq is not None else "not in the source"

    def note(self, finding: Finding) -> None:
        """Keep a finding for the result."""
        self._run.judges.keep([finding])

    def settled(self, position: int) -> None:
        """The plan is done up to this position."""
        run = self._run
        run.progress.advance(position, run.planned().positions)
        if run.applying().ledger.waiting >= _LEDGER_ROWS:
            enter_batches(run)

    def publish(self) -> bool:
        """Commit what is settled, and begin anew; whether other programs may have changed the table in between."""
        run = self._run
        if run.job.dry_run:
            return False
        check_deferred(run)
        ledger = run.applying().ledger
        counts = reckoning.so_far(run.result.counts, ledger, run.published.counts, self.kept_out)
        enter_batches(run)
        _enter_batches_for_now(run)
        run.chronicle.enter_kept_out(run.staged())
        run.chronicle.publish(counts, run.target.key)
        expected = run.database.state_left(run.connection) if run.alone else None
        answered = commit(run, RunState.RUNNING, counts)
        run.result = replace(run.result, publish=Publish.PROGRESSIVE)
        run.visible, run.visible_entries = counts, len(run.staged().entries)
        if not answered:
            raise TargetError("the connection was lost during a commit, which stood", hint=RUN_AGAIN)
        signals.check()
        run.begin_group()
        others = expected is None or expected != run.database.state(run.connection)
        run.alone = run.alone and not others
        return others


def enter_batches(run: UnderWay) -> None:
    """Enter into the journal what has been settled since the last time."""
    ledger = run.applying().ledger
    settled = ledger.take()
    run.chronicle.enter_batches(settled, run.planned(), replacing=ledger.replaces(settled))


def _enter_batches_for_now(run: UnderWay) -> None:
    ledger = run.applying().ledger
    standing = ledger.take_for_now()
    replacing = ledger.replaces(standing, for_now=True)
    run.chronicle.enter_batches(standing, run.planned(), replacing=replacing)
