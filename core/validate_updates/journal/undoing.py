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
from validate_updates.undo.layout import layout_of
from validate_updates.undo.numbering import changes_of, layouts_of

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables
    from validate_updates.targets.base import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Batches that can be taken back together, and the entries among which theirs are."""

    first: int
    last: int
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class UndoLog:
    """What the journal holds to take back one run. Works within the open transaction, and never commits."""

    conn: sa.Connection
    tables: JournalTables
    run_id: str

    def anything(self) -> bool:
        """Whether anything is left to take back."""
        return bool(self.conn.scalar(sa.select(sa.exists().where(self._ours()))))

    def held(self, together: int | None = None) -> Sequence[Held]:
        """The batches of which anything is left to take back, ``together`` or all at a time, the last first."""
        undo = self.tables.undo
        spans = sa.func.min(undo.c.entry_no), sa.func.max(undo.c.entry_no)
        query = sa.select(undo.c.batch_no, *spans).where(self._ours()).group_by(undo.c.batch_no)
        batches = self.conn.execute(query.order_by(undo.c.batch_no.desc())).all()
        size = together or max(len(batches), 1)
        groups = (batches[start : start + size] for start in range(0, len(batches), size))
        return tuple(_held(group) for group in groups)

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

    def table_names(self, batches: Held | None = None) -> Sequence[str]:
        """The tables that the run wrote, or these batches of it, in the order in which they were first written."""
        undo = self.tables.undo
        found = _of(undo, batches) if batches else self._ours()
        query = sa.select(undo.c.table_name).where(found).group_by(undo.c.table_name)
        return tuple(self.conn.scalars(query.order_by(sa.func.min(undo.c.entry_no))))

    def layout(self, table: str) -> tuple[str, ...]:
        """The columns of a table in the order of the images."""
        return layout_of(self.conn, self.tables, run_id=self.run_id, table=table) or ()

    def deleted_from(self, table: str) -> bool:
        """Whether the run deleted rows of a table."""
        undo = self.tables.undo
        found = self._ours() & (undo.c.table_name == table) & (undo.c.action == DELETE)
        return bool(self.conn.scalar(sa.select(sa.exists().where(found))))

    def with_cells(self, database: Database, width: int) -> sa.TableClause:
        """The undo log with the columns that hold images of a table of ``width`` columns."""
        undo, images = self.tables.undo, images_of(database)
        cells = [name for kind in (BEFORE, AFTER) for name in images.columns(kind, width)]
        names = dict.fromkeys((*undo.c.keys(), *cells))
        return sa.table(undo.name, *map(sa.column, names), schema=undo.schema)

    def about(self, undo: sa.FromClause, table: str, held: Held) -> sa.ColumnElement[bool]:
        """The entries about a table that these batches made."""
        return _of(undo, held) & (undo.c.table_name == table)

    def forget(self, held: Held, taken: Sequence[sa.Select[Any]]) -> None:
        """Remove what was taken back (the numbers of its entries, by table), and mark batches that are undone."""
        undo, batches = self.tables.undo, self.tables.batches
        for query in taken:
            self.conn.execute(undo.delete().where(undo.c.entry_no.in_(query)))
        left = sa.select(undo.c.batch_no).where(_of(undo, held))
        ours = (batches.c.run_id == self.run_id) & batches.c.batch_no.between(held.first, held.last)
        undone = ours & (batches.c.state == BatchState.COMMITTED) & batches.c.batch_no.not_in(left)
        self.conn.execute(batches.update().where(undone).values(state=BatchState.UNDONE))
        if not self.anything():  # the layouts are of no more use
            self.conn.execute(undo.delete().where(layouts_of(self.tables, self.run_id)))

    def mark_rolled_back(self, was: RunState, note: str) -> bool:
        """Note that the run no longer stands, unless its state has changed meanwhile; whether it was so."""
        logs = self.tables.logs
        row = self.conn.execute(sa.select(logs.c.note).where(logs.c.run_id == self.run_id)).one()
        said = stored(f"{row.note}; {note}" if row.note else note, MESSAGE_BYTES)
        ours = (logs.c.run_id == self.run_id) & (logs.c.state == was)
        values = {"state": RunState.ROLLED_BACK, "note": said}
        return self.conn.execute(logs.update().where(ours).values(values)).rowcount == 1

    def _ours(self) -> sa.ColumnElement[bool]:
        return changes_of(self.tables, self.run_id)


def _held(batches: Sequence[sa.Row[int, int, int]]) -> Held:
    """Of rows with a batch's number, its lowest entry and its highest; the last batch first."""
    return Held(
        first=batches[-1][0],
        last=batches[0][0],
        lowest=min(row[1] for row in batches),
        highest=max(row[2] for row in batches),
    )


def _of(undo: sa.FromClause, held: Held) -> sa.ColumnElement[bool]:
    return undo.c.entry_no.between(held.lowest, held.highest) & undo.c.batch_no.between(held.first, held.last)
