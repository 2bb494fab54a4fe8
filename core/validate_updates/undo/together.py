"""Taking back several tables: in which order, and together what needs each other.

Rows that are refused one by one can go, or come back, together. Of all that the database refuses, what foreign keys
hold is set aside. The others are taken back by one statement for each table, since a key is checked at the statement's
end. Where tables refer to each other, so that none can be the first, the rows that go lose their references before.
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


def take_back_all(connection: sa.Connection, restorings: Sequence[Restoring]) -> None:
    """Take back all tables, which are given in the order in which they were written, as far as that is possible."""
    apart = sum(restoring.brings_back() for restoring in restorings) > 1
    for after_refused in (False, True):
        _in_turn(restorings, apart=apart, after_refused=after_refused)
        while _take_together(connection, restorings) or any(restoring.retry() for restoring in restorings):
            # What was refused passed once other rows were taken back: so may what is older than that.
            _in_turn(restorings, apart=apart, after_refused=after_refused)


def _in_turn(restorings: Sequence[Restoring], *, apart: bool, after_refused: bool) -> None:
    """What was written last may refer to what was written first, and goes first.

    ``apart``: rows of several tables come back. They do so after all others have gone, and those that were written
    first before those that refer to them: else a row would refer to the one that has taken its parent's number.
    """
    found = True
    while found:
        taken = [one.take_back(after_refused=after_refused, put_back=not apart) for one in reversed(restorings)]
        for restoring in restorings if apart else ():
            restoring.put_back()
        found = any(taken)


def _take_together(connection: sa.Connection, restorings: Sequence[Restoring]) -> bool:
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
