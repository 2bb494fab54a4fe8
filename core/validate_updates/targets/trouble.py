"""What an exception of a database means for the run: a record's fault, bad luck, or the end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from validate_updates.errors import TargetError


class Blame(StrEnum):
    """Who is to blame, and so what to do."""

    RECORD = "record"
    """A record of the batch: find it, keep it out."""
    RETRY = "retry"
    """Other users of the database: the same work may succeed later."""
    WORLD = "world"
    """Disk, network, permissions, a damaged file: stop; never blame a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An exception, sorted. ``message`` never holds values of records."""

    blame: Blame
    code: str
    """The database's own name for it: ``SQLITE_CONSTRAINT_UNIQUE``, ``23505``."""
    message: str
    constraint: str = ""
    column: str | None = None
    other_rows_matter: bool = False
    """Whether it may pass once other rows have changed: a value that must be unique, a row that must be there."""
    transaction_alive: bool = True
    """Whether a return to a savepoint is still possible."""


def world_error(trouble: Trouble) -> TargetError:
    """The error for trouble that no record is to blame for."""
    hint = (
        "try again later" if trouble.blame is Blame.RETRY else "mend it, then run the update again; nothing was changed"
    )
    return TargetError(f"the target database: {trouble.message} [{trouble.code}]", hint=hint)
