"""Texts of SQLite whose bytes are no UTF-8: they are stored, and so have to be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    import sqlalchemy as sa

    from validate_updates.targets.base import Database


@contextmanager
def broken_text_is_read(database: Database, connection: sa.Connection) -> Iterator[None]:
    """While it lasts, SQLite gives texts that are no UTF-8 as well, their odd bytes as surrogates."""
    if not database.is_sqlite:
        yield
        return
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    before, driver.text_factory = driver.text_factory, lambda data: data.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before
