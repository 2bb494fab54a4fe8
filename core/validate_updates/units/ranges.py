"""A range of positions, in statements about one part of the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.targets.plan import INSERT, UPDATE

if TYPE_CHECKING:
    from validate_updates.units.plan import Part


def put(part: Part) -> sa.ColumnElement[bool]:
    """Rows that come or change at the positions ``:first`` to ``:last``."""
    first, last = (sa.bindparam(name, None, type_=sa.Integer) for name in ("first", "last"))
    actions = (part.table.c.action == sa.literal_column(f"'{action}'") for action in (INSERT, UPDATE))
    return sa.and_(part.table.c.pos.between(first, last), sa.or_(*actions))
