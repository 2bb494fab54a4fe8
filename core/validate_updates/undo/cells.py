"""From an image in the undo log back to what a driver takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

    import sqlalchemy as sa

    from validate_updates.targets.base import Database

Image = dict[str, Any]
"""Column name -> value: as SQLite stores it, or its text form on PostgreSQL."""


@dataclass(frozen=True, slots=True)
class BrokenText:
    """A text of SQLite whose bytes are no UTF-8; no driver sends it as a text."""

    data: bytes


def image(text: str | None) -> Image:
    """The cells of an image; none of a null. Read it while :func:`broken_text_is_read`."""
    if text is None:
        return {}
    value = _value if _is_sound(text) else _value_or_broken
    return {name: value(cell) for name, cell in json.loads(text).items()}


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


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _value(cell: Any) -> Any:
    if isinstance(cell, dict):
        return float(cell["real"]) if "real" in cell else bytes.fromhex(cell["blob"])
    return cell


def _value_or_broken(cell: Any) -> Any:
    if isinstance(cell, str) and not _is_sound(cell):
        return BrokenText(cell.encode("utf-8", "surrogateescape"))
    return _value(cell)
