"""CSV: every line accounted for, numbers and bytes right, damage contained."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import SourceError
from validate_updates.sources import Records, Unreadable, csv_file, lines
from validate_updates.sources.csv_file import read_csv
from validate_updates.sources.files import ByteStream

Found = list[tuple[int, dict[str, str]] | Unreadable]


def read(data: bytes, delimiter: str = "", base: int = 0) -> Found:
    """The records with their numbers and what cannot be read, in order."""
    found: Found = []
    for block in read_csv(ByteStream("x.csv", io.BytesIO(data)), base, delimiter):
        if isinstance(block, Records):
            assert block.textual
            found += [(seq, dict(record)) for seq, record in zip(block.seqs, block.records, strict=True)]
        else:
            found.append(block)
    return found


def outcomes(data: bytes) -> list[tuple[int, Any]]:
    """Numbers with records as lists of cells, or with codes."""
    return [(one.seq, one.code) if isinstance(one, Unreadable) else (one[0], [*one[1].values()]) for one in read(data)]


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6) | st.text(
    st.sampled_from(',;"\n\r\t a\u2028\x85\x0c'), max_size=6
)


@given(
    rows=st.lists(st.lists(cells, min_size=3, max_size=3), max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    delimiter=st.sampled_from([",", ";", "\t"]),
    base=st.integers(0, 3),
)
def test_what_was_written_is_read(rows: list[list[str]], end: str, mark: bytes, delimiter: str, base: int) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "name", "x y"])
    expected: Found = []
    for row in rows:
        expected.append((base + out.getvalue().count("\n") + 1, dict(zip(["id", "name", "x y"], row, strict=True))))
        writer.writerow(row)
    assert read(mark + out.getvalue().encode(), base=base) == expected


damaged_lines = st.lists(
    st.sampled_from(
        [b"", b"\r", b"1,2", b"1,2,3", b"1", b'"a","b"', b'"a', b'b"', b'"a"x,', b"a\rb,c", b'5",6', b"\xff,1"]
    )
    | st.binary(max_size=6),
    max_size=10,
).map(b"\n".join)


@given(data=damaged_lines)
def test_every_line_that_is_not_blank_is_accounted_for(data: bytes) -> None:
    whole = b"a,b\n" + data
    parts = whole.split(b"\n")
    filled = {number for number, line in enumerate(parts, 1) if line.strip(b"\r")} - {1}
    covered: list[int] = []
    for one in read(whole):
        if isinstance(one, Unreadable):
            assert one.offset == len(b"\n".join(parts[: one.seq - 1])) + 1
            assert whole[one.offset :].startswith(one.raw)
            extent = range(one.seq, one.seq + one.raw.count(b"\n") + 1)
        else:
            extent = range(one[0], one[0] + sum(cell.count("\n") for cell in one[1].values()) + 1)
        covered += extent
    assert len(set(covered)) == len(covered)
    assert covered == sorted(covered)
    assert filled <= set(covered)


@given(data=st.binary(max_size=30))
def test_no_bytes_crash_it(data: bytes) -> None:
    try:
        found = read(data)
    except SourceError as error:
        assert error.message.isprintable()
    else:
        assert all(isinstance(one, Unreadable) or one[1] for one in found)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n\r\n", []),
        (b"a,b", []),
        (b"a,b\n1,2\n", [(2, ["1", "2"])]),
        (b"\n\na,b\n\n1,2\n\n3,4", [(5, ["1", "2"]), (7, ["3", "4"])]),
        (b"a;b\n1;2,5\n", [(2, ["1", "2,5"])]),
        (b"a\tb\n1\t2\n", [(2, ["1", "2"])]),
        (b"a,b;c\n1,2\n", [(2, ["1", "2"])]),
        (b'a,b\n"1\n\n1",2\n3,4\n', [(2, ["1\n\n1", "2"]), (5, ["3", "4"])]),
        (b'a,b\r\n"1\r\n1",2\r\n', [(2, ["1\r\n1", "2"])]),
        (b'a,b\n"x ""y""",\n', [(2, ['x "y"', ""])]),
        (b'a,b\n5" pipe,2\n3,4\n', [(2, ['5" pipe', "2"]), (3, ["3", "4"])]),
        (b"a,b\n1\n1,2,3\n3,4\n", [(2, "wrong_width"), (3, "wrong_width"), (4, ["3", "4"])]),
        (b"a\n\n \n1\n", [(3, [" "]), (4, ["1"])]),
        (b"a,b\n1,\xff\n3,4\n", [(2, "bad_encoding"), (3, ["3", "4"])]),
        (b'a,b\n1,"x\n\xff\ny"\n3,4\n', [(2, "bad_encoding"), (5, ["3", "4"])]),
        (b"a,b\n1,\0\n3,4\n", [(2, "nul_in_text"), (3, ["3", "4"])]),
        (b'a,b\n"1"x,2\n3,4\n', [(2, "bad_csv"), (3, ["3", "4"])]),
        (b"a,b\n1\r2,3\n3,4\n", [(2, "bad_csv"), (3, ["3", "4"])]),
        (b'a,b\n1,2\n3,"4\n5,6\n', [(2, ["1", "2"]), (3, "truncated")]),
    ],
)
def test_shapes(data: bytes, expected: list[tuple[int, Any]]) -> None:
    assert outcomes(data) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,,b\n", "column 2 has no name"),
        (b"a, \n", "column 2 has no name"),
        (b"a,b,a\n", "has the column 'a' twice"),
        (b"a,\xff\n", "no readable header: not UTF-8: byte 0xff at byte 3"),
        (b"a,\0\n", "no readable header: text with a NUL"),
        (b'a,"b\n1,2\n', "no readable header: a quote is opened and not closed in this line and the 1 after it"),
        (b"a" * 2_000_000, "no readable header: 2000000 bytes in this line"),
        (b"a,b\r1,2\r3,4\r", "no readable header: not CSV: new-line character seen in unquoted field"),
        (b"\xff\xfea\0", "is UTF-16"),
    ],
)
def test_without_a_header_there_is_no_source(data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=rf"x\.csv.*{re.escape(message)}"):
        read(data)


