"""The bytes of a file: opened and decompressed by its suffix, read in pieces; what goes wrong names the file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Protocol

from validate_updates.errors import SourceError
from validate_updates.text import printable

STDIN: Final = "-"
COMPRESSED: Final = (".gz", ".bz2", ".xz")

_UTF8_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


class _Raw(Protocol):
    def read1(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class ByteStream:
    """The (decompressed) bytes of one file, read forward once."""

    def __init__(self, name: str, raw: _Raw) -> None:
        self.name = name
        self._raw = raw
        self._ahead = b""
        self._failure: SourceError | None = None

    def read(self, size: int) -> bytes:
        """``size`` bytes; fewer only at the end or before a failure, which the next call raises as ``SourceError``."""
        pieces = [self._ahead[:size]]
        self._ahead = self._ahead[size:]
        missing = size - len(pieces[0])
        while missing > 0 and (piece := self._piece(missing)):
            pieces.append(piece)
            missing -= len(piece)
        if self._failure is not None and missing == size:
            raise self._failure
        return b"".join(pieces)

    def peek(self, size: int) -> bytes:
        """What the next :meth:`read` of that size will return."""
        ahead = self.read(size)
        self.unread(ahead)
        return ahead

    def unread(self, data: bytes) -> None:
        """Give back what was read last, to be read again."""
        self._ahead = data + self._ahead

    def skip_mark(self) -> int:
        """Past the byte-order mark: its bytes, 0 without one. Raises ``SourceError`` where it is not that of UTF-8."""
        start = self.peek(4)
        if start.startswith(_WIDE_MARKS):
            message = f"{printable(self.name)} is UTF-16 or UTF-32; records are read as UTF-8"
            raise SourceError(message, hint="convert it first: iconv -f UTF-16 -t UTF-8")
        return len(self.read(3)) if start.startswith(_UTF8_MARK) else 0

    def _piece(self, size: int) -> bytes:
        if self._failure is not None:
            return b""
        try:
            return self._raw.read1(size)
        except Exception as error:  # noqa: BLE001  # zlib.error and LZMAError share no base with OSError
            message = f"{printable(self.name)} cannot be read to its end: {_reason(error)}"
            self._failure = SourceError(message, hint="fetch the file again")
            self._failure.__cause__ = error
            return b""


def cannot_open(name: str, error: OSError | ValueError) -> SourceError:
    """The error to raise where the file cannot be opened."""
    return SourceError(f"{printable(name)} cannot be opened: {_reason(error)}")


def _reason(error: Exception) -> str:
    return printable(getattr(error, "strerror", None) or str(error) or type(error).__name__)


@contextmanager
def open_bytes(name: str) -> Iterator[ByteStream]:
    """The bytes of the file of that name, or of standard input for ``-``. Raises ``SourceError``."""
    if name == STDIN:
        stdin = getattr(sys.stdin, "buffer", None)
        if stdin is None:
            raise SourceError("standard input is closed or not a stream of bytes", hint="give the name of a file")
        yield ByteStream(name, stdin)  # left open: it belongs to the process
        return
    try:
        raw = _open(name)
    except (OSError, ValueError) as error:
        raise cannot_open(name, error) from error
    with closing(raw):
        yield ByteStream(name, raw)


def _open(name: str) -> _Raw:
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix in COMPRESSED and path.is_file() and not path.stat().st_size:
        raise ValueError(f"it is empty, and even an empty {suffix} file is not")
    if suffix == ".gz":
        import gzip

        return gzip.open(path, "rb")
    if suffix == ".bz2":
        import bz2

        return bz2.open(path, "rb")
    if suffix == ".xz":
        import lzma

        return lzma.open(path, "rb")
    return path.open("rb")
