"""Savepoints, on the driver's own cursor: SQLAlchemy's compile anew each time, which batches of 50 would feel."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

# One name for all, of which the innermost is meant: SQLite's driver keeps a statement that it has seen.
_NAME: Final = "vu_step"
_BEGIN: Final = f"SAVEPOINT {_NAME}"
_ROLL_BACK: Final = f"ROLLBACK TO SAVEPOINT {_NAME}"
_RELEASE: Final = f"RELEASE SAVEPOINT {_NAME}"


@contextmanager
def savepoint(connection: sa.Connection, *, keep: bool = True) -> Iterator[None]:
    """What is done in the block stands, or is taken back where an exception leaves it (or ``keep`` is false).

    Where the whole transaction is gone, as after some failures of SQLite, the exception goes up alone: a return to the
    savepoint would fail, and hide it. Errors are the driver's own; ``Database.trouble`` sorts them.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_BEGIN)
        try:
            yield
        except BaseException:
            if _alive(connection):
                cursor.execute(_ROLL_BACK)
                cursor.execute(_RELEASE)
            raise
        if not keep:
            cursor.execute(_ROLL_BACK)
        cursor.execute(_RELEASE)
    finally:
        cursor.close()


def _alive(connection: sa.Connection) -> bool:
    if connection.closed or connection.invalidated:
        return False
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return bool(driver.in_transaction)  # type: ignore[union-attr]
    return not driver.closed  # type: ignore[union-attr]
