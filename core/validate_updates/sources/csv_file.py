"""CSV files with a header: cells as text, quoted line ends and all, with the line on which each record starts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from threading import Lock

from validate_updates.errors import SourceError
from validate_updates.sources.base import RAW_LIMIT, RECORD_LIMIT, Lines, Records, Unreadable
from validate_updates.sources.files import ByteStream
from validate_updates.sources.gather import Item, gather
from validate_updates.sources.lines import LongLine, split_lines
from validate_updates.sources.strict_json import BadRecord, undecodable
from validate_updates.text import printable

_FIELD_LIMIT = Lock()


def read_csv(stream: ByteStream, base: int, delimiter: str = "") -> Iterator[Records | Unreadable]:
    """The records of the file; line 1, usually the header, has the number ``base + 1``. Raises ``SourceError``.

    Without a ``delimiter`` it is the first of comma, semicolon and tab that the header's line has in it.
    """
    return gather(_records(_Feed(split_lines(stream, base)), stream.name, delimiter), textual=True)


def _records(feed: _Feed, file: str, delimiter: str) -> Iterator[Item]:
    delimiter = delimiter or _guess(feed)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    header = _header(reader, feed, file)
    while header:
        feed.begin()
        try:
            cells = _cells(reader, feed, len(header))
        except BadRecord as error:
            raw = feed.raw
            yield Unreadable(seq=feed.seq, code=error.code, message=error.message, raw=raw, offset=feed.offset)
            continue
        if cells is None:
            return
        if cells:
            yield feed.seq, dict(zip(header, cells, strict=True)), feed.size


def _cells(reader: Iterator[list[str]], feed: _Feed, width: int | None = None) -> list[str] | None:
    """The next record; nothing in it for a blank line, None at the end. Raises :class:`BadRecord`."""
    try:
        cells = _next(reader, feed)
    except StopIteration:
        return None
    except csv.Error as error:
        if feed.flaw is None and feed.at_end:
            raise BadRecord("truncated", f"a quote is opened and not closed {_until(feed)}") from None
        reason = str(error).partition(" - ")[0]
        raise feed.flaw or BadRecord("bad_csv", f"not CSV: {reason}") from None
    except _TooLong:
        size = feed.skip_record()
        raise BadRecord("too_long", f"{size} bytes {_until(feed)}; a record may have {RECORD_LIMIT}") from None
    if feed.flaw is not None:
        raise feed.flaw
    if width is not None and len(cells) not in (0, width):
        raise BadRecord("wrong_width", f"{len(cells)} cells where the header has {width}")
    return cells


def _next(reader: Iterator[list[str]], feed: _Feed) -> list[str]:
    """The next record, whatever limit for a cell the process has set: that limit is global, and not ours to change."""
    try:
        return next(reader)
    except csv.Error:
        if feed.size <= csv.field_size_limit():
            raise
        feed.rewind()
    with _FIELD_LIMIT:
        usual = csv.field_size_limit(RECORD_LIMIT)
        try:
            return next(reader)
        finally:
            csv.field_size_limit(usual)


def _header(reader: Iterator[list[str]], feed: _Feed, file: str) -> list[str]:
    """The names of the columns; none in a file with nothing in it."""
    cells: list[str] | None = []
    try:
        while cells == []:
            feed.begin()
            cells = _cells(reader, feed)
    except BadRecord as error:
        raise SourceError(f"{printable(file)} has no readable header: {error.message}") from error
    names = cells or []
    for index, name in enumerate(names):
        if not name.strip():
            raise SourceError(f"{printable(file)}: column {index + 1} has no name in the header")
        if name in names[:index]:
            raise SourceError(f"{printable(file)}: the header has the column {printable(name)!r} twice")
    return names


def _guess(feed: _Feed) -> str:
    """The delimiter of the file, by its first line that is not blank."""
    line = ""
    try:
        while not line.strip():
            feed.begin()
            line = next(feed)
    except (StopIteration, _TooLong):
        return ","
    feed.rewind()
    return next((mark for mark in ",;\t" if mark in line), ",")


def _until(feed: _Feed) -> str:
    more = feed.last_seq - feed.seq
    return f"in this line and the {more} after it" if more else "in this line"


class _TooLong(Exception):
    """The record under way is, with the line that comes next, longer than a record may be."""


_Numbered = tuple[int, int, bytes | LongLine]
"""Number, offset, line."""


class _Feed:
    """Gives ``csv.reader`` one line at a time, and keeps what the record under way is made of."""

    def __init__(self, blocks: Iterable[Lines | LongLine]) -> None:
        self._source = _numbered(blocks)
        self._again: Iterator[_Numbered] = iter(())
        """Lines to give before those of the source; there are none whenever some are put here."""
        self._raw = bytearray()
        self.seq = self.last_seq = self.offset = 0
        self.begin()

    def begin(self) -> None:
        """The next line starts a record."""
        self._raw.clear()
        self.flaw: BadRecord | None = None
        self.at_end = False

    def rewind(self) -> None:
        """Give the lines of this record once more."""
        self._again = _cut(bytes(self._raw), self.seq, self.offset)
        self.begin()

    @property
    def size(self) -> int:
        """Bytes of the record under way."""
        return len(self._raw)

    @property
    def raw(self) -> bytes:
        """The record under way as it stood, bounded."""
        return bytes(self._raw[:-1][:RAW_LIMIT])

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        numbered = self._take()
        if numbered is None:
            self.at_end = True
            raise StopIteration
        seq, offset, line = numbered
        first = not self._raw
        if first:
            self.seq, self.offset = seq, offset
        if isinstance(line, LongLine) or len(self._raw) + len(line) > RECORD_LIMIT:
            self._again = iter([numbered])
            raise _TooLong
        text = self._decode(line)
        self.last_seq = seq
        self._raw += line
        self._raw += b"\n"
        return text if first else "\n" + text

    def _take(self) -> _Numbered | None:
        return next(self._again, None) or next(self._source, None)

    def _decode(self, line: bytes) -> str:
        if b"\0" in line:
            self.flaw = self.flaw or BadRecord("nul_in_text", "text with a NUL character")
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            self.flaw = self.flaw or undecodable(error, len(self._raw))
            return line.decode(errors="surrogateescape")

    def skip_record(self) -> int:
        """Past the rest of a record that is too long: the size of all of it in bytes.

        It goes on while a quote is open: as one is when a second line was asked for, and then after every line with an
        odd number of quotes.
        """
        size, open_quote = len(self._raw), bool(self._raw)
        while numbered := self._take():
            self.last_seq, _, line = numbered
            size += _size(line) + 1
            if len(self._raw) < RAW_LIMIT:
                self._raw += _head(line) + b"\n"
            open_quote = open_quote != _turns(line)
            if not open_quote:
                break
        return size - 1


def _numbered(blocks: Iterable[Lines | LongLine]) -> Iterator[_Numbered]:
    for block in blocks:
        if isinstance(block, LongLine):
            yield block.seq, block.offset, block
            continue
        offset = block.offset
        for seq, line in enumerate(block.lines, block.first_seq):
            yield seq, offset, line
            offset += len(line) + 1


def _cut(raw: bytes, seq: int, offset: int) -> Iterator[_Numbered]:
    """The lines of ``raw``, each with its end, one after the other: there may be a million."""
    for line in io.BytesIO(raw):
        yield seq, offset, line[:-1]
        seq, offset = seq + 1, offset + len(line)


def _head(line: bytes | LongLine) -> bytes:
    return line if isinstance(line, bytes) else line.head


def _size(line: bytes | LongLine) -> int:
    return len(line) if isinstance(line, bytes) else line.size


def _turns(line: bytes | LongLine) -> bool:
    """Whether a quote that is open before the line is closed after it, and the other way round."""
    return (line.count(b'"') if isinstance(line, bytes) else line.quotes) % 2 == 1
