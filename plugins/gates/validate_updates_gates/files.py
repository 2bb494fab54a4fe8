"""Files of evidence: read whole, bounded, and refused in one line where they are not what they should be."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeVar

import msgspec

from validate_updates import SourceError, printable

T = TypeVar("T")

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of a file. The results of 100,000 tests are a third of it."""


def contents(path: Path) -> bytes:
    """What a file holds. Raises ``SourceError`` where it cannot be read, or holds too much."""
    try:
        with path.open("rb") as file:
            found = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{_named(path)} cannot be read: {error.strerror or type(error).__name__}") from None
    if len(found) > MOST_BYTES:
        raise SourceError(f"{_named(path)} is larger than {MOST_BYTES // 1024**2} MB")
    return found


def from_json(path: Path, kind: type[T], what: str, *, made_by: str) -> T:
    """The object in a file of JSON. Raises ``SourceError`` where it is no such one."""
    try:
        return msgspec.json.decode(contents(path), type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        why = printable(error, 200) or type(error).__name__
        raise SourceError(f"{_named(path)} is not {what}: {why}", hint=f"made by {made_by}") from None


def refused(path: Path, what: str, *, hint: str = "") -> SourceError:
    """The error of a file that cannot be evidence."""
    return SourceError(f"{_named(path)} {what}", hint=hint)


def _named(path: Path) -> str:
    return printable(path, 300)
