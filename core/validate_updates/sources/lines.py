"""Files of lines: one JSON record a line, cut at line feeds and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from validate_updates.sources.base import BLOCK_BYTES, RAW_LIMIT, RECORD_LIMIT, Lines, Unreadable
from validate_updates.sources.files import ByteStream


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line above ``RECORD_LIMIT``, of which only the beginning was kept."""

    seq: int
    offset: int
    size: int
    head: bytes
    """Its first ``RAW_LIMIT`` bytes."""
    quotes: int
    """Double quotes in the whole of it: tells a reader of CSV whether one is open at its end."""


def read_lines(stream: ByteStream, base: int) -> Iterator[Lines | Unreadable]:
    """The lines of a JSONL file; line 1 has the number ``base + 1``. Raises ``SourceError``."""
    for part in split_lines(stream, base):
        if isinstance(part, Lines):
            yield part
        else:
            message = f"the line has {part.size} bytes; a record may have {RECORD_LIMIT}"
            yield Unreadable(seq=part.seq, code="too_long", message=message, raw=part.head, offset=part.offset)


def split_lines(stream: ByteStream, base: int) -> Iterator[Lines | LongLine]:
    """The lines of any file, without its byte-order mark, in blocks.

    No more than the longest allowed line and its end is ever looked at together. So a block without a line end in it
    is a line that is too long, all lines of other blocks are short enough, and nothing has to be done line by line.
    """
    seq, offset, rest = base + 1, stream.skip_mark(), b""
    while chunk := stream.read(min(BLOCK_BYTES, RECORD_LIMIT + 1 - len(rest))):
        rest += chunk
        end = rest.rfind(b"\n")
        if end >= 0:
            data, rest = rest[:end], rest[end + 1 :]
            lines = data.split(b"\n")
            yield Lines(seq, lines, offset, data)
            seq, offset = seq + len(lines), offset + end + 1
        elif len(rest) > RECORD_LIMIT:
            line = _long_line(stream, seq, offset, rest)
            yield line
            seq, offset, rest = seq + 1, offset + line.size + 1, b""
    if rest:
        yield Lines(seq, [rest], offset, rest)


def _long_line(stream: ByteStream, seq: int, offset: int, start: bytes) -> LongLine:
    """The line that begins with ``start``, after reading past its end."""
    size, quotes = len(start), start.count(b'"')
    while chunk := stream.read(BLOCK_BYTES):
        skipped, end, after = chunk.partition(b"\n")
        size += len(skipped)
        quotes += skipped.count(b'"')
        if end:
            stream.unread(after)
            break
    return LongLine(seq, offset, size, start[:RAW_LIMIT], quotes)
