"""A range of the plan written, and in the same savepoint the way back taken down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from validate_updates.result import Counts
from validate_updates.targets.trouble import Blame, Trouble
from validate_updates.targets.write import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from validate_updates.context import BatchInfo
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan
    from validate_updates.undo.capture import Capture

IGNORED = Trouble(
    blame=Blame.RECORD,
    code="IGNORED",
    message="a trigger, a rule or ON CONFLICT IGNORE left the row as it was, without an error",
)


class NotWritten(Exception):  # what happened, for who knows the culprit
    """Not all could be written, though the database said nothing. It may pass when others are written."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


class Writing(Protocol):
    """Writes batches of a plan."""

    table: str
    """The table that is being written, or was."""

    def write(self, stretches: Sequence[Sequence[BatchInfo]]) -> Counts:
        """Write batches, those together that follow each other: all of them, or it raises. What counts are records.

        What the plan wants between two stretches has been put aside. To be called within a savepoint. Raises
        :class:`NotWritten`, and what the driver raises.
        """
        ...


class LoggedWriter:
    """Writes rows of one table."""

    def __init__(self, database: Database, connection: sa.Connection, plan: Plan, capture: Capture | None) -> None:
        self.table = plan.target.name
        self._plan = plan
        self._writer = Writer(plan, connection)
        self._capture = capture
        self._told = capture.written_from_here() if capture else None
        self._deferred = database.deferred(connection, plan)

    def write(self, stretches: Sequence[Sequence[BatchInfo]]) -> Counts:
        """See :class:`Writing`."""
        first, last = stretches[0][0].first, stretches[-1][-1].last
        if self._deferred:
            self._deferred.begin()
        if self._told:
            self._told.begin()
        self._take_down(stretches, after=False)
        deleted = self._writer.delete(first, last)
        put = self._told.put() if self._told else self._writer.put(first, last)
        written = Counts(inserted=put.inserted, updated=put.updated, deleted=deleted)
        size = sum(info.size for stretch in stretches for info in stretch)
        missing = size - written.inserted - written.updated - written.deleted
        ignored = IGNORED if missing and self._plan.not_landed(first, last) else None
        trouble = ignored or (self._deferred.violated(first, last) if self._deferred else None)
        if trouble:
            raise NotWritten(trouble)
        self._take_down(stretches, after=True)
        return written

    def _take_down(self, stretches: Sequence[Sequence[BatchInfo]], *, after: bool) -> None:
        if self._capture:
            take_down = self._capture.after if after else self._capture.before
            for stretch in stretches:
                take_down(stretch[0].number, stretch[0].first, stretch[-1].last, batch_size=stretch[0].size)