def test_a_byte_that_is_not_text_is_found_in_the_record() -> None:
    (only,) = read(b'a,b\n1,"x\ny\xff\n\xfe"\n')
    assert isinstance(only, Unreadable)
    assert (only.seq, only.offset, only.raw) == (2, 4, b'1,"x\ny\xff\n\xfe"')
    assert only.message == "not UTF-8: byte 0xff at byte 7 of the record"


def test_a_told_delimiter_is_not_guessed() -> None:
    assert read(b"a,b\tc\n1,2\t3\n", "\t") == [(2, {"a,b": "1,2", "c": "3"})]


def test_a_large_cell_is_read_and_the_limit_of_the_process_stays() -> None:
    usual = csv.field_size_limit()
    large = "x" * (usual + 10)
    data = f'a,b\n1,"{large}\n{large}"\n3,4\n'.encode()
    assert read(data) == [(2, {"a": "1", "b": f"{large}\n{large}"}), (4, {"a": "3", "b": "4"})]
    assert csv.field_size_limit() == usual


def test_a_large_cell_that_is_not_csv_is_refused_once() -> None:
    usual = csv.field_size_limit()
    data = b'a,b\n1,"' + b"x" * (usual + 10) + b'"x\n3,4\n'
    assert outcomes(data) == [(2, "bad_csv"), (3, ["3", "4"])]
    assert csv.field_size_limit() == usual


@pytest.mark.parametrize(
    ("bad", "extent"),
    [
        (b"1," + b"x" * 40, 1),
        (b'1,"' + b"x" * 40 + b'"', 1),
        (b'1,"' + b"x" * 40 + b'\nmore,"" of it\nend"', 3),
        (b'1,"short\n' + b"x" * 40 + b'\nend"', 3),
        (b'1,"short\n' + b"x" * 40 + b'"', 2),
        (b'1,"' + b"0123456789\n" * 6 + b'8,9"', 7),
        (b'1,"' + b'""\n' * 20 + b'8,9"', 21),
    ],
)
def test_a_record_that_is_too_long_costs_no_other(bad: bytes, extent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lines, csv_file):
        monkeypatch.setattr(module, "RECORD_LIMIT", 30)
        monkeypatch.setattr(module, "RAW_LIMIT", 12)
    first, second, third = read(b"a,b\n1,2\n" + bad + b"\n3,4\n")
    assert first == (2, {"a": "1", "b": "2"})
    assert third == (3 + extent, {"a": "3", "b": "4"})
    assert isinstance(second, Unreadable)
    assert (second.seq, second.offset, second.code, second.raw) == (3, 8, "too_long", bad[:12])
    after = f"in this line and the {extent - 1} after it" if extent > 1 else "in this line"
    assert second.message == f"{len(bad)} bytes {after}; a record may have 30"


def test_a_quote_that_is_never_closed_says_what_it_took_along(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lines, csv_file):
        monkeypatch.setattr(module, "RECORD_LIMIT", 30)
    (only,) = read(b'a,b\n"1,2\n' + b"3,4\n" * 100)
    assert isinstance(only, Unreadable)
    assert (only.seq, only.code) == (2, "too_long")
    assert "in this line and the 100 after it" in only.message
