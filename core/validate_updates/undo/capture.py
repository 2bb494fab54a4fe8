"""Taking down the way back while an update is applied, batch by batch, in the transaction that writes the batch.

Set-based like the write itself. Where nothing but the update changes the rows that it writes, what will stand in them
is in the stage, so that one statement before the write takes down both images of an updated row. Where triggers may
have a say, the rows of before are set aside, and go into the log together with those of after.

The image of after holds the cells that were written, not only those that changed: to find these out cell by cell
would take longer than to store them.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.targets.plan import DELETE, INSERT, UPDATE
from validate_updates.undo.entries import Entries
from validate_updates.undo.images import prepare_images
from validate_updates.undo.kept import KeptRows
from validate_updates.undo.ranges import batch_number, deleted, inserted, updated, within
from validate_updates.undo.references import reach_of
from validate_updates.undo.swept import Swept
from validate_updates.undo.triggers import changes_more_than_told

if TYPE_CHECKING:
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan
    from validate_updates.undo.images import Cell, Element, Images


class Capture:
    """Keeps, in the undo log, how to take back what an update writes.

    Made once a run, after the plan and outside of any savepoint. Then, for each range of the plan, within the savepoint
    that the range is written in::

        capture.before(number, first, last, batch_size=size)
        writer.write(first, last)
        capture.after(number, first, last, batch_size=size)

    ``number`` is that of the batch at ``first``; every ``size`` positions the next one begins. A return to the
    savepoint takes back the log of the range too. Errors are the driver's own.
    """

    def __init__(
        self, database: Database, connection: sa.Connection, plan: Plan, undo: sa.Table, *, run_id: str, table: str
    ) -> None:
        """``undo`` and ``table``: the journal's table, and the target's name as the journal has it."""
        prepare_images(database, connection)
        self._database = database
        self._plan = plan
        self._table = table
        self._entries = partial(Entries, database, connection, undo=undo, run_id=run_id)
        self._kept: KeptRows | None = None
        if changes_more_than_told(database, connection, plan.target):
            self._kept = KeptRows(database, connection, plan)
        reach = reach_of(database, connection, plan.target) if plan.counts.deletes else None
        self.lost = reach.lost if reach else ()
        """Tables with rows that the deletes may take along, and that the undo log cannot hold."""
        self._swept: Swept | None = None
        if reach and reach.references:
            self._swept = Swept(database, connection, plan, reach, self._entries_of)

    def before(self, number: int, first: int, last: int, *, batch_size: int) -> None:
        """To be called before the positions ``first`` to ``last`` of the plan are written."""
        if self._kept:
            self._kept.keep(first, last)
        elif self._plan.counts.updates or not self._plan.settled_kinds:
            self._updates.write(number=number, first=first, last=last, batch_size=batch_size)
        if self._plan.counts.deletes:
            self._deletes.write(number=number, first=first, last=last, batch_size=batch_size)
        if self._swept:
            self._swept.take_down(number, first, last, batch_size=batch_size)

    def after(self, number: int, first: int, last: int, *, batch_size: int) -> None:
        """To be called after they are written, in the same savepoint."""
        if self._kept:
            self._updates.write(number=number, first=first, last=last, batch_size=batch_size)
            self._kept.let_go(first, last)
        if self._plan.counts.inserts or not self._plan.settled_kinds:
            self._inserts.write(number=number, first=first, last=last, batch_size=batch_size)

    @cached_property
    def _deletes(self) -> Entries:
        return self._entries(table=self._table, action=DELETE, query=self._deleted)

    @cached_property
    def _updates(self) -> Entries:
        return self._entries(table=self._table, action=UPDATE, query=self._compared if self._kept else self._updated)

    @cached_property
    def _inserts(self) -> Entries:
        return self._entries(table=self._table, action=INSERT, query=self._inserted)

    def _entries_of(self, *, table: str, **how: Any) -> Entries:
        """Of another table of the same schema."""
        schema = self._plan.target.schema
        return self._entries(table=f"{schema}.{table}" if schema else table, **how)

    # --- queries: batch, position, the image of before, the image of after -------------------------------------------

    def _select(self, found: sa.FromClause, action: str, before: Element, after: Element) -> sa.Select[Any]:
        plan = self._plan
        # Inserts are taken down last. Numbered above all others, they are appended too; in between they would split
        # the pages just filled.
        number = plan.table.c.pos + plan.positions if action == INSERT else plan.table.c.pos
        query = sa.select(batch_number(plan), number, before, after)
        return query.select_from(found).where(within(plan, action)).order_by(plan.table.c.pos)

    def _deleted(self, images: Images) -> sa.Select[Any]:
        return self._select(deleted(self._plan), DELETE, images.row(self._cells()), sa.null())

    def _inserted(self, images: Images) -> sa.Select[Any]:
        return self._select(inserted(self._plan), INSERT, sa.null(), images.row(self._cells()))

    def _updated(self, images: Images) -> sa.Select[Any]:
        before, after = images.row(self._cells()), images.row(self._written())
        return self._select(updated(self._plan), UPDATE, before, after)

    def _compared(self, images: Images) -> sa.Select[Any]:
        kept = self._kept
        if kept is None:
            raise AssertionError("asked for the rows of before where none were kept")
        found = updated(self._plan).join(kept.table, kept.table.c.pos == self._plan.table.c.pos)
        before = images.row([(column, kept[column.name]) for column in self._plan.target.columns])
        return self._select(found, UPDATE, before, images.row(self._storable()))

    def _cells(self) -> list[Cell]:
        return [(column, self._plan.rows.c[column.name]) for column in self._plan.target.columns]

    def _storable(self) -> list[Cell]:
        return [
            (column, self._plan.rows.c[column.name]) for column in self._plan.target.columns if not column.generated
        ]

    def _written(self) -> list[Cell]:
        """What records bring for the columns that they carry, beside the key."""
        plan = self._plan
        cells: list[Cell] = []
        for name in plan.stage.columns:
            if name not in plan.key:
                new, carried = plan.stage.table.c[name], plan.stage.carries(name)
                stands = new if carried is None else sa.case((carried, new), else_=plan.rows.c[name])
                cells.append((plan.target.column(name), stands))
        return cells
