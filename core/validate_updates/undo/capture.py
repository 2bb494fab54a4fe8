"""Taking down the way back while an update is applied, batch by batch, in the transaction that writes the batch.

Set-based like the write itself. Where nothing but the update changes the rows that it writes, what will stand in them
is in the stage, so that one statement before the write takes down both images of an updated row; where the records
bring every cell, SQLite then writes the rows out of the log. Where triggers may have a say, the rows of before are set
aside, and go into the log together with those of after.

The image of after is the whole row, not the cells that changed: to find these out takes longer than to store them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.targets.plan import DELETE, INSERT, UPDATE
from validate_updates.undo.entries import entries_of
from validate_updates.undo.images import prepare_images
from validate_updates.undo.kept import KeptRows
from validate_updates.undo.ranges import batch_number, deleted, entry_number, inserted, updated, within
from validate_updates.undo.references import reach_of
from validate_updates.undo.swept import Swept
from validate_updates.undo.told import Told
from validate_updates.undo.triggers import changes_more_than_told

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.prepared import Prepared
    from validate_updates.undo.images import Element


class Capture:
    """Keeps, in the undo log, how to take back what an update writes.

    Made once a run, after the plan and outside of any savepoint. Then, for each range of the plan, within the savepoint
    that the range is written in::

        capture.before(number, first, last, batch_size=size)
        writer.delete(first, last)
        writer.put(first, last)
        capture.after(number, first, last, batch_size=size)

    ``number`` is that of the batch at ``first``; every ``size`` positions the next one begins. A return to the
    savepoint takes back the log of the range too. Errors are the driver's own.
    """

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        plan: Plan,
        tables: JournalTables,
        *,
        run_id: str,
        table: str,
    ) -> None:
        """``tables`` and ``table``: the journal's, and the target's name as the journal has it."""
        prepare_images(database, connection)
        self._connection = connection
        self._plan = plan
        self._table = table
        alone = plan.entries_from() is None
        self.entries = entries_of(database, connection, tables, run_id, as_made=alone)
        self.entries.lay_out(table, plan.target.names)
        self._told: Told | None = None
        self._kept: KeptRows | None = None
        if plan.filled_later or changes_more_than_told(database, connection, plan.target):
            self._kept = KeptRows(database, connection, plan)
        reach = reach_of(database, connection, plan.target) if plan.counts.deletes else None
        self.lost = reach.lost if reach else ()
        """Tables with rows that the deletes may take along, and that the undo log cannot hold."""
        self._swept: Swept | None = None
        if reach and reach.references:
            self._swept = Swept(database, connection, plan, reach, self.entries)

    def written_from_here(self) -> Told | None:
        """What writes the rows out of the log, where it can; to be asked before anything is taken down.

        From then on :meth:`before` takes down all of a range, and a write of it begins with :meth:`Told.begin`.
        """
        plan = self._plan
        all_known = self._kept is None and self._all_is_told() and len(plan.stage.columns) > len(plan.key)
        if all_known and self.entries.first is None and plan.target.rowid:
            self._told = Told(plan, self._connection, self.entries)
        return self._told

    def before(self, number: int, first: int, last: int, *, batch_size: int) -> None:
        """To be called before the positions ``first`` to ``last`` of the plan are written."""
        self.before_updates(number, first, last, batch_size=batch_size)
        self.before_deletes(number, first, last, batch_size=batch_size)
        if self._told and self._any_inserts:
            self._add(INSERT, number=number, first=first, last=last, batch_size=batch_size)

    def before_updates(self, number: int, first: int, last: int, *, batch_size: int) -> None:
        """Only the rows that are updated."""
        if not self._any_updates:
            return
        if self._kept:
            self._kept.keep(first, last)
        else:
            self._add(UPDATE, number=number, first=first, last=last, batch_size=batch_size)

    def before_deletes(self, number: int, first: int, last: int, *, batch_size: int) -> None:
        """Only the rows that are deleted."""
        if self._plan.counts.deletes:
            self._deletes.run(self._connection, number=number, first=first, last=last, batch_size=batch_size)
        if self._swept:
            self._swept.take_down(number, first, last, batch_size=batch_size)

    def after(self, number: int, first: int, last: int, *, batch_size: int) -> None:
        """To be called after they are written, in the same savepoint."""
        if self._kept and self._any_updates:
            self._updates.run(self._connection, number=number, first=first, last=last, batch_size=batch_size)
            self._kept.let_go()
        if self._any_inserts and not self._told:
            self._add(INSERT, number=number, first=first, last=last, batch_size=batch_size)

    def _add(self, action: str, **values: int) -> None:
        insert = self._updates if action == UPDATE else self._inserts
        if self._told:
            self._told.take_down(action, insert, **values)
        else:
            insert.run(self._connection, **values)

    @property
    def _any_updates(self) -> bool:
        return self._plan.counts.updates > 0 or not self._plan.settled_kinds

    @property
    def _any_inserts(self) -> bool:
        return self._plan.counts.inserts > 0 or not self._plan.settled_kinds

    @cached_property
    def _deletes(self) -> Prepared:
        return self._insert(DELETE, deleted(self._plan), before=self._rows())

    @cached_property
    def _updates(self) -> Prepared:
        if self._kept is None:
            place = self._plan.table.c.tid if self._told else None
            return self._insert(UPDATE, updated(self._plan), before=self._rows(), after=self._become(), place=place)
        found = updated(self._plan).join(self._kept.table, self._kept.table.c.pos == self._plan.number)
        before = [self._kept[name] for name in self._plan.target.names]
        return self._insert(UPDATE, found, before=before, after=self._rows())

    @cached_property
    def _inserts(self) -> Prepared:
        if self._kept is None and self._all_is_told():
            told = [self._plan.cell(name) for name in self._plan.target.names]
            return self._insert(INSERT, self._plan.records, after=told)
        return self._insert(INSERT, inserted(self._plan), after=self._rows())

    def _all_is_told(self) -> bool:
        """Whether every record brings every cell: then what it says is what an insert leaves."""
        plan = self._plan
        brought = set(plan.stage.columns) >= set(plan.target.names)
        return brought and all(plan.carries(name) is None for name in plan.target.names)

    def _insert(
        self,
        action: str,
        found: sa.FromClause,
        *,
        before: Sequence[Element] = (),
        after: Sequence[Element] = (),
        place: Element | None = None,
    ) -> Prepared:
        plan = self._plan
        query = sa.select(batch_number(plan), entry_number(plan, action)).select_from(found)
        query = query.where(within(plan, action)).order_by(*plan.order)
        return self.entries.insert(query, table=self._table, action=action, before=before, after=after, place=place)

    def _rows(self) -> list[Element]:
        """The target's rows as they stand."""
        return [self._plan.rows.c[name] for name in self._plan.target.names]

    def _become(self) -> list[Element]:
        """The target's rows as the records will leave them."""
        return [self._plan.becomes(name) for name in self._plan.target.names]
