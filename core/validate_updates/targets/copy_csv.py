"""Rows as CSV for PostgreSQL's COPY, a block at a time.

msgspec writes them as JSON, an array a line. With the backslash as its escape that is CSV already, but for the brackets
around each line and for control characters, which JSON escapes and CSV takes as they are.
"""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import msgspec

from validate_updates.targets.table import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from validate_updates.shapes import Rows

FORMAT: Final = "(FORMAT csv, NULL 'null', ESCAPE E'\\\\', ENCODING 'UTF8')"
"""What COPY must be told to read :func:`as_csv`. Texts stand in quotes, so that the text ``null`` is none."""


def as_csv(rows: Rows, kinds: Sequence[Kind]) -> bytes:
    """The rows, each with the number of its shape last. Raises ``UnicodeEncodeError`` for half a surrogate pair.

    ``kinds``: of the shape's columns.
    """
    numbered = zip(*_columns(rows, kinds), repeat(rows.shape.number))
    data = _BRACKETS.sub(b"\n", _ENCODER.encode_lines(numbered)[1:])
    return _ESCAPED.sub(_plain, data) if b"\\" in data and _ODD.search(data) else data


def _columns(rows: Rows, kinds: Sequence[Kind]) -> list[Any]:
    cells = rows.cells
    for at, kind in enumerate(kinds):
        text = _TEXTS.get(kind)
        if text:
            cells = cells.copy() if cells is rows.cells else cells
            cells[at :: rows.width] = [None if cell is None else text(cell) for cell in cells[at :: rows.width]]
    return [iter(cells)] * rows.width


_TEXTS: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.BYTES: lambda value: "\\x" + value.hex(),
    Kind.OTHER: str,  # as Python spells numbers, should the type be one of text
}
"""Values that JSON spells otherwise than PostgreSQL expects."""

_ENCODER: Final = msgspec.json.Encoder()
_BRACKETS: Final = re.compile(rb"\]\n\[?")  # within a text, a line feed would be an escape
_ODD: Final = re.compile(rb'\\[^"\\]')
_ESCAPED: Final = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|(.))")
_LETTERS: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def _plain(escape: re.Match[bytes]) -> bytes:
    return chr(int(escape[1], 16)).encode() if escape[1] else _LETTERS.get(escape[2], escape[0])
