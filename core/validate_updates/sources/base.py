"""What a source hands to the engine: blocks of records, each record with a number that leads back to its place.

``seq`` numbers are unique and rise over all files of a source. In files of lines, a file's first line has the number
after the last line of the file before, so that a number is a line: no table of places has to be kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

BLOCK_BYTES = 1 << 18
"""Bytes read at a time: what is made of a block still fits the processor's cache."""
RECORD_LIMIT = 1_000_000
"""Bytes of the largest record that is read."""
RAW_LIMIT = 64 * 1024
"""Bytes of an unreadable record that are kept for its quarantine entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record came from."""

    file: str
    """As the user named it; ``-`` for standard input, ``<python>`` for objects."""
    line: int | None = None
    """From 1."""
    record: int | None = None
    """From 1, where the source has no lines."""

    @property
    def number(self) -> int | None:
        """The line, or where there are no lines the record."""
        return self.line if self.line is not None else self.record

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.file}, line {self.line}"
        return f"{self.file}, record {self.record}" if self.record is not None else self.file


@dataclass(frozen=True, slots=True)
class Lines:
    """Consecutive lines of JSON, one record each, undecoded, without line ends. Empty ones are still in it.

    Line ``i`` has the number ``first_seq + i``. Every line is at most ``RECORD_LIMIT`` bytes and the byte-order mark of
    the file is gone. A carriage return at the end may still be there (JSON takes it as white space).
    """

    first_seq: int
    lines: list[bytes]
    offset: int
    """Bytes before the first line in the (decompressed) file; a line end counts one."""
    data: bytes
    """The same lines as they stood, joined by line feeds: for checks over all of them at once."""


@dataclass(frozen=True, slots=True)
class Records:
    """Decoded records as mappings of column to plain value, with their numbers."""

    seqs: Sequence[int]
    records: Sequence[Mapping[str, Any]]
    textual: bool = False
    """Values are all text, as in CSV: the column's type decides what they mean; empty text is null for all but text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that cannot be read: rejected with its place and reason."""

    seq: int
    code: str
    """``bad_json``, ``bad_encoding``, ``too_long``, ``duplicate_member``, ``wrong_width``, …"""
    message: str
    raw: bytes = b""
    """The bytes as they came, at most ``RAW_LIMIT``."""
    offset: int | None = None
    """Of the record's first byte in the (decompressed) file."""
    key: Mapping[str, Any] | None = None
    """What is known of its key."""


Block = Lines | Records | Unreadable


@runtime_checkable
class Source(Protocol):
    """Something records come from. Read once, forward, in constant memory."""

    @property
    def name(self) -> str:
        """What the user called it, without any secret."""
        ...

    def blocks(self) -> Iterator[Block]:
        """The records, in order.

        Raises ``SourceError`` when the source itself fails (missing, truncated, no permission).
        """
        ...

    def place(self, seq: int) -> Place:
        """Where the record with this number stands; valid while and after it was read."""
        ...
