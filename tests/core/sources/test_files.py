"""Files as streams of bytes: what was read before a failure is not lost, and the failure names the file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from validate_updates import SourceError
from validate_updates.sources import Block, Lines, open_source
from validate_updates.sources.files import ByteStream, open_bytes

PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lambda data: lzma.compress(data, preset=0),
}


def numbered_lines(count: int) -> bytes:
    """Lines that do not pack well."""
    chance = random.Random(1)
    return b"".join(b'{"n":%d,"x":"%x"}\n' % (number, chance.getrandbits(256)) for number in range(count))


def lines_until_failure(path: Path) -> tuple[list[bytes], str]:
    """The lines that came before the failure, and its message."""
    found: list[Block] = []
    with pytest.raises(SourceError) as failed:
        found.extend(open_source(path).blocks())
    return [line for block in found if isinstance(block, Lines) for line in block.lines], failed.value.message


@pytest.mark.parametrize("suffix", PACK)
def test_a_packed_file_reads_as_the_plain_one(suffix: str, tmp_path: Path) -> None:
    data = numbered_lines(5000)
    path = tmp_path / f"records.jsonl{suffix}"
    path.write_bytes(PACK[suffix](data))
    offset = 0
    for block in open_source(path).blocks():
        assert isinstance(block, Lines)
        assert block.offset == offset
        assert data[offset:].startswith(block.data + b"\n")
        offset += len(block.data) + 1
    assert offset == len(data)


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_file_gives_what_it_had_and_is_named(suffix: str, damage: str, tmp_path: Path) -> None:
    data = numbered_lines(30_000)
    packed = bytearray(PACK[suffix](data))
    at = len(packed) * 3 // 4
    if damage == "cut":
        del packed[at:]
    else:
        packed[at : at + 64] = bytes(byte ^ 0xFF for byte in packed[at : at + 64])
    path = tmp_path / f"records.jsonl{suffix}"
    path.write_bytes(packed)
    found, message = lines_until_failure(path)
    if damage == "cut":
        assert len(found) > 10_000
    else:
        del found[2_000:]  # the formats notice the damage by a checksum after it
    assert found == data.split(b"\n")[: len(found)]
    assert f"records.jsonl{suffix} cannot be read to its end" in message


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("content", [b"", b'{"a":1}\n', b"\x1f\x8b"])
def test_what_is_not_packed_is_refused(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"records.jsonl{suffix}"
    path.write_bytes(content)
    found, message = lines_until_failure(path)
    assert found == []
    assert f"records.jsonl{suffix} cannot be" in message


def test_records_before_a_cut_are_handed_out_by_every_format(tmp_path: Path) -> None:
    rows = [b"%d,%x" % (number, random.Random(number).getrandbits(256)) for number in range(5000)]
    texts = {
        "csv": b"a,b\n" + b"\n".join(rows),
        "json": b"[" + b",".join(b'{"a":[%d]}' % n for n in range(50_000)) + b"]",
    }
    for name, text in texts.items():
        path = tmp_path / f"records.{name}.gz"
        path.write_bytes(gzip.compress(text)[:-2000])
        found: list[Block] = []
        with pytest.raises(SourceError):
            found.extend(open_source(path).blocks())
        assert not any(isinstance(block, Lines) for block in found)
        assert sum(len(block.seqs) for block in found if hasattr(block, "seqs")) > 1000


def test_a_stream_can_be_looked_at_before_it_is_read() -> None:
    stream = ByteStream("x", io.BytesIO(b"\xef\xbb\xbfabcdef"))
    assert stream.peek(2) == b"\xef\xbb"
    assert stream.skip_mark() == 3
    assert stream.peek(4) == b"abcd"
    stream.unread(b"_")
    assert [stream.read(3), stream.read(100), stream.read(1)] == [b"_ab", b"cdef", b""]


def test_every_line_that_came_before_a_cut_is_given(tmp_path: Path) -> None:
    packed = gzip.compress(numbered_lines(3000))[:-20_000]
    path = tmp_path / "records.jsonl.gz"
    path.write_bytes(packed)
    found, _ = lines_until_failure(path)
    assert found == zlib.decompressobj(wbits=31).decompress(packed).split(b"\n")[:-1]


def test_what_was_read_with_a_failure_comes_before_it() -> None:
    class Breaking(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            if piece := super().read1(min(size or 0, 3)):
                return piece
            raise OSError(5, "Input/output error")

    stream = ByteStream("x", Breaking(b"abcdefgh"))
    assert [stream.read(4), stream.peek(9), stream.read(9)] == [b"abcd", b"efgh", b"efgh"]
    for _ in range(2):
        with pytest.raises(SourceError, match="x cannot be read to its end: Input/output error"):
            stream.read(1)


def test_a_missing_file_is_named_without_its_control_characters(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as failed, open_bytes(str(tmp_path / "no\x1b[31m.csv")):
        pass
    assert failed.value.message.endswith("no\\x1b[31m.csv cannot be opened: No such file or directory")


def test_standard_input_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(b"{}\n"))
    monkeypatch.setattr(sys, "stdin", given)
    with open_bytes("-") as stream:
        assert stream.read(10) == b"{}\n"
    assert not given.closed


@pytest.mark.parametrize("stdin", [None, io.StringIO("{}")])
def test_standard_input_without_bytes_is_an_error(stdin: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(SourceError, match="standard input is closed"):
        list(open_source("-").blocks())
