"""What records refer to by natural keys, looked up all at once: in the database, and among the records themselves.

For each table and natural key there is a temporary table ``vu_sought_N`` of the keys that any record names, with the
row that each means. A row that is only to be written has none yet; it gets one as soon as it is written, and loses it
where that is taken back. So nothing has to be known ahead of the keys that the database makes up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from validate_updates.targets.names import ROW, SEQ, UNIT
from validate_updates.targets.plan import LEFT_OUT, raw
from validate_updates.targets.prepared import prepare
from validate_updates.targets.stage import declared
from validate_updates.text import key_text
from validate_updates.units.declared import Ambiguous, Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from validate_updates.targets.base import Database
    from validate_updates.targets.prepared import Prepared
    from validate_updates.units.resolved import Resolved
    from validate_updates.units.staging import MemberStage
    from validate_updates.units.tree import Pointer, Sought

NUMBER, ID, MATCHES, STAGED, POINTER, BY, POS = "no", "id", "matches", "staged", "pointer", "by", "pos"


class SoughtRows:
    """The keys sought in one table by one natural key, and the rows that they mean."""

    def __init__(self, database: Database, connection: sa.Connection, sought: Sought) -> None:
        self._database = database
        self._connection = connection
        self.sought = sought
        self.rows = raw(sought.target)
        self.collations = database.key_collations(connection, sought.target.sql, sought.target.key)
        """Under which the natural key is unique, by column; none where texts are compared byte by byte."""
        self.users: list[tuple[MemberStage, Pointer]] = []
        """Where the keys come from."""
        self._records: Resolved | None = None
        self._found_in_part: Prepared | None = None
        self.pending = False
        """Whether any row that is meant is only to be written."""
        self.first_no = 0
        """From which the undo log counts the rows of these that are made."""
        self.table = self._made()

    def cell(self, name: str) -> sa.Column[Any]:
        """A column of the natural key."""
        return self.table.c[f"k{self.sought.target.key.index(name)}"]

    def means(self, pointer: Pointer, stage: MemberStage, table: sa.FromClause | None = None) -> sa.ColumnElement[bool]:
        """Whether a staged row refers to one of the keys. ``table``: another name of the table of keys."""
        keys = self.table if table is None else table
        return sa.and_(
            *(
                self._same(keys.c[self.cell(name).name], stage.table.c[ours], name)
                for name, ours in pointer.cells.items()
            )
        )

    def is_named(self, pointer: Pointer, stage: MemberStage) -> sa.ColumnElement[bool]:
        """Whether a staged row has a natural key at all: one that is not null throughout."""
        return sa.or_(*(stage.table.c[ours].isnot(None) for ours in pointer.cells.values()))

    def look_up(self, records: Resolved | None) -> None:
        """Fill it: every key that is named, and the row that it means: of the database, or of the ``records``."""
        self._records = records
        table, key = self.table, self.sought.target.key
        named = [
            sa.select(*(self._collated(stage.table.c[pointer.cells[name]], name) for name in key))
            .where(self.is_named(pointer, stage))
            .distinct()
            for stage, pointer in self.users
            if self.is_named_in(stage, pointer)
        ]
        if not named:
            return
        cells = [self.cell(name).name for name in key]
        self._connection.execute(sa.insert(table).from_select(cells, sa.union(*named)))
        # Unique, so that where a view is asked for other columns the database need not look here at all.
        sa.Index(f"vu_sought_{self.sought.number}_key", *map(self.cell, key), unique=True).create(self._connection)
        self._database.analyze(self._connection, table, [NUMBER, *cells])
        self._connection.execute(self.find())
        if records:
            self._connection.execute(self._find_staged(records))
        waiting = sa.select(sa.exists().where(table.c[ID].is_(None)))
        self.pending = bool(self._connection.scalar(waiting))

    def any_unfit(self) -> bool:
        """Whether any key means no row, or several."""
        table = self.table
        none = sa.and_(table.c[ID].is_(None), table.c[STAGED].is_(None))
        return bool(self._connection.scalar(sa.select(sa.exists().where(sa.or_(none, table.c[MATCHES] > 1)))))

    def unfit(self, stage: MemberStage, pointer: Pointer) -> sa.Select[Any] | None:
        """Number of rows, unit and key, where a unit means no row, or several, and may not; None where any may."""
        table = self.table
        is_nowhere = [table.c[ID].is_(None), table.c[STAGED].is_(None)]
        is_nowhere += [table.c[NUMBER].not_in(keys) for keys in self._to_be_made()]
        none = sa.and_(*is_nowhere), pointer.missing is Missing.REQUIRE
        several = table.c[MATCHES] > 1, pointer.ambiguous is Ambiguous.REFUSE
        asked = [condition for condition, refuses in (none, several) if refuses]
        if not asked or not self.is_named_in(stage, pointer):
            return None
        cells = [self.cell(name) for name in self.sought.target.key]
        query = sa.select(sa.func.coalesce(table.c[MATCHES], 0), stage.unit, *cells)
        query = query.select_from(stage.table.join(table, self.means(pointer, stage)))
        return query.where(sa.or_(*asked)).order_by(stage.unit, table.c[NUMBER])

    def _to_be_made(self) -> Iterator[sa.Select[int]]:
        """Numbers of keys of which a row is made where there is none, as somebody's setting asks for it."""
        for stage, pointer in self.users:
            if pointer.missing is Missing.CREATE and self.is_named_in(stage, pointer):
                keys = self.table.alias("made")
                yield sa.select(keys.c[NUMBER]).select_from(stage.table.join(keys, self.means(pointer, stage, keys)))

    def needed(self, stage: MemberStage, pointer: Pointer) -> sa.Select[int, int] | None:
        """Pairs of units of which the first means a row that the second brings; None where there can be none."""
        if self._records is None or not self.pending or not self.is_named_in(stage, pointer):
            return None
        table, records = self.table, self._records.table
        found = stage.table.join(table, self.means(pointer, stage)).join(records, records.c[ROW] == table.c[STAGED])
        pairs = sa.select(stage.unit, records.c[UNIT]).select_from(found).where(table.c[ID].is_(None))
        return pairs.where(stage.unit != records.c[UNIT]).distinct()

    def waited_for(
        self, part: sa.Table, stage: MemberStage, pointer: Pointer, bringing: sa.Table
    ) -> sa.Select[int, int]:
        """Positions of rows that mean one which is only to be written, and the position of that one."""
        table, brought = self.table, bringing.alias("brought")
        found = part.join(stage.table, stage.table.c[SEQ] == part.c.row).join(table, self.means(pointer, stage))
        found = found.join(brought, brought.c.row == table.c[STAGED])
        return sa.select(part.c.pos, brought.c.pos).select_from(found).where(table.c[ID].is_(None))

    def ambiguous(self, stage: MemberStage, pointer: Pointer) -> Sequence[str]:
        """Keys that several rows have, of those that are taken all the same."""
        if not self.is_named_in(stage, pointer) or pointer.ambiguous is Ambiguous.REFUSE:
            return ()
        cells = [self.cell(name) for name in self.sought.target.key]
        used = sa.exists().where(self.means(pointer, stage))
        query = sa.select(*cells).where(self.table.c[MATCHES] > 1, used).order_by(self.table.c[NUMBER])
        return [key_text(self.sought.target.key, row) for row in self._connection.execute(query)]

    def forget_removed(self) -> None:
        """Records have been taken out of the stages."""
        if self._records:
            self._forget(self.table.c[STAGED].not_in(sa.select(self._records.stage.table.c[SEQ])))

    def forget_left_out(self, part: sa.Table, first: int, last: int) -> None:
        """Records at these positions will not be written after all: what they bring may be made instead."""
        if self._records:
            left_out = sa.select(part.c.row).where(part.c.action == LEFT_OUT)
            here = self.table.c[STAGED].in_(left_out.where(part.c.pos.between(first, last)))
            self._forget(self.table.c[ID].is_(None) & here, self._records.table.c[ROW].not_in(left_out))

    def _forget(self, gone: sa.ColumnElement[bool], *others: sa.ColumnElement[bool]) -> None:
        """No record brings these keys any more, unless one of the ``others`` does."""
        forgotten = self._connection.execute(sa.update(self.table).where(gone).values({STAGED: None})).rowcount
        if self._records and forgotten:
            self._connection.execute(self._find_staged(self._records).where(*others))

    @staticmethod
    def is_named_in(stage: MemberStage, pointer: Pointer) -> bool:
        """Whether any record has the natural key."""
        return set(pointer.cells.values()) <= set(stage.table.c.keys())

    def made(self) -> int:
        """Rows that were made since they were not there."""
        mine = self.table.c[POINTER].isnot(None) & self.table.c[ID].isnot(None)
        return int(self._connection.scalar(sa.select(sa.func.count()).select_from(self.table).where(mine)) or 0)

    def look_again(self) -> None:
        """Others may have written rows meanwhile."""
        if self.pending:
            self._connection.execute(self.find())

    def written(self, part: sa.Table, first: int, last: int) -> None:
        """Rows of the table have been written: those at these positions of its part of the plan get their numbers."""
        if self.pending:
            self._of_part(part).run(self._connection, first=first, last=last)

    def _of_part(self, part: sa.Table) -> Prepared:
        if self._found_in_part is None:
            first, last = (sa.bindparam(name, None, type_=sa.Integer) for name in ("first", "last"))
            here = sa.select(part.c.row).where(part.c.pos.between(first, last))
            sa.Index(f"vu_sought_{self.sought.number}_staged", self.table.c[STAGED]).create(self._connection)
            self._found_in_part = prepare(self.find(lambda keys: keys.c[STAGED].in_(here)), self._connection)
        return self._found_in_part

    def find(self, which: Callable[[sa.FromClause], sa.ColumnElement[bool]] | None = None) -> sa.Update:
        """Give the keys that have no row yet the first row that the database has of them, and how many there are.

        ``which``: of the keys in the table that it is given, those that are looked for.
        """
        table, rows = self.table, self.rows
        inner = table.alias("inner_sought")
        same = [self._same(inner.c[self.cell(name).name], rows.c[name], name) for name in self.sought.target.key]
        to = rows.c[self.sought.to]
        found = (
            sa.select(
                inner.c[NUMBER].label("found"),
                to.label("to"),
                sa.func.count().over(partition_by=inner.c[NUMBER]).label("matches"),
                sa.func.row_number().over(partition_by=inner.c[NUMBER], order_by=to).label("place"),
            )
            .select_from(inner.join(rows, sa.and_(*same)))
            .where(inner.c[ID].is_(None), *([which(inner)] if which else []))
            .subquery("found")
        )
        values = {ID: found.c.to, MATCHES: found.c.matches}
        return sa.update(table).values(values).where(table.c[NUMBER] == found.c.found, found.c.place == 1)

    def _find_staged(self, staged: Resolved) -> sa.Update:
        """Note, of keys that the database has no row of, the record that brings it."""
        table, records = self.table, staged.table
        if not set(self.sought.target.key) <= set(records.c.keys()):
            return sa.update(table).values({STAGED: None}).where(sa.false())
        same = (self._same(self.cell(name), records.c[name], name) for name in self.sought.target.key)
        none_yet = table.c[ID].is_(None), table.c[STAGED].is_(None)
        return sa.update(table).values({STAGED: records.c[ROW]}).where(*none_yet, *same)

    def _collated(self, cell: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[Any]:
        collation = self.collations.get(name)
        return sa.collate(cell, collation) if collation else cell

    def _same(self, ours: sa.ColumnElement[Any], theirs: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
        """Equal; a part that may be null is alike where both are."""
        same: sa.ColumnElement[bool] = ours == theirs
        return ours.is_not_distinct_from(theirs) if self.sought.target.column(name).nullable else same

    def _made(self) -> sa.Table:
        target = self.sought.target
        sqlite = self._database.is_sqlite
        number = (
            sa.Column(NUMBER, sa.Integer, primary_key=True)
            if sqlite
            else sa.Column(NUMBER, sa.BigInteger, sa.Identity())
        )
        table = sa.Table(
            f"vu_sought_{self.sought.number}",
            sa.MetaData(),
            number,
            *(
                sa.Column(f"k{at}", declared(target.column(name).type, self.collations.get(name)))
                for at, name in enumerate(target.key)
            ),
            sa.Column(ID, declared(target.column(self.sought.to).type)),
            sa.Column(MATCHES, sa.Integer),
            sa.Column(STAGED, sa.BigInteger),
            sa.Column(POINTER, sa.Integer),
            sa.Column(BY, sa.BigInteger),
            sa.Column(POS, sa.BigInteger),
            prefixes=["TEMPORARY"],
        )
        self._connection.execute(CreateTable(table))
        return table
