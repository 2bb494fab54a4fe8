"""The three statements that take entries back. Each works on the entries of its step in a range of ``pos``."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from validate_updates.targets.prepared import Prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.targets.base import Database
    from validate_updates.undo.loaded import Loaded
    from validate_updates.undo.matching import Matching

READY = "ready"
"""The state of an entry that is to be taken back now."""


class Step(StrEnum):
    """What takes an entry back."""

    DELETE = "delete"
    UPDATE = "update"
    INSERT = "insert"


ORDERS: Final = (
    (Step.DELETE, Step.UPDATE, Step.INSERT),
    (Step.DELETE, Step.INSERT, Step.UPDATE),
)
"""The reverse of how an update writes; and, for rows that refer to one that was deleted, the other way round."""


class Steps:
    """The statements, made once."""

    def __init__(self, database: Database, connection: sa.Connection, loaded: Loaded, matching: Matching) -> None:
        self._database = database
        self._connection = connection
        self._loaded = loaded
        self._matching = matching
        self._statements = {Step.DELETE: self._delete(), Step.UPDATE: self._update(), Step.INSERT: self._insert()}

    def run(self, first: int, last: int, order: Sequence[Step]) -> None:
        """Take back the entries that are ready. Errors are the driver's own."""
        for step in order:
            self._statements[step].run(self._connection, first=first, last=last)

    def empty(self, first: int, last: int, names: Sequence[str]) -> None:
        """Empty columns of the rows that are to be deleted."""
        emptied = sa.update(self._matching.rows).values(dict.fromkeys(names, sa.null())).where(self._added())
        prepare(emptied, self._connection).run(self._connection, first=first, last=last)

    def _delete(self) -> Prepared:
        return prepare(sa.delete(self._matching.rows).where(self._added()), self._connection)

    def _added(self) -> sa.ColumnElement[bool]:
        """The rows to be deleted."""
        rows, again = self._matching.rows, self._matching.rows.alias("found")
        entry, target = self._matching.entry, self._loaded.target
        if target.rowid:
            found = sa.select(again.c.rowid).select_from(entry.join(again, self._matching.same_key(again)))
            return rows.c.rowid.in_(found.where(self._within(Step.DELETE)))
        keys = sa.select(*(self._loaded.written(name) for name in target.key)).where(self._within(Step.DELETE))
        columns = [self._as_keyed(name) for name in target.key]
        return columns[0].in_(keys) if len(columns) == 1 else sa.tuple_(*columns).in_(keys)

    def _update(self) -> Prepared:
        rows, again = self._matching.rows, self._matching.rows.alias("found")
        entry, target = self._matching.entry, self._loaded.target
        names = [name for name in self._loaded.columns if not target.column(name).generated]
        cells = [self._loaded.before(name) for name in names]
        if target.rowid:
            where: list[sa.ColumnElement[Any]] = [again.c.rowid.label("tid")]
            source = sa.select(*cells, *where).select_from(entry.join(again, self._matching.same_key(again)))
        else:
            where = [self._loaded.written(name) for name in target.key]
            source = sa.select(*cells, *where)
        source = source.where(self._within(Step.UPDATE))
        if self._database.is_sqlite:
            source = source.limit(-1)  # read once, and not for each row of the target
        changed = source.subquery("changed")
        values: dict[Any, Any] = {name: changed.c[cell.name] for name, cell in zip(names, cells, strict=True)}
        if target.rowid:
            found: sa.ColumnElement[bool] = rows.c.rowid == changed.c.tid
        else:
            found = sa.and_(
                *(changed.c[ours.name] == rows.c[name] for name, ours in zip(target.key, where, strict=True))
            )
        return prepare(sa.update(rows).values(values).where(found), self._connection)

    def _insert(self) -> Prepared:
        entry, target = self._matching.entry, self._loaded.target
        query = sa.select(*(self._loaded.before(name) for name in self._loaded.columns))
        cells = prepare(query.where(self._within(Step.INSERT)).order_by(entry.c.pos), self._connection)
        quote = self._connection.dialect.identifier_preparer
        table = (
            f"{quote.quote(target.schema)}.{quote.quote(target.name)}" if target.schema else quote.quote(target.name)
        )
        names = ", ".join(quote.quote(name) for name in self._loaded.columns)
        # PostgreSQL would number the rows anew in a column that is GENERATED ALWAYS AS IDENTITY.
        overriding = "" if self._database.is_sqlite else "OVERRIDING SYSTEM VALUE "
        return replace(cells, sql=f"INSERT INTO {table} ({names}) {overriding}{cells.sql}")

    def _within(self, step: Step) -> sa.ColumnElement[bool]:
        entry = self._matching.entry
        first, last = (sa.bindparam(name, type_=sa.BigInteger) for name in ("first", "last"))
        is_step = entry.c.step == sa.literal_column(f"'{step}'")
        return sa.and_(entry.c.pos.between(first, last), entry.c.state == sa.literal_column(f"'{READY}'"), is_step)

    def _as_keyed(self, name: str) -> sa.ColumnElement[Any]:
        """A key column of the target compared as the key's own index does; elsewhere ours stands left for that."""
        column = self._matching.rows.c[name]
        if not self._database.is_sqlite:
            return column
        collations = self._database.key_collations(self._connection, self._loaded.target.sql, self._loaded.target.key)
        return sa.collate(column, collations.get(name, "BINARY"))
