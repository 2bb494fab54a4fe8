"""Rows that records mean and that are not there: made, of what the records say of them, where the settings ask for it.

A row is made with the first range that needs it, in that range's savepoint. Where the range is taken back, so is the
row, and the next one that needs it makes it: a unit that is kept out leaves nothing behind that others rely on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.targets.names import SEQ, SHAPE
from validate_updates.targets.plan import INSERT
from validate_updates.targets.prepared import prepare
from validate_updates.units.ranges import put
from validate_updates.units.sought import BY, ID, NUMBER, POINTER, POS, STAGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from validate_updates.context import BatchInfo
    from validate_updates.targets.prepared import Prepared
    from validate_updates.undo.entries import Entries
    from validate_updates.units.plan import Part
    from validate_updates.units.sought import SoughtRows
    from validate_updates.units.tree import Pointer


class Creation:
    """Makes the rows that one column of one table means."""

    def __init__(
        self, part: Part, pointer: Pointer, sought: SoughtRows, connection: sa.Connection, entries: Entries | None
    ) -> None:
        """``entries``: the undo log, where one is kept."""
        self.name = sought.sought.target.name
        self.sought = sought
        self._part = part
        self._pointer = pointer
        self._connection = connection
        self._claim = prepare(self._claiming(), connection)
        self._inserts = [prepare(statement, connection) for statement in self._inserting()]
        self._find = prepare(sought.find(self._claimed_in), connection)
        self._log = self._logging(entries) if entries else None

    def create(self, stretches: Sequence[Sequence[BatchInfo]]) -> None:
        """Make what the rows of these batches mean."""
        first, last = stretches[0][0].first, stretches[-1][-1].last
        if not self._claim.run(self._connection, first=first, last=last):
            return
        for statement in self._inserts:
            statement.run(self._connection, first=first, last=last)
        self._find.run(self._connection, first=first, last=last)
        if self._log:
            for stretch in stretches:
                start, end, size = stretch[0].first, stretch[-1].last, stretch[0].size
                self._log.run(self._connection, number=stretch[0].number, first=start, last=end, batch_size=size)

    def _claiming(self) -> sa.Update:
        """Note, of each row to be made, which record says what is in it: the last at these positions."""
        part, stage, table = self._part, self._part.resolved.stage, self.sought.table
        needed = table.alias("needed")
        found = part.table.join(stage.table, stage.table.c[SEQ] == part.table.c.row)
        found = found.join(needed, self.sought.means(self._pointer, stage, needed))
        claims = (
            sa.select(
                needed.c[NUMBER].label("claimed"),
                sa.func.max(stage.table.c[SEQ]).label("by_row"),
                sa.func.min(part.table.c.pos).label("at"),
            )
            .select_from(found)
            .where(put(part), needed.c[ID].is_(None), needed.c[STAGED].is_(None))
            .group_by(needed.c[NUMBER])
            .subquery("claims")
        )
        values = {POINTER: sa.literal_column(str(self._pointer.number)), BY: claims.c.by_row, POS: claims.c.at}
        return sa.update(table).values(values).where(table.c[NUMBER] == claims.c.claimed)

    def _claimed(self) -> sa.ColumnElement[bool]:
        """Rows that this range makes for this column."""
        return self._claimed_in(self.sought.table)

    def _claimed_in(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        first, last = (sa.bindparam(name, None, type_=sa.Integer) for name in ("first", "last"))
        mine = table.c[POINTER] == sa.literal_column(str(self._pointer.number))
        return sa.and_(mine, table.c[POS].between(first, last))

    def _inserting(self) -> Iterator[sa.Insert]:
        """One for each set of columns with a default that records leave out."""
        stage, table, target = self._part.resolved.stage, self.sought.table, self.sought.sought.target
        defaulted = {column.name for column in target.columns if column.has_default}
        groups: dict[frozenset[str], list[int]] = {}
        for shape in stage.shapes:
            said = {name for name, ours in self._pointer.extras.items() if ours in shape.columns}
            groups.setdefault(frozenset(said & defaulted), []).append(shape.number)
        extras = [name for name, ours in self._pointer.extras.items() if ours in stage.table.c]
        for brought, shapes in groups.items():
            names = [name for name in extras if name in brought or name not in defaulted]
            cells = [
                *(self.sought.cell(name) for name in target.key),
                *(stage.table.c[self._pointer.extras[name]] for name in names),
            ]
            numbers: Any = sa.bindparam(None, shapes, expanding=True, literal_execute=True)
            query = (
                sa.select(*cells)
                .select_from(table.join(stage.table, stage.table.c[SEQ] == table.c[BY]))
                .where(self._claimed(), table.c[ID].is_(None), stage.table.c[SHAPE].in_(numbers))
                .order_by(table.c[NUMBER])
            )
            columns = [*target.key, *names]
            yield sa.insert(self.sought.rows).from_select(columns, query, include_defaults=False)

    def _logging(self, entries: Entries) -> Prepared:
        target, table, rows = self.sought.sought.target, self.sought.table, self.sought.rows
        name = f"{target.schema}.{target.name}" if target.schema else target.name
        entries.lay_out(name, target.names)
        number, first, size = (
            sa.bindparam(label, None, type_=sa.BigInteger) for label in ("number", "first", "batch_size")
        )
        batch = number + (table.c[POS] - first) // size
        own = table.c[NUMBER] + sa.literal_column(str(self.sought.first_no), sa.BigInteger)
        query = (
            sa.select(batch, own)
            .select_from(table.join(rows, rows.c[self.sought.sought.to] == table.c[ID]))
            .where(self._claimed())
            .order_by(table.c[NUMBER])
        )
        return entries.insert(query, table=name, action=INSERT, after=[rows.c[column] for column in target.names])
