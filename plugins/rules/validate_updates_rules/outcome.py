"""The row that each record to be written would make: what the rules are asked about."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from validate_updates import Context


class Plain(sa.types.UserDefinedType[Any]):
    """A value as it is: what it is compared with goes to the database as the driver sends it."""

    cache_ok = True


class Outcome:
    """Records to be written, as rows of a subquery ``record`` with the columns of the target.

    A column that a record leaves out is NULL, or what the row has already where ``whole`` names the column.
    """

    def __init__(self, context: Context, whole: Collection[str] = ()) -> None:
        self.context = context
        staged, planned = context.staged, context.planned
        names = context.target.names
        self.unit = _unit_of(context)
        """The records whose children these are; None where they are the records."""
        partial = [name for name in names if name not in staged.c or context.carries(name) is not None]
        self._whole = frozenset(whole).intersection(partial)
        self._lacks = {name: _apart(f"vu_lacks{number}", names) for number, name in enumerate(partial)}
        self._new, self._position = _apart("vu_new", names), _apart("vu_position", names)
        rows = context.target.sql.alias("vu_present")
        found = planned.join(staged, staged.c["vu_row"] == planned.c.row)
        if self._whole:
            same = (staged.c[name] == sa.type_coerce(rows.c[name], Plain()) for name in context.target.key)
            found = found.outerjoin(rows, sa.and_(*same))
        query = sa.select(
            staged.c["vu_row"],
            *([staged.c["vu_unit"]] if self.unit else []),
            (staged.c["vu_row"] if self.unit else planned.c.pos).label(self._position),
            (planned.c.action == "I").label(self._new),
            *(sa.type_coerce(self._cell(name, rows), Plain()).label(name) for name in names),
            *(sa.not_(self._carried(name)).label(label) for name, label in self._lacks.items()),
        )
        self.record = query.select_from(found).where(planned.c.action.in_(("I", "U"))).subquery("record")

    def value(self, name: str) -> sa.ColumnElement[Any]:
        """What the row has in a column."""
        return self.record.c[name]

    @property
    def row(self) -> sa.ColumnElement[int]:
        """The record's number among the staged."""
        return self.record.c["vu_row"]

    @property
    def position(self) -> sa.ColumnElement[int]:
        """Its place in the plan; of a child, which shares that with others, in the source."""
        return self.record.c[self._position]

    @property
    def numbers(self) -> list[sa.ColumnElement[int]]:
        """``vu_row``, ``vu_order``, and of children the ``vu_unit``."""
        unit = [self.record.c["vu_unit"]] if self.unit else []
        return [self.row, self.position.label("vu_order"), *unit]

    @property
    def new(self) -> sa.ColumnElement[bool]:
        """Whether it makes a new row."""
        return self.record.c[self._new]

    def left_out(self, name: str) -> sa.ColumnElement[bool] | None:
        """Whether the record leaves a column out; None where none does."""
        return self.record.c[self._lacks[name]] if name in self._lacks else None

    def concerns(self, names: Collection[str]) -> sa.ColumnElement[bool] | None:
        """Whether a record has a say in any of these columns: it carries one, or makes a new row. None: all have."""
        lacking = [self.left_out(name) for name in names]
        known = [left_out for left_out in lacking if left_out is not None]
        if len(known) < len(lacking) or not known:
            return None
        return sa.or_(self.new, *map(sa.not_, known))

    def _cell(self, name: str, rows: sa.FromClause) -> sa.ColumnElement[Any]:
        staged = self.context.staged.c.get(name)
        if name not in self._whole:
            return sa.null() if staged is None else staged
        present = sa.type_coerce(rows.c[name], Plain())
        return present if staged is None else sa.case((self._carried(name), staged), else_=present)

    def _carried(self, name: str) -> sa.ColumnElement[bool]:
        carried = self.context.carries(name) if name in self.context.staged.c else sa.false()
        return sa.true() if carried is None else carried


def _unit_of(context: Context) -> Context | None:
    root = next(iter(context.tables))
    return None if context.target.name == root else context.of(root)


def _apart(name: str, names: Collection[str]) -> str:
    """``name``, or something like it that is not among ``names``."""
    taken = {one.lower() for one in names}
    while name in taken:
        name += "_"
    return name
