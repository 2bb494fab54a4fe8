"""Rows as the undo log keeps them, exact for any value that the database can store.

SQLite keeps each cell in a column of its own, ``b0``, ``b1``, … for the row of before and ``a0``, ``a1``, … for the row
as written, in the order of the target's columns. They have no type, so that every value stays what it is; JSON would
cost more than twice as much, and knows neither blobs nor all digits of a real. PostgreSQL keeps each row as an array of
text forms, which casts take back exactly. Which cell is which column, an entry of the run tells:
:mod:`~validate_updates.undo.layout`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from validate_updates.targets.base import Database

Element = sa.ColumnElement[Any]
BEFORE: Final = "b"
AFTER: Final = "a"


class Images(ABC):
    """How one kind of database keeps images in columns of the undo log."""

    @abstractmethod
    def columns(self, kind: str, width: int) -> list[str]:
        """Names of the columns for an image of ``kind`` of a table of ``width`` columns."""

    @abstractmethod
    def keep(self, cells: Sequence[Element]) -> list[Element]:
        """What goes into these columns, from the cells of a whole row."""

    @abstractmethod
    def cell(self, undo: sa.FromClause, kind: str, number: int, *, spelled: str) -> Element:
        """The cell of that number, from the undo log, as a value of the target's column."""


class SqliteImages(Images):
    """A column for each cell."""

    def columns(self, kind: str, width: int) -> list[str]:
        """Numbered."""
        return [f"{kind}{number}" for number in range(width)]

    def keep(self, cells: Sequence[Element]) -> list[Element]:
        """The values themselves."""
        return list(cells)

    def cell(self, undo: sa.FromClause, kind: str, number: int, *, spelled: str) -> Element:  # noqa: ARG002  # none needed
        """The value itself."""
        return undo.c[f"{kind}{number}"]


class PostgresImages(Images):
    """An array for each row."""

    def columns(self, kind: str, width: int) -> list[str]:  # noqa: ARG002  # any
        """One."""
        return [_IMAGES[kind]]

    def keep(self, cells: Sequence[Element]) -> list[Element]:
        """The text forms."""
        from sqlalchemy.dialects.postgresql import array  # here: an update of SQLite does without the whole dialect

        return [array([sa.cast(cell, sa.Text) for cell in cells], type_=sa.Text)]

    def cell(self, undo: sa.FromClause, kind: str, number: int, *, spelled: str) -> Element:  # noqa: ARG002  # by name
        """Cast back; ``spelled``: the column's type, as the database spells it."""
        text: Element = sa.literal_column(f"{_IMAGES[kind]}[{number + 1}]", sa.Text)
        return sa.cast(text, Spelled(spelled))


_IMAGES: Final = {BEFORE: "before_image", AFTER: "after_image"}


class Spelled(sa.types.UserDefinedType[Any]):
    """A type as the database spells it; none at all for a column of SQLite that keeps every value as it is."""

    cache_ok = True

    def __init__(self, spelling: str = "") -> None:
        self.spelling = spelling

    def get_col_spec(self, **_: Any) -> str:
        """As it stands in a statement."""
        return self.spelling


def prepare_images(database: Database, connection: sa.Connection) -> None:
    """To be called once a connection, before images are written or read: PostgreSQL is to write all digits."""
    if not database.is_sqlite:
        cursor = connection.connection.cursor()
        cursor.execute("SET extra_float_digits = 1")
        cursor.close()


def images_of(database: Database) -> Images:
    """The way of this database."""
    return SqliteImages() if database.is_sqlite else PostgresImages()
