"""The journal's part in taking back a run: what is held of it, and what is noted of its being taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.journal.rows import BatchState, RunState
from validate_updates.journal.texts import MESSAGE_BYTES, stored
from validate_updates.result import Publish
from validate_updates.targets.plan import DELETE
from validate_updates.undo.images import AFTER, BEFORE, images_of
from validate_updates.undo.layout import LAYOUT, layout_of

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables
    from validate_updates.targets.base import Database


@dataclass(frozen=True, slots=True)
class UndoLog:
    """What the journal holds to take back one run. Works within the open transaction, and never commits."""

    conn: sa.Connection
    tables: JournalTables
    run_id: str

    def batches(self) -> Sequence[int]:
        """Numbers of the batches of which anything is left to take back, the last first."""
        undo = self.tables.undo
        ours = (undo.c.run_id == self.run_id) & (undo.c.action != LAYOUT)
        query = sa.select(undo.c.batch_no).where(ours).distinct()
        return tuple(self.conn.scalars(query.order_by(undo.c.batch_no.desc())))

    def published_in_groups(self) -> bool:
        """Whether others saw the run group by group."""
        logs = self.tables.logs
        query = sa.select(logs.c.publish).where(logs.c.run_id == self.run_id)
        return self.conn.scalar(query) == Publish.PROGRESSIVE

    def any_undone(self) -> bool:
        """Whether a batch of it has been taken back."""
        batches = self.tables.batches
        undone = (batches.c.run_id == self.run_id) & (batches.c.state == BatchState.UNDONE)
        return bool(self.conn.scalar(sa.select(sa.exists().where(undone))))

    def table_names(self, batches: tuple[int, int] | None = None) -> Sequence[str]:
        """The tables that the run wrote, or these batches of it, in the order in which they were first written."""
        undo = self.tables.undo
        found = self._of(*batches) if batches else undo.c.run_id == self.run_id
        query = sa.select(undo.c.table_name).where(found, undo.c.action != LAYOUT).group_by(undo.c.table_name)
        return tuple(self.conn.scalars(query.order_by(sa.func.min(undo.c.undo_no))))

    def layout(self, table: str) -> tuple[str, ...]:
        """The columns of a table in the order of the images."""
        return layout_of(self.conn, self.tables.undo, run_id=self.run_id, table=table) or ()

    def deleted_from(self, table: str) -> bool:
        """Whether the run deleted rows of a table."""
        undo = self.tables.undo
        found = (undo.c.run_id == self.run_id) & (undo.c.table_name == table) & (undo.c.action == DELETE)
        return bool(self.conn.scalar(sa.select(sa.exists().where(found))))

    def with_cells(self, database: Database, width: int) -> sa.TableClause:
        """The undo log with the columns that hold images of a table of ``width`` columns."""
        undo, images = self.tables.undo, images_of(database)
        cells = [name for kind in (BEFORE, AFTER) for name in images.columns(kind, width)]
        names = dict.fromkeys((*undo.c.keys(), *cells))
        return sa.table(undo.name, *map(sa.column, names), schema=undo.schema)

    def about(self, undo: sa.FromClause, table: str, first: int, last: int) -> sa.ColumnElement[bool]:
        """The entries about a table that the batches ``first`` to ``last`` made."""
        ours = (undo.c.run_id == self.run_id) & undo.c.batch_no.between(first, last)
        return ours & (undo.c.table_name == table) & (undo.c.action != LAYOUT)

    def forget(self, first: int, last: int, taken: Sequence[sa.Select[Any]]) -> None:
        """Remove what was taken back (its ``batch_no`` and ``undo_no``, by table), and mark batches that are undone."""
        undo, batches = self.tables.undo, self.tables.batches
        place = sa.tuple_(undo.c.batch_no, undo.c.undo_no)
        for query in taken:
            self.conn.execute(undo.delete().where(self._of(first, last), place.in_(query)))
        left = sa.exists().where(undo.c.run_id == self.run_id, undo.c.batch_no == batches.c.batch_no)
        ours = (batches.c.run_id == self.run_id) & batches.c.batch_no.between(first, last)
        undone = ours & (batches.c.state == BatchState.COMMITTED) & ~left
        self.conn.execute(batches.update().where(undone).values(state=BatchState.UNDONE))
        if not self.batches():  # the layouts are of no more use
            self.conn.execute(undo.delete().where(undo.c.run_id == self.run_id))

    def mark_rolled_back(self, was: RunState, note: str) -> bool:
        """Note that the run no longer stands, unless its state has changed meanwhile; whether it was so."""
        logs = self.tables.logs
        row = self.conn.execute(sa.select(logs.c.note).where(logs.c.run_id == self.run_id)).one()
        said = stored(f"{row.note}; {note}" if row.note else note, MESSAGE_BYTES)
        ours = (logs.c.run_id == self.run_id) & (logs.c.state == was)
        values = {"state": RunState.ROLLED_BACK, "note": said}
        return self.conn.execute(logs.update().where(ours).values(values)).rowcount == 1

    def _of(self, first: int, last: int) -> sa.ColumnElement[bool]:
        undo = self.tables.undo
        return (undo.c.run_id == self.run_id) & undo.c.batch_no.between(first, last)
