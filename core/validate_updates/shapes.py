"""Records that carry the same columns, as rows to stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
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
    """Rows of one shape, cell after cell.

    One flat list: tuples by the thousand would burden the garbage collector.
    """

    shape: Shape
    cells: list[Any]
    """Of each row the values, in the order of the shape's columns, and then its source number."""

    @property
    def width(self) -> int:
        """Cells of a row."""
        return len(self.shape.columns) + 1

    def __len__(self) -> int:
        return len(self.cells) // self.width

    def tuples(self) -> Iterator[tuple[Any, ...]]:
        """Row by row."""
        return zip(*[iter(self.cells)] * self.width, strict=True)

    def halves(self) -> tuple[Rows, Rows]:
        """The same rows in two parts."""
        middle = len(self) // 2 * self.width
        return replace(self, cells=self.cells[:middle]), replace(self, cells=self.cells[middle:])


def in_key_order(shape: Shape, rows: list[tuple[Any, ...]]) -> Rows:
    """The rows by key. The plan reads the stage in key order, and finds neighbours side by side.

    An order is a matter of speed alone: keys of a type that mixes text and numbers stay as they are.
    """
    with suppress(TypeError):
        rows.sort(key=itemgetter(*shape.key_at))
    return Rows(shape, list(chain.from_iterable(rows)))
