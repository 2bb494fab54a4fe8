"""What a strategy holds while it applies a plan: batches with checkpoints, and who is to blame when one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from validate_updates import signals
from validate_updates.application import RecordRefused
from validate_updates.context import BatchInfo
from validate_updates.findings import Finding, Severity
from validate_updates.targets.savepoint import savepoint
from validate_updates.targets.trouble import Blame, Trouble, world_error
from validate_updates.targets.write import Writer

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.result import Counts
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan

_IGNORED = Trouble(
    blame=Blame.RECORD,
    code="IGNORED",
    message="a trigger, a rule or ON CONFLICT IGNORE left the row as it was, without an error",
)

JudgeBatch = Callable[[BatchInfo], Sequence[Finding]]
PlaceOf = Callable[[int], str]
"""From a position in the plan to where the record came from."""


class PlanApplication:
    """The :class:`~validate_updates.application.Application` of one run."""

    def __init__(
        self, database: Database, connection: sa.Connection, plan: Plan, judge: JudgeBatch, place_of: PlaceOf
    ) -> None:
        self.database = database
        self.connection = connection
        self.plan = plan
        self.judge_batch = judge
        self.place_of = place_of
        self.writer = Writer(plan, connection)

    @property
    def size(self) -> int:
        """Positions in the plan."""
        return self.plan.counts.size

    def batch(self, first: int = 1, last: int | None = None, number: int = 1) -> PlanBatch:
        """The positions ``first`` to ``last`` (the end unless given) as one batch."""
        return PlanBatch(self, BatchInfo(number=number, first=first, last=self.size if last is None else last))


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
        return self._application.judge_batch(self._info) if self._info.size else ()

    def checkpoint(self) -> AbstractContextManager[None]:
        """A savepoint: an exception that leaves the block takes back what the block wrote, and goes on up."""
        return savepoint(self._application.connection)

    def write(self) -> Counts:
        """Write it, set-based. Raises ``RecordRefused`` when the database refuses a record of it."""
        return self._write(self._info.first, self._info.last)

    def _write(self, first: int, last: int) -> Counts:
        application = self._application
        signals.check()
        try:
            written = application.writer.write(first, last)
            ignored = self._updates_ignored(first, last, written)
        except Exception as error:  # whatever the driver raises is sorted by what it means
            signals.check()
            trouble = application.database.trouble(error, application.connection)
            if trouble.blame is not Blame.RECORD or not trouble.transaction_alive:
                raise world_error(trouble) from error
            raise RecordRefused(self._finding(trouble, first, last)) from error
        if ignored:
            finding = self._finding(_IGNORED, first, last)
            raise RecordRefused(replace(finding, code="rows_not_landed", hint="look at the triggers of the table"))
        return written

    def _updates_ignored(self, first: int, last: int, written: Counts) -> bool:
        """Whether the database left out an update without an error; an insert left out shows when rows are counted."""
        plan = self._application.plan
        return written.updated < plan.updates_between(first, last) and plan.still_to_update(first, last) > 0

    def _finding(self, trouble: Trouble, first: int, last: int) -> Finding:
        return Finding(
            code="record_refused",
            severity=Severity.CRITICAL,
            message=f"the database refused a record: {trouble.message}",
            table=self._application.plan.target.name,
            column=trouble.column,
            batch=self._info.number,
            expected=trouble.constraint or None,
            observed=f"positions {first} to {last}" if last > first else None,
            hint="nothing was written: mend the record, then run the update again",
        )

    def refused(self, limit: int = 5) -> Sequence[Finding]:
        """Which records the database refuses, found by halving, at most ``limit`` of them. Writes nothing in the end.

        What is accepted stays while the rest is tried, so that of two records in each other's way the later is named.
        """
        found: list[Finding] = []
        with savepoint(self._application.connection, keep=False):
            ranges = [(self._info.first, self._info.last)]
            while ranges and len(found) < limit:
                first, last = ranges.pop()
                refusal = self._tried(first, last)
                if refusal is None:
                    continue
                if first == last:
                    found.append(self._named(refusal, first))
                else:
                    middle = (first + last) // 2
                    ranges += [(middle + 1, last), (first, middle)]
        return found

    def _tried(self, first: int, last: int) -> Finding | None:
        try:
            with self.checkpoint():
                self._write(first, last)
        except RecordRefused as refused:
            return refused.finding
        return None

    def _named(self, finding: Finding, position: int) -> Finding:
        key = self._application.plan.key_at(position)
        what = finding.message.removeprefix("the database refused a record: ")
        return replace(
            finding,
            message=f"the database refused the record {key}: {what}",
            key=key,
            observed=None,
            samples=(self._application.place_of(position),),
        )
