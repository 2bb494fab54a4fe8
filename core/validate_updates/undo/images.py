"""Rows as the undo log keeps them: JSON objects, computed by the database itself, exact for any value it can store.

The form of a cell is told in ``docs/journal.md``. The expressions are made once a run, and are part of statements that
run for every batch.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql.elements import Grouping

from validate_updates.targets.table import Column, Kind

if TYPE_CHECKING:
    import sqlite3

    from validate_updates.targets.base import Database

Element = sa.ColumnElement[Any]
Cell = tuple[Column, Element]
"""A column of the target, and what stands in it."""

_AT_ONCE: Final = 50
"""Columns that one call of a JSON function takes: SQLite allows 127 arguments, two a column."""
_ODD: Final = {Kind.REAL, Kind.BYTES, Kind.OTHER}
"""Kinds of columns that commonly hold reals or blobs. A column of text can hold no real."""


class Images(ABC):
    """How one kind of database writes images."""

    @abstractmethod
    def row(self, cells: Sequence[Cell]) -> Element:
        """Cells as an object, in their order."""


@dataclass(frozen=True, slots=True)
class SqliteImages(Images):
    """SQLite stores any value in any column, and its JSON functions know neither blobs nor all digits of a real.

    The common row, of texts and integers, is written by one call. A row with a real where its column expects none is
    found out by its types, and written cell by cell. A blob in a column of text makes the statement fail: it is to be
    run once more, ``exact``.
    """

    exact: bool = False
    """Every cell for itself."""

    def row(self, cells: Sequence[Cell]) -> Element:
        """By one function, as far as it goes."""
        cells = [(column, _bare(element) if column.generated else element) for column, element in cells]
        plain = [] if self.exact else [cell for cell in cells if cell[0].kind not in _ODD]
        others = [cell for cell in cells if self.exact or cell[0].kind in _ODD]
        suspects = [sa.func.typeof(element) for column, element in plain if column.kind is not Kind.TEXT]
        if not suspects:
            return self._object(plain, others)
        return sa.case((_text("real").in_(suspects), self._object([], cells)), else_=self._object(plain, others))

    def _cell(self, column: Column, element: Element) -> Element:
        """Reals and blobs as objects of one member."""
        quoted = sa.func.json_quote(element)
        if column.kind is Kind.TEXT and not self.exact:
            return quoted
        real = _text('{"real":"').concat(sa.func.vu_real(element)).concat(_text('"}'))
        blob = _text('{"blob":"').concat(sa.func.hex(element)).concat(_text('"}'))
        kind = sa.func.typeof(element)
        return sa.case((kind == _text("real"), real), (kind == _text("blob"), blob), else_=quoted)

    def _object(self, plain: Sequence[Cell], others: Sequence[Cell]) -> Element:
        groups = [plain[start : start + _AT_ONCE] for start in range(0, len(plain), _AT_ONCE)]
        objects = [sa.func.json_object(*_arguments(group)) for group in groups]
        if len(objects) == 1 and not others:
            return objects[0]
        # No member ends in a brace: what is trimmed are the objects' own.
        members: list[Element] = [sa.func.trim(one, _text("{}")) for one in objects]
        members += [_text(f"{_json(column.name)}:").concat(self._cell(column, element)) for column, element in others]
        commas = [part for member in members for part in (_text(","), member)][1:]
        return _text("{").concat(_joined(commas)).concat(_text("}"))


def _bare(element: Element) -> Element:
    """What an expression of a computed column gives. A JSON function's text would go into an object as JSON itself."""
    return sa.case((sa.func.typeof(element) == _text("text"), element.concat(_text(""))), else_=element)


class PostgresImages(Images):
    """PostgreSQL: the text form of every value, which a cast takes back exactly."""

    def row(self, cells: Sequence[Cell]) -> Element:
        """By one function, from arrays: its arguments would be limited."""
        names: Element = array([_text(column.name) for column, _ in cells], type_=sa.Text)
        values: Element = array([sa.cast(element, sa.Text) for _, element in cells], type_=sa.Text)
        return sa.cast(sa.func.json_object(names, values), sa.Text)


def prepare_images(database: Database, connection: sa.Connection) -> None:
    """To be called once a connection, before images are written or read.

    SQLite learns to write a real with all its digits, which its own functions do not; PostgreSQL is told to.
    """
    if database.is_sqlite:
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        driver.create_function("vu_real", 1, repr, deterministic=True)
        return
    cursor = connection.connection.cursor()
    cursor.execute("SET extra_float_digits = 1")
    cursor.close()


def _arguments(cells: Sequence[Cell]) -> list[Element]:
    return [part for column, element in cells for part in (_text(column.name), element)]


def _joined(parts: Sequence[Element]) -> Element:
    """The texts one after the other, as a tree: a chain would be too deep for SQLite where there are many columns."""
    if len(parts) == 1:
        return parts[0]
    middle = (len(parts) + 1) // 2
    both = _joined(parts[:middle]).concat(_joined(parts[middle:]))
    return Grouping(both)


def _json(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _text(text: str) -> Element:
    """A text written out: there may be more of them than a statement takes parameters."""
    return sa.literal_column("'" + text.replace("'", "''") + "'", sa.Text)
