"""Records that carry the same columns, as rows to stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, Final

MOST_SHAPES: Final = 2000
"""Different sets of columns in one update: more than any honest feed has, and few enough to name in a statement."""
_KEY_LENGTH: Final = 900


def key_length(columns: int) -> int:
    """Characters that a text in a key of so many columns may have.

    PostgreSQL's indexes take 2,700 bytes, which 900 characters need at the worst.
    """
    return _KEY_LENGTH // columns


@dataclass(frozen=True, slots=True)
class Shape:
    """The set of columns that a group of records carries."""

    number: int
    columns: tuple[str, ...]
    """In the table's order."""
    key_at: tuple[int, ...]
    """Where the key stands among them."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one shape, each with its source number as the last value."""

    shape: Shape
    rows: list[Any]
    as_tuple: Callable[[Any], tuple[Any, ...]] = tuple
    """Makes a tuple of a row. Tuples that live for one statement only never burden the garbage collector."""

    def tuples(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[Any, ...]]:
        """The rows from ``start`` to before ``stop``."""
        return map(self.as_tuple, self.rows[start:stop])

    def halves(self) -> tuple[Rows, Rows]:
        """The same rows in two parts."""
        middle = len(self.rows) // 2
        return replace(self, rows=self.rows[:middle]), replace(self, rows=self.rows[middle:])


def in_key_order(shape: Shape, rows: list[tuple[Any, ...]]) -> Rows:
    """The rows by key. The plan reads the stage in key order, and finds neighbours side by side.

    An order is a matter of speed alone: keys of a type that mixes text and numbers stay as they are.
    """
    with suppress(TypeError):
        rows.sort(key=itemgetter(*shape.key_at))
    return Rows(shape, rows)
