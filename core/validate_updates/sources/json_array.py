"""Files that hold one JSON array of records, read in constant memory.

The bytes are searched for where each element ends; what lies between is parsed on its own. So one bad element does
not take the others with it, and an array that breaks off gives what it had until then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from validate_updates.errors import SourceError
from validate_updates.sources.base import BLOCK_BYTES, RAW_LIMIT, RECORD_LIMIT, Records, Unreadable
from validate_updates.sources.files import ByteStream
from validate_updates.sources.gather import Item, gather
from validate_updates.sources.strict_json import BadRecord, parse_record
from validate_updates.text import printable

_WHITE = b" \t\r\n"
# Each runs as far as nothing can happen; inside of an element whole strings are passed over in one go.
_BLANK = re.compile(rb"[ \t\r\n]*+")
_BETWEEN = re.compile(rb'[^"\[\]{,]*+')
_NESTED = re.compile(rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+', re.DOTALL)
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


def read_array(stream: ByteStream, base: int) -> Iterator[Records | Unreadable]:
    """The records of the array, the first with the number ``base + 1``. Raises ``SourceError``, also for no array."""
    return gather(_records(_Array(stream), base))


def _records(array: _Array, base: int) -> Iterator[Item]:
    seq = base + 1
    more = array.enter()
    while more:
        element = array.element()
        if not element.end:
            yield from _broken_off(seq, element)
            return
        more = element.end == b","
        if element.raw or more or seq > base + 1:  # [] has no element, [1,] a second one with nothing in it
            yield _record(seq, element)
            seq += 1
    yield from _trailing(seq, array)


def _record(seq: int, element: _Element) -> Item:
    if element.size > RECORD_LIMIT:
        reason = BadRecord("too_long", f"the record has {element.size} bytes; {RECORD_LIMIT} are allowed")
    elif not element.raw:
        reason = BadRecord("bad_json", "not JSON: no record before or after a comma")
    else:
        try:
            return seq, parse_record(element.raw), element.size
        except BadRecord as error:
            reason = error
    raw = element.raw[:RAW_LIMIT]
    return Unreadable(seq=seq, code=reason.code, message=reason.message, raw=raw, offset=element.offset)


def _broken_off(seq: int, element: _Element) -> Iterator[Item]:
    """What is left of an array that is never closed: at best a whole record, and always the reason."""
    raw, offset = element.raw[:RAW_LIMIT], element.offset
    last = _record(seq, element)
    if not isinstance(last, Unreadable):
        yield last
        seq, raw, offset = seq + 1, b"", offset + element.size
    message = "the file ends before its array does: it was cut off"
    yield Unreadable(seq=seq, code="truncated", message=message, raw=raw, offset=offset)


def _trailing(seq: int, array: _Array) -> Iterator[Item]:
    rest = array.rest()
    if rest.size:
        message = f"{rest.size} bytes after the end of the array"
        yield Unreadable(seq=seq, code="bad_json", message=message, raw=rest.raw, offset=rest.offset)


@dataclass(frozen=True, slots=True)
class _Element:
    raw: bytes
    """Without the white space around it; only its beginning where it is too long."""
    offset: int
    size: int
    end: bytes
    """The comma or bracket after it; nothing where the file ends instead."""


class _Array:
    """The bytes of the file up to ``_at``, which is as far as they are understood."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._before = 0
        """Bytes of the file before the buffer."""
        self._buffer = b""
        self._at = 0
        self._keep = 0
        """Where in the buffer the element under way begins."""
        self._head = b""
        """The beginning of an element that is too long to be kept."""

    def enter(self) -> bool:
        """Past the opening bracket; False in a file with nothing in it. Raises ``SourceError`` for another value."""
        self._before = self._stream.skip_mark()
        if not self._skip_blank():
            return False
        if self._buffer[self._at] != ord("["):
            message = f"{printable(self._stream.name)} is not a JSON array of records"
            raise SourceError(message, hint="is it one record a line? then its format, or its suffix, is jsonl")
        self._at += 1
        return True

    def element(self) -> _Element:
        """The bytes up to the comma or bracket that ends this element."""
        self._skip_blank()
        self._keep, self._head = self._at, b""
        offset = self._before + self._at
        end = self._find_end()
        if self._head:
            element = _Element(self._head, offset, self._before + self._at - offset, end)
        else:
            raw = self._buffer[self._keep : self._at].rstrip(_WHITE)
            element = _Element(raw, offset, len(raw), end)
        self._at += len(end)
        return element

    def rest(self) -> _Element:
        """Whatever follows the array."""
        self._skip_blank()
        offset, head = self._before + self._at, self._buffer[self._at :][:RAW_LIMIT]
        while self._more():
            self._at = len(self._buffer)
        return _Element(head, offset, self._before + len(self._buffer) - offset, b"")

    def _find_end(self) -> bytes:
        depth, quoted = 0, False
        while True:
            self._run(_STRING if quoted else _NESTED if depth else _BETWEEN)
            mark = self._buffer[self._at : self._at + 1]
            if mark in (b"", b"\\"):  # a backslash stops us only where what it escapes has not been read
                if not self._more():
                    self._at = len(self._buffer)
                    return b""
                continue
            if quoted or mark == b'"':
                quoted = not quoted
            elif mark in (b"{", b"["):
                depth += 1
            elif depth:
                depth -= 1
            else:
                return mark
            self._at += 1

    def _run(self, pattern: re.Pattern[bytes]) -> None:
        match = pattern.match(self._buffer, self._at)
        self._at = match.end() if match else self._at

    def _skip_blank(self) -> bool:
        """Past white space; False at the end of the file."""
        while True:
            self._run(_BLANK)
            if self._at < len(self._buffer):
                return True
            self._keep = self._at
            if not self._more():
                return False

    def _more(self) -> bool:
        """Read on, and forget what lies behind, except for an element under way that is not yet too long."""
        if self._at - self._keep > RECORD_LIMIT:
            self._head = self._head or self._buffer[self._keep :][:RAW_LIMIT]
            self._keep = self._at
        chunk = self._stream.read(BLOCK_BYTES)
        self._buffer = self._buffer[self._keep :] + chunk
        self._before += self._keep
        self._at -= self._keep
        self._keep = 0
        return bool(chunk)
