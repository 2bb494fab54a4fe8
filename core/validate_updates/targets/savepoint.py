"""Savepoints, on the driver's own cursor: SQLAlchemy's compile anew each time, which batches of 50 would feel."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

_numbers = count(1)


@contextmanager
def savepoint(connection: sa.Connection, *, keep: bool = True) -> Iterator[None]:
    """What is done in the block stands, or is taken back where an exception leaves it (or ``keep`` is false).

    Where the whole transaction is gone, as after some failures of SQLite, the exception goes up alone: a return to the
    savepoint would fail, and hide it. Errors are the driver's own; ``Database.trouble`` sorts them.
    """
    cursor = connection.connection.cursor()
    name = f"vu_{next(_numbers)}"
    try:
        cursor.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            if _alive(connection):
                cursor.execute(f"ROLLBACK TO SAVEPOINT {name}")
                cursor.execute(f"RELEASE SAVEPOINT {name}")
            raise
        if not keep:
            cursor.execute(f"ROLLBACK TO SAVEPOINT {name}")
        cursor.execute(f"RELEASE SAVEPOINT {name}")
    finally:
        cursor.close()


def _alive(connection: sa.Connection) -> bool:
    if connection.closed or connection.invalidated:
        return False
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return bool(driver.in_transaction)  # type: ignore[union-attr]
    return not driver.closed  # type: ignore[union-attr]
