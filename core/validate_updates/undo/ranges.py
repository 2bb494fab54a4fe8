"""A range of the plan, in statements: which positions, and which rows of the target they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.targets.plan import INSERT

if TYPE_CHECKING:
    from validate_updates.targets.plan import Plan


def within(plan: Plan, action: str) -> sa.ColumnElement[bool]:
    """Positions ``:first`` to ``:last`` with that action."""
    first, last = (sa.bindparam(name, None, type_=sa.Integer) for name in ("first", "last"))
    return sa.and_(plan.table.c.pos.between(first, last), plan.table.c.action == sa.literal_column(f"'{action}'"))


def batch_number(plan: Plan) -> sa.ColumnElement[int]:
    """``:number`` at the position ``:first``, and one more every ``:batch_size`` positions."""
    number, first, size = (sa.bindparam(name, None, type_=sa.Integer) for name in ("number", "first", "batch_size"))
    return number + (plan.table.c.pos - first) // size


def entry_number(plan: Plan, action: str) -> sa.ColumnElement[int]:
    """The number of an entry about a position between ``:first`` and ``:last``, in the order of the undo log.

    Inserts are taken down after all else in the range, so they are numbered after it too: in between, they would split
    the pages just filled. Where several plans write into one log, each has numbers of its own.
    """
    own = plan.entries_from(action)
    if own is not None:
        return plan.number + sa.literal_column(str(own), sa.BigInteger)
    bound = sa.bindparam("last" if action == INSERT else "first", None, type_=sa.BigInteger)
    return plan.table.c.pos + bound + (1 if action == INSERT else 0)


def updated(plan: Plan) -> sa.FromClause:
    """The records, and the rows of the target that are there already."""
    same = plan.rows.c.rowid == plan.table.c.tid if plan.target.rowid else plan.same_key(plan.cells)
    return plan.records.join(plan.rows, same)


def inserted(plan: Plan) -> sa.FromClause:
    """The records, and the rows of the target that they became."""
    return plan.records.join(plan.rows, plan.same_key(plan.cells))


def deleted(plan: Plan) -> sa.FromClause:
    """Plan and the rows of the target that are to go."""
    return plan.deletions.join(plan.rows, plan.same_key(plan.doomed.c))
