"""The order of units that need each other: one that brings a row comes before those that refer to it.

Otherwise a batch would be refused for want of rows that a later one brings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.targets.base import Database

_MOST: Final = 200
"""Links of a chain that are put in order. Units in a circle have none, and stay together at its end."""


def levels_of(database: Database, connection: sa.Connection, needs: Sequence[sa.Select[int, int]]) -> sa.Table | None:
    """The temporary table ``vu_level``: how many units come one after the other before a unit; None where none do.

    ``needs``: queries for pairs of units, of which the first needs the second.
    """
    pairs = _table("vu_needs", "unit", "other")
    connection.execute(CreateTable(pairs))
    for query in needs:
        connection.execute(pairs.insert().from_select(["unit", "other"], query))
    if not connection.scalar(sa.select(sa.exists().select_from(pairs))):
        return None
    sa.Index("vu_needs_other", pairs.c.other).create(connection)
    levels = _table("vu_level", "unit", "level")
    connection.execute(CreateTable(levels))
    first = sa.select(pairs.c.unit, sa.literal_column("1")).distinct()
    connection.execute(levels.insert().from_select(["unit", "level"], first))
    sa.Index("vu_level_unit", levels.c.unit, unique=True).create(connection)
    sa.Index("vu_level_level", levels.c.level).create(connection)
    for table, columns in ((pairs, ["unit", "other"]), (levels, ["unit", "level"])):
        database.analyze(connection, table, columns)
    for level in range(1, _MOST):
        before = levels.alias("before")
        waiting = sa.select(pairs.c.unit).join(before, before.c.unit == pairs.c.other).where(before.c.level == level)
        later = sa.update(levels).where(levels.c.unit.in_(waiting)).values(level=level + 1)
        if not connection.execute(later).rowcount:
            break
    return levels


def _table(name: str, *columns: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), *(sa.Column(one, sa.BigInteger) for one in columns), prefixes=["TEMPORARY"])
