"""CSV files with a header: cells as text, quoted line ends and all, with the line on which each record starts."""

from __future__ import annotations

import csv
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
    except _TooLong as error:
        size = feed.skip_record(error.line)
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
    feed.begin()
    try:
        while not (line := next(feed)).strip():
            feed.begin()
    except (StopIteration, _TooLong):
        return ","
    feed.rewind()
    return next((mark for mark in ",;\t" if mark in line), ",")


def _until(feed: _Feed) -> str:
    more = feed.last_seq - feed.seq
    return f"in this line and the {more} after it" if more else "in this line"


class _TooLong(Exception):
    """The record under way is, with ``line``, longer than a record may be."""

    def __init__(self, line: bytes | LongLine) -> None:
        super().__init__()
        self.line = line


_Numbered = tuple[int, int, bytes | LongLine]
"""Number, offset, line."""


class _Feed:
    """Gives ``csv.reader`` one line at a time, and knows the lines that the record under way is made of."""

    def __init__(self, blocks: Iterable[Lines | LongLine]) -> None:
        self._lines = _numbered(blocks)
        self._again: list[_Numbered] = []
        self._taken: list[_Numbered] = []
        self.seq = self.last_seq = self.offset = 0
        self.begin()

    def begin(self) -> None:
        """The next line starts a record."""
        self._taken.clear()
        self.size = 0
        self.flaw: BadRecord | None = None
        self.at_end = False

    def rewind(self) -> None:
        """Give the lines of this record once more."""
        self._again = self._taken[::-1]
        self.begin()

    @property
    def raw(self) -> bytes:
        """The record under way as it stood, bounded."""
        return b"\n".join(line if isinstance(line, bytes) else line.head for _, _, line in self._taken)[:RAW_LIMIT]

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        try:
            numbered = self._again.pop() if self._again else next(self._lines)
        except StopIteration:
            self.at_end = True
            raise
        self.last_seq, offset, line = numbered
        if not self._taken:
            self.seq, self.offset = self.last_seq, offset
        self._taken.append(numbered)
        if isinstance(line, LongLine) or self.size + len(line) > RECORD_LIMIT:
            raise _TooLong(line)
        self.size += len(line) + 1
        text = self._decode(line)
        return text if len(self._taken) == 1 else "\n" + text

    def _decode(self, line: bytes) -> str:
        if b"\0" in line:
            self.flaw = BadRecord("nul_in_text", "text with a NUL character")
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            self.flaw = undecodable(error)
            return line.decode(errors="surrogateescape")

    def skip_record(self, line: bytes | LongLine) -> int:
        """Past the rest of a record that became too long in ``line``: its size in bytes.

        The record goes on while a quote is open: the one for which ``line`` was asked, and then after every line with
        an odd number of them.
        """
        size = self.size + _size(line)
        open_quote = (len(self._taken) > 1) != _turns(line)
        while open_quote and (numbered := next(self._lines, None)):
            self.last_seq, _, line = numbered
            size += _size(line) + 1
            open_quote = not _turns(line)
        return size


def _numbered(blocks: Iterable[Lines | LongLine]) -> Iterator[_Numbered]:
    for block in blocks:
        if isinstance(block, LongLine):
            yield block.seq, block.offset, block
            continue
        offset = block.offset
        for seq, line in enumerate(block.lines, block.first_seq):
            yield seq, offset, line
            offset += len(line) + 1


def _size(line: bytes | LongLine) -> int:
    return len(line) if isinstance(line, bytes) else line.size


def _turns(line: bytes | LongLine) -> bool:
    """Whether a quote that is open before the line is closed after it, and the other way round."""
    return (line.count(b'"') if isinstance(line, bytes) else line.quotes) % 2 == 1
