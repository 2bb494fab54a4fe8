"""Rows that need each other: refused one by one, they can go, or come back, together.

Of all that the database refuses, what foreign keys hold is set aside. The others are taken back by one statement for
each table, since a key is checked at the statement's end. Where tables refer to each other, so that none can be the
first, the rows that go lose their references before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates.targets.savepoint import savepoint
from validate_updates.undo.held import set_aside
from validate_updates.undo.result import Reason
from validate_updates.undo.steps import READY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import sqlalchemy as sa

    from validate_updates.undo.keys import Key
    from validate_updates.undo.restoring import Restoring


class _StuckError(Exception):
    """None of the tables can be the first."""


def take_together(connection: sa.Connection, restorings: Sequence[Restoring]) -> bool:
    """Take back rows that the database refused, and that need only each other; whether there were any."""
    if not any(restoring.count(Reason.REFUSED) for restoring in restorings):
        return False
    for restoring in restorings:
        restoring.reconsider()
    keys = dict.fromkeys(key for restoring in restorings for key in restoring.keys)
    set_aside(connection, keys, {restoring.name: restoring.matching for restoring in restorings})
    waiting = [restoring for restoring in reversed(restorings) if restoring.count(READY)]
    left = [restoring for restoring in waiting if not restoring.take_ready()]
    taken = len(left) < len(waiting) or (len(waiting) > 1 and _without_references(connection, waiting, keys))
    for restoring in restorings:
        restoring.give_up()
    return taken


def _without_references(connection: sa.Connection, waiting: Sequence[Restoring], keys: Iterable[Key]) -> bool:
    """Take back tables that refer to each other; whether all could be."""
    try:
        with savepoint(connection):
            _empty_and_take(waiting, keys)
    except _StuckError:
        return False
    return True


def _empty_and_take(waiting: Sequence[Restoring], keys: Iterable[Key]) -> None:
    names = {restoring.name for restoring in waiting}
    for restoring in waiting:
        own = (key for key in keys if key.child == restoring.name and key.parent in names)
        if not restoring.empty([name for key in own for name in key.children()]):
            raise _StuckError
    while waiting:
        left = [restoring for restoring in waiting if not restoring.take_ready()]
        if len(left) == len(waiting):
            raise _StuckError
        waiting = left
