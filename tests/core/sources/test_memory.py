"""However long the source, memory stays the same. Peaks are of Python's own allocations, the test's stream included."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from validate_updates.sources import Block
from validate_updates.sources.csv_file import read_csv
from validate_updates.sources.files import ByteStream
from validate_updates.sources.json_array import read_array
from validate_updates.sources.lines import read_lines

MEGA = 1_000_000
PIECE = 50_000
Read = Callable[[ByteStream, int], Iterator[Block]]


class Endless:
    """A stream of ``start``, then one piece over and over, up to ``size`` bytes."""

    def __init__(self, start: bytes, piece: bytes, size: int) -> None:
        self._ahead = start
        self._piece = piece
        self._left = size // len(piece)

    def read1(self, size: int, /) -> bytes:
        if not self._ahead and self._left:
            self._ahead, self._left = self._piece, self._left - 1
        given, self._ahead = self._ahead[:size], self._ahead[size:]
        return given

    def close(self) -> None:
        """Nothing is open."""


TEXT = b"x" * (PIECE - 10)


@pytest.mark.parametrize(
    ("read", "start", "piece", "size"),
    [
        pytest.param(read_lines, b"", b'{"a":"%b"}\n' % TEXT, 50 * MEGA, id="lines"),
        pytest.param(read_lines, b"", b"x" * PIECE, 50 * MEGA, id="one line"),
        pytest.param(read_array, b"[", b'{"a":"%b"},' % TEXT, 50 * MEGA, id="array"),
        pytest.param(read_array, b'[{"a":"', b"x" * PIECE, 50 * MEGA, id="one text"),
        pytest.param(read_array, b'["', b'\\"\\\\' * (PIECE // 4), 50 * MEGA, id="one text of escapes"),
        pytest.param(read_array, b"[", b'[{"a":"\\n"},' * (PIECE // 12), 4 * MEGA, id="one nest"),
        pytest.param(read_array, b"[]", b"x" * PIECE, 50 * MEGA, id="after the array"),
        pytest.param(read_array, b"", b" " * PIECE, 50 * MEGA, id="blanks"),
        pytest.param(read_csv, b"a,b\n", b'1,"%b"\n' % TEXT, 50 * MEGA, id="rows"),
        pytest.param(read_csv, b'a,b\n1,"', b"x" * PIECE, 50 * MEGA, id="one cell"),
        pytest.param(read_csv, b'a,b\n1,"', (b"x" * 999 + b"\n") * (PIECE // 1000), 50 * MEGA, id="one cell of lines"),
        pytest.param(read_csv, b'a,b\n1,"', b'""\n' * (PIECE // 3), 3 * MEGA, id="one cell of quotes"),
    ],
)
def test_memory_is_bounded(read: Read, start: bytes, piece: bytes, size: int) -> None:
    stream = ByteStream("x", Endless(start, piece, size))
    tracemalloc.start()
    try:
        for _ in read(stream, 0):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MEGA
    assert stream.read(1) == b""
