"""What a strategy holds while it applies a plan: batches behind checkpoints, and who is to blame when one fails."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from validate_updates import signals
from validate_updates.application import RecordRefused
from validate_updates.context import BatchInfo
from validate_updates.findings import Finding, Severity
from validate_updates.keeping_out import REFUSED
from validate_updates.ledger import KEYS, Ledger
from validate_updates.targets.savepoint import savepoint
from validate_updates.targets.trouble import Blame, Trouble, world_error
from validate_updates.writing import IGNORED, NotWritten

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.application import Batch
    from validate_updates.result import Counts, KeptOut
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan
    from validate_updates.writing import Writing

_ATTEMPTS = 3
"""How often a write is tried that other programs stand in the way of."""
_FEW = 5
"""Batches of which one is found sooner by trying each than by halving."""


class Run(Protocol):
    """What the application asks of the run that it is a part of."""

    @property
    def read(self) -> int:
        """Records of the source."""
        ...

    @property
    def kept_out(self) -> int:
        """Records kept out so far."""
        ...

    @property
    def judges_batches(self) -> bool:
        """Whether any validator looks at batches."""
        ...

    @property
    def undoable(self) -> bool:
        """Whether the undo log is kept, or would be but for the dry run."""
        ...

    def judge_batch(self, batch: BatchInfo) -> Sequence[Finding]:
        """Ask the validators of the moment ``batch``."""
        ...

    def keep_out(self, entries: Iterable[KeptOut]) -> None:
        """Put staged records into quarantine."""
        ...

    def describe(self, batch: BatchInfo, reason: Finding) -> Iterable[KeptOut]:
        """The records of a batch as quarantine entries."""
        ...

    def place_of(self, position: int) -> str:
        """Where the record at a position came from."""
        ...

    def note(self, finding: Finding) -> None:
        """Keep a finding for the result."""
        ...

    def settled(self, position: int) -> None:
        """The plan is done up to this position."""
        ...

    def publish(self) -> bool:
        """Commit, and begin anew. Whether others may have changed the table in between."""
        ...


class PlanApplication:
    """The :class:`~validate_updates.application.Application` of one run."""

    def __init__(self, run: Run, database: Database, connection: sa.Connection, plan: Plan, writing: Writing) -> None:
        self.run = run
        self.database = database
        self.connection = connection
        self.plan = plan
        self.ledger = Ledger()
        self._writing = writing
        self._checkpoints = True
        self._may_be_stale = False
        self.first_number = 1
        """Number of the first batch; higher where an earlier attempt of this run has published some."""

    @property
    def size(self) -> int:
        """Positions in the plan."""
        return self.plan.positions

    @property
    def read(self) -> int:
        """Records of the source."""
        return self.run.read

    @property
    def kept_out(self) -> int:
        """Records kept out so far."""
        return self.run.kept_out

    @property
    def failed(self) -> int:
        """Batches settled of which records were kept out and nothing was written."""
        return self.ledger.failed

    @property
    def judges_batches(self) -> bool:
        """Whether any validator looks at batches."""
        return self.run.judges_batches

    @property
    def undoable(self) -> bool:
        """Whether the undo log is kept."""
        return self.run.undoable

    def can_checkpoint(self) -> bool:
        """Whether the database makes checkpoints; asked for by making one."""
        try:
            with savepoint(self.connection, keep=False):
                pass
        except self.database.errors as error:
            trouble = self.database.trouble(error, self.connection)
            if not trouble.transaction_alive:
                raise world_error(trouble) from error
            self._checkpoints = False
        return self._checkpoints

    def batch(self, first: int = 1, last: int | None = None, number: int | None = None) -> PlanBatch:
        """The positions ``first`` to ``last`` (the end unless given) as one batch."""
        return PlanBatch(
            self,
            BatchInfo(
                number=self.first_number if number is None else number,
                first=first,
                last=self.size if last is None else last,
            ),
        )

    def batches(self, size: int) -> Iterator[PlanBatch]:
        """The whole plan in batches of ``size`` positions."""
        for number, first in enumerate(range(1, self.size + 1, size), self.first_number):
            yield self.batch(first, min(first + size - 1, self.size), number)

    def write(self, batches: Sequence[Batch]) -> tuple[int, RecordRefused | None]:
        """Write batches that follow each other until one is refused: how many were written, and why the next was not.

        As many as the database likes are written by one statement. Those that are refused are halved, and few are
        written one by one, until the batch that is to blame stands alone.
        """
        infos = [batch.info for batch in batches]
        for start in range(0, len(infos), self.database.batches_together):
            together = infos[start : start + self.database.batches_together]
            count, refusal = self._write_together(together)
            if refusal is not None:
                return start + count, refusal
        return len(infos), None

    def _write_together(self, infos: Sequence[BatchInfo]) -> tuple[int, RecordRefused | None]:
        try:
            self.write_ranges(infos)
        except RecordRefused as refused:
            if len(infos) == 1:
                return 0, refused
        else:
            return len(infos), None
        half = len(infos) // 2
        parts = [infos[:half], infos[half:]] if len(infos) > _FEW else [[info] for info in infos]
        written = 0
        for part in parts:
            count, refusal = self._write_together(part)
            written += count
            if refusal is not None:
                return written, refusal
        return written, None

    def circles(self, batches: Sequence[Batch]) -> Sequence[Sequence[Batch]]:
        """Of batches that were refused, those that need each other, circle by circle."""
        from validate_updates.circles import circles

        by_info = {batch.info: batch for batch in batches}
        found = circles(self.plan, self.connection, list(by_info))
        return [[by_info[info] for info in circle] for circle in found]

    def write_as_one(self, batches: Sequence[Batch]) -> None:
        """Write batches, which need not follow each other, as if they were one."""
        self.write_ranges(sorted((batch.info for batch in batches), key=lambda info: info.first), scattered=True)

    def settle(self, batch: Batch) -> None:
        """Enter a batch into the ledger; one of an empty plan is none."""
        if not batch.info.size:
            return
        self.ledger.settle(batch.info)
        self.run.settled(batch.info.last)

    def publish(self) -> None:
        """Commit what has been settled so far, and go on in a new transaction."""
        # Once stale, all that is still to be written is: what others changed may be in any group to come.
        self._may_be_stale = self.run.publish() or self._may_be_stale

    def note(self, finding: Finding) -> None:
        """Keep a finding for the result."""
        self.run.note(finding)

    def checkpoint(self) -> AbstractContextManager[None]:
        """A savepoint; nothing where the database has none, and the whole transaction is the only net."""
        return savepoint(self.connection) if self._checkpoints else nullcontext()

    def write_ranges(self, infos: Sequence[BatchInfo], *, for_good: bool = True, scattered: bool = False) -> Counts:
        """Write one batch, or several that follow each other. Raises ``RecordRefused``, or ``TargetError``.

        ``scattered``: they need not follow each other, and may be parts of the same batch.
        """
        signals.check()
        if infos[-1].last - infos[0].first + 1 < self.size:
            self.plan.expect_ranges()
        if self._may_be_stale and for_good:
            self._refresh([[info] for info in infos] if scattered else [infos])
        for info in infos:
            self.ledger.tried(info)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                written = self._scattered(infos) if scattered else self._attempt(infos)
                break
            except RecordRefused:
                raise
            except Exception as error:  # noqa: BLE001  # whatever the driver raises is sorted by what it means
                self._give_up_unless_later_helps(error, infos, attempt)
            time.sleep(random.uniform(0.05, 0.3) * attempt)  # noqa: S311  # so that two do not meet again
        if for_good:
            self._count(infos, written)
        return written

    def _count(self, infos: Sequence[BatchInfo], written: Counts) -> None:
        self.ledger.count(written)
        rows = written.inserted + written.updated + written.deleted
        if len(infos) == 1:
            self.ledger.wrote(infos[0].number, rows)
            return
        nothing_left_out = rows == sum(info.size for info in infos)
        for info in infos:
            self.ledger.wrote(info.number, info.size if nothing_left_out else self.plan.to_write(info.first, info.last))

    def _attempt(self, infos: Sequence[BatchInfo]) -> Counts:
        with self.checkpoint():
            return self._written(infos, [infos])

    def _scattered(self, infos: Sequence[BatchInfo]) -> Counts:
        first, last = infos[0].first, infos[-1].last
        with self.checkpoint():
            self.plan.put_aside(first, last)
            self.plan.take_up([(info.first, info.last) for info in infos])
            written = self._written(infos, [[info] for info in infos])
            self.plan.take_up([(first, last)])
        return written

    def _written(self, infos: Sequence[BatchInfo], stretches: Sequence[Sequence[BatchInfo]]) -> Counts:
        """Write, within a checkpoint. ``stretches``: the same batches, those together that follow each other."""
        try:
            return self._writing.write(stretches)
        except NotWritten as left:
            refusal = _refusal(left.trouble, infos, self._writing.table)
            raise RecordRefused(refusal, may_pass_later=True) from left

    def _give_up_unless_later_helps(self, error: Exception, infos: Sequence[BatchInfo], attempt: int) -> None:
        signals.check()
        trouble = self.database.trouble(error, self.connection)
        if trouble.blame is Blame.RECORD and trouble.transaction_alive and self._checkpoints:
            refusal = _refusal(trouble, infos, self._writing.table)
            raise RecordRefused(refusal, may_pass_later=trouble.other_rows_matter) from error
        if trouble.blame is not Blame.RETRY or not trouble.transaction_alive or attempt == _ATTEMPTS:
            raise world_error(trouble) from error

    def _refresh(self, stretches: Sequence[Sequence[BatchInfo]]) -> None:
        """Between two transactions others may have changed rows: compare once more what is about to be written."""
        for stretch in stretches:
            self.plan.refresh(stretch[0].first, stretch[-1].last)


class PlanBatch:
    """A range of the plan in key order."""

    def __init__(self, application: PlanApplication, info: BatchInfo) -> None:
        self._application = application
        self._info = info

    @property
    def info(self) -> BatchInfo:
        """Its number and range."""
        return self._info

    def judge(self) -> Sequence[Finding]:
        """Run the validators of the moment ``batch`` on it."""
        return self._application.run.judge_batch(self._info) if self._info.size else ()

    def write(self) -> Counts:
        """Write it behind a checkpoint. Raises ``RecordRefused`` when the database refuses a record of it."""
        return self._application.write_ranges([self._info])

    def halves(self) -> tuple[PlanBatch, PlanBatch]:
        """The same batch in two parts."""
        info = self._info
        middle = (info.first + info.last) // 2
        application = self._application
        return (
            PlanBatch(application, replace(info, last=middle)),
            PlanBatch(application, replace(info, first=middle + 1)),
        )

    def keep_out(self, reason: Finding) -> None:
        """Put its records into quarantine."""
        application, info = self._application, self._info
        entries = list(application.run.describe(info, reason))
        application.run.keep_out(entries)
        why = reason.message.removeprefix(REFUSED)
        application.ledger.kept_out(info.number, len(entries), why)
        doomed = application.plan.doomed_keys(info.first, info.last, KEYS)
        left_out = application.plan.leave_out(info.first, info.last)
        if doomed:
            application.ledger.not_deleted.add(left_out - len(entries), doomed, why)

    def refused(self, limit: int = 5) -> Sequence[Finding]:
        """Which records the database refuses, found by halving, at most ``limit`` of them. Writes nothing in the end.

        What is accepted stays while the rest is tried, so that of two records in each other's way the later is named.
        """
        found: list[tuple[PlanBatch, Finding]] = []
        with savepoint(self._application.connection, keep=False):
            parts = [self]
            while parts and len(found) < limit:
                part = parts.pop()
                refusal = part.tried()
                if refusal is None:
                    continue
                if part.info.size == 1:
                    found.append((part, refusal))
                else:
                    parts += reversed(part.halves())
            # Once more, now that others are there that it may have waited for.
            again = [(part, part.tried()) for part, _ in found]
            return [part.named(refusal) for part, refusal in again if refusal]

    def tried(self) -> Finding | None:
        """Write it for a try; why it was refused, or None."""
        try:
            self._application.write_ranges([self._info], for_good=False)
        except RecordRefused as refused:
            return refused.finding
        return None

    def named(self, finding: Finding) -> Finding:
        """The finding about a batch of one record, with the record's key and place."""
        application, position = self._application, self._info.first
        key = application.plan.key_at(position)
        what = finding.message.removeprefix(REFUSED)
        return replace(
            finding,
            message=f"the database refused the record {key}: {what}",
            key=key,
            observed=None,
            samples=(application.run.place_of(position),),
        )


def _refusal(trouble: Trouble, infos: Sequence[BatchInfo], table: str) -> Finding:
    first, last = infos[0].first, infos[-1].last
    ignored = trouble is IGNORED
    return Finding(
        code="rows_not_landed" if ignored else "record_refused",
        severity=Severity.CRITICAL,
        message=f"{REFUSED}{trouble.message}",
        table=table,
        column=trouble.column,
        batch=infos[0].number,
        expected=trouble.constraint or None,
        observed=f"positions {first} to {last}" if last > first else None,
        hint="look at the triggers of the table" if ignored else "mend the record, then run the update again",
    )
