"""Lines of JSONL: every one accounted for, with its number and its byte."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import SourceError
from validate_updates.sources import RAW_LIMIT, RECORD_LIMIT, Lines, Unreadable, lines
from validate_updates.sources.files import ByteStream
from validate_updates.sources.lines import read_lines

MARK = b"\xef\xbb\xbf"
Seen = list[tuple[int, int, bytes | None]]
"""Number, offset, and the line; None for one that is too long."""


class Crumbs(io.BytesIO):
    """A stream that gives as little at a time as its sizes say."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        super().__init__(data)
        self.sizes = sizes

    def read1(self, size: int | None = -1, /) -> bytes:
        self.sizes = self.sizes[1:] + self.sizes[:1]
        return super().read1(min(self.sizes[0], size or 0))


def seen(data: bytes, sizes: list[int], base: int = 0, raw_limit: int = RAW_LIMIT) -> Seen:
    found: Seen = []
    for block in read_lines(ByteStream("x", Crumbs(data, sizes)), base):
        if isinstance(block, Unreadable):
            assert block.code == "too_long"
            assert block.offset is not None
            assert block.raw == data[block.offset :][:raw_limit]
            found.append((block.seq, block.offset, None))
        else:
            assert b"\n".join(block.lines) == block.data
            offset = block.offset
            for seq, line in enumerate(block.lines, block.first_seq):
                found.append((seq, offset, line))
                offset += len(line) + 1
    return found


def expected(data: bytes, limit: int, base: int = 0) -> Seen:
    offset = len(MARK) if data.startswith(MARK) else 0
    parts = data[offset:].split(b"\n")
    found: Seen = []
    for seq, line in enumerate(parts if parts[-1] else parts[:-1], base + 1):
        found.append((seq, offset, line if len(line) <= limit else None))
        offset += len(line) + 1
    return found


lines_of_bytes = st.lists(st.binary(max_size=12), max_size=12).map(b"\n".join)
whole_files = st.builds(bytes.__add__, st.sampled_from([b"", MARK]), lines_of_bytes)


@given(
    data=whole_files,
    limit=st.integers(1, 14),
    block=st.integers(1, 20),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    base=st.integers(0, 5),
)
def test_every_line_is_accounted_for(data: bytes, limit: int, block: int, sizes: list[int], base: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "RECORD_LIMIT", limit)
        patch.setattr(lines, "BLOCK_BYTES", block)
        patch.setattr(lines, "RAW_LIMIT", limit)
        try:
            found = seen(data, sizes, base, limit)
        except SourceError:
            assert data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))
        else:
            assert found == expected(data, limit, base)


def test_lines_end_at_line_feeds_and_nowhere_else() -> None:
    data = b'{"a":"\xe2\x80\xa8 \xc2\x85 \x0c"}\r\n{}\x0b\r{}\n'
    assert seen(data, [100]) == [(1, 0, data[:17]), (2, 18, b"{}\x0b\r{}")]


def test_a_line_at_the_limit_is_read_and_one_above_it_is_not() -> None:
    limit = RECORD_LIMIT
    data = b"x" * limit + b"\n" + b"y" * (limit + 1) + b"\n" + b"z" * limit
    assert seen(data, [1 << 20]) == [(1, 0, b"x" * limit), (2, limit + 1, None), (3, 2 * limit + 3, b"z" * limit)]


def test_the_message_says_how_long_the_line_is() -> None:
    data = b"y" * (3 * RECORD_LIMIT) + b"\n{}\n"
    first, second = read_lines(ByteStream("x", io.BytesIO(data)), 0)
    assert isinstance(first, Unreadable)
    assert "3000000 bytes" in first.message
    assert len(first.raw) == RAW_LIMIT
    assert isinstance(second, Lines)
    assert (second.first_seq, second.lines, second.offset) == (2, [b"{}"], 3_000_001)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_wide_encodings_are_refused_by_name(encoding: str) -> None:
    data = ("\ufeff" if encoding[-2:] in {"le", "be"} else "") + '{"a": 1}\n'
    with pytest.raises(SourceError, match=r"hearings\.jsonl is UTF-16 or UTF-32"):
        list(read_lines(ByteStream("hearings.jsonl", io.BytesIO(data.encode(encoding))), 0))
