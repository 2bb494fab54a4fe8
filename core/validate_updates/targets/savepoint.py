"""Savepoints, by plain statements: SQLAlchemy's own compile anew each time, which a batch of 50 records would feel."""

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
    savepoint would fail, and hide it.
    """
    name = f"vu_{next(_numbers)}"
    connection.exec_driver_sql(f"SAVEPOINT {name}")
    try:
        yield
    except BaseException:
        if _alive(connection):
            _take_back(connection, name)
        raise
    if keep:
        connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")
    else:
        _take_back(connection, name)


def _take_back(connection: sa.Connection, name: str) -> None:
    connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {name}")
    connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")


def _alive(connection: sa.Connection) -> bool:
    if connection.closed or connection.invalidated:
        return False
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return bool(driver.in_transaction)  # type: ignore[union-attr]
    return not driver.closed  # type: ignore[union-attr]
