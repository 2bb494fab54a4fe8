"""A connection to a database, and its errors in our words where no run is under way yet, or any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from validate_updates.errors import LockHeld, TargetError
from validate_updates.targets.trouble import Blame, world_error

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.targets.base import Database


@contextmanager
def reached(database: Database) -> Iterator[sa.Connection]:
    """A connection of its own. Raises ``TargetError`` where the database cannot be reached."""
    try:
        connection = database.engine.connect()
    except database.errors as error:
        original = getattr(error, "orig", None) or error
        code = getattr(original, "sqlite_errorname", None) or type(original).__name__
        raise TargetError(
            f"the target {database.url} cannot be reached [{code}]", hint=what_to_check(database)
        ) from error
    with connection:
        yield connection


def what_to_check(database: Database) -> str:
    """Where the database cannot be reached or read: the hint."""
    if database.is_sqlite:
        return "check the file: is it a SQLite database, and whole, and may it be read? validate-updates doctor"
    return "check the URL, the server, the password: validate-updates doctor"


@contextmanager
def told(database: Database, connection: sa.Connection) -> Iterator[None]:
    """Errors of the driver as ``TargetError``, or ``LockHeld`` where others are in the way; nothing was changed."""
    try:
        yield
    except database.errors as error:
        trouble = database.trouble(error, connection)
        failure = world_error(trouble)
        if trouble.blame is Blame.RETRY:
            raise LockHeld(failure.message, hint="try again later; nothing was changed") from error
        raise TargetError(failure.message, hint="mend it, then try again; nothing was changed") from error
