"""Lines are decoded a fast way and a slow way: what becomes of a line must not depend on which it went."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from validate_updates import Column, Kind, TargetTable
from validate_updates.job import UnknownColumns
from validate_updates.records import Decoder
from validate_updates.shapes import Rows
from validate_updates.sources.base import Block, Lines, Place, Records
from validate_updates.sources.strict_json import BadRecord, parse_record

KINDS = [kind for kind in Kind if kind not in (Kind.BYTES, Kind.JSON, Kind.OTHER)]
"""Those that have a fast way."""
COLUMNS = (
    Column(name="key", kind=Kind.INTEGER, type="bigint"),
    *(Column(name=kind.value, kind=kind, type=kind.value) for kind in KINDS),
    Column(name="short", kind=Kind.TEXT, type="varchar(3)", length=3),
    Column(name="choice", kind=Kind.TEXT, type="mood", choices=("on", "off")),
    Column(name="price", kind=Kind.NUMERIC, type="numeric(8,2)", precision=8, scale=2),
)
Outcome = tuple[Any, ...]
"""The row of a line, or the code for which it was kept out."""

ORDINARY = {
    Kind.INTEGER: ["0", "-7", "9223372036854775807"],
    Kind.REAL: ["0.5", "1", "-0.0", "1e300"],
    Kind.NUMERIC: ["1.25", "7", '"1.50"'],
    Kind.TEXT: ['"on"', '"ü"', '""'],
    Kind.BOOLEAN: ["true", "false"],
    Kind.DATE: ['"2024-02-29"'],
    Kind.TIME: ['"12:30:00"'],
    Kind.TIMESTAMP: ['"2024-02-29 12:30:00"'],
    Kind.TIMESTAMP_TZ: ['"2024-02-29 12:30:00+00:00"'],
    Kind.UUID: ['"00000000-0000-0000-0000-00000000000a"'],
}
NUMBERS = ["0", "-0", "1.0", "1.5", "1e2", "1E+2", "1e999", "1e-999", "0.12345678901234567890", "01", "+1", "NaN"]
LONG_NUMBERS = ["9007199254740993", "9223372036854775808", "99999999999999999999", "1" * 400]
TEXTS = [
    "7",
    "1_000",
    " 7 ",
    "NaN",
    "true",
    "\\u0000",
    "\\ud800",
    "\\ud83d\\ude00",
    "a\tb",
    "\x7f",
    "\\/",
    ":",
    " :",
    '\\":',
    "\\\\",
    '\\\\\\"',
    '\\"\\\\\\\\',
    "\\u0022",
]
TIMES = ["20240229", "2024-02-30", "2024-02-29T12:30:00Z", "2024-W09-4", "12:30", "24:00:00", "2024-02-29 12:30:00.5"]
NESTED = ['{"a":1,"a":2}', '{"a" :1,"a":2}', '{"a":"\\u0000"}', "[" * 70 + "]" * 70, '{"a":1e999}', "[NaN]", "{}"]
OTHERS = ["null", "true", "", '"{00000000-0000-0000-0000-00000000000A}"', '"toolong"']
ODD = [*NUMBERS, *LONG_NUMBERS, *(f'"{text}"' for text in (*TEXTS, *TIMES)), *NESTED, *OTHERS]
"""Values as JSON, or nearly, that some reader takes for something else."""

gaps = st.sampled_from(["", "", "", " ", "  ", "\t", "\r", " \t"])


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A line much like the good ones, spelled in some odd way."""
    members = [(column.name, draw(_spelled(column))) for column in COLUMNS]
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from([column.name for column in COLUMNS] + ["vu_seq", "unknown", "KEY"]))
        members.insert(draw(st.integers(0, len(members))), (name, "1"))
    if draw(st.integers(0, 5)) == 0:
        members.pop(draw(st.integers(0, len(members) - 1)))
    if draw(st.integers(0, 5)) == 0:
        members = draw(st.permutations(members))
    parts = [f'"{_name(draw, name)}"{draw(gaps)}:{draw(gaps)}{value}' for name, value in members]
    line = f"{{{','.join(parts)}}}{draw(gaps)}".encode()
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(line)))
        line = line[:place] + draw(st.binary(max_size=2)).replace(b"\n", b"") + line[place + 1 :]
    return line


def _name(draw: st.DrawFn, name: str) -> str:
    return name if draw(st.integers(0, 20)) else f"\\u{ord(name[0]):04x}{name[1:]}"


def _spelled(column: Column) -> st.SearchStrategy[str]:
    ordinary = ORDINARY[column.kind] if column.name != "choice" else ['"on"']
    return st.sampled_from(ordinary * (2 + 20 // len(ordinary))) | st.sampled_from(["null", *ODD])


class NoPlace:
    """A source of which only the numbers matter."""

    name = "made up"

    def place(self, seq: int) -> Place:
        return Place(file=self.name, line=seq)

    def blocks(self) -> Any:
        raise NotImplementedError


def decoder(*, sqlite: bool) -> Decoder:
    table = TargetTable(
        name="t",
        schema=None,
        columns=COLUMNS,
        key=("key",),
        primary_key=("key",),
        unique=(("key",),),
        sql=sa.Table("t", sa.MetaData()),
    )
    return Decoder(table, NoPlace(), UnknownColumns.REJECT, sqlite=sqlite)


def outcomes(one: Decoder, block: Block) -> dict[int, Outcome]:
    found: dict[int, Outcome] = {}
    for part in one.decode(block):
        if isinstance(part, Rows):
            for *values, seq in part.tuples():
                found[seq] = tuple(zip(part.shape.columns, map(repr, values), strict=True))
        else:
            assert part.line is not None
            found[part.line] = (part.code,)
    return found


def slowly(one: Decoder, block: Lines) -> dict[int, Outcome]:
    found: dict[int, Outcome] = {}
    for seq, line in enumerate(block.lines, block.first_seq):
        if line.strip(b" \t\r"):
            try:
                found |= outcomes(one, Records([seq], [parse_record(line)]))
            except BadRecord as bad:
                found[seq] = (bad.code,)
    return found


def block_of(*found: bytes) -> Lines:
    return Lines(1, list(found), 0, b"\n".join(found))


GOOD = ("{" + ",".join(f'"{one.name}":{ORDINARY[one.kind][0]}' for one in COLUMNS) + "}").encode()


def test_the_good_line_is_good_and_goes_the_fast_way() -> None:
    """Or the law below would compare the slow way with itself."""
    one = decoder(sqlite=False)

    assert len(outcomes(one, block_of(GOOD))[1]) == len(COLUMNS)
    assert one._lines is not None
    assert one._lines.decode([GOOD], GOOD, 1) is not None


@settings(max_examples=300)
@given(found=st.lists(lines(), min_size=1, max_size=3), sqlite=st.booleans())
def test_the_fast_way_and_the_slow_way_agree(found: list[bytes], *, sqlite: bool) -> None:
    block = block_of(GOOD, *found)

    assert outcomes(decoder(sqlite=sqlite), block) == slowly(decoder(sqlite=sqlite), block)


@pytest.mark.parametrize("sqlite", [True, False])
@pytest.mark.parametrize("odd", ODD)
def test_one_odd_value_in_any_column_is_taken_alike(odd: str, *, sqlite: bool) -> None:
    found = [GOOD.replace(f'"{c.name}":{ORDINARY[c.kind][0]}'.encode(), f'"{c.name}":{odd}'.encode()) for c in COLUMNS]
    one = decoder(sqlite=sqlite)

    fast = outcomes(one, block_of(GOOD))
    for line in found:
        block = block_of(line)
        assert outcomes(one, block) == slowly(decoder(sqlite=sqlite), block), line
    assert fast


@pytest.mark.parametrize("gap", [" ", "  ", "\t", " \t ", "\r"])
def test_a_member_twice_is_refused_however_it_is_spaced(gap: str) -> None:
    twice = GOOD.replace(b'"key":0', f'"key":0,"key"{gap}:5'.encode())

    assert outcomes(decoder(sqlite=True), block_of(GOOD, twice))[2] == ("duplicate_member",)


TWICE = ["0", "null", '"x"', '""', '"\\""', '"\\\\"', '"\\\\\\""', "true", "[]"]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
@pytest.mark.parametrize("first", TWICE)
def test_a_member_twice_is_refused_whatever_it_said_first(column: Column, first: str) -> None:
    name = f'"{column.name}":'.encode()
    twice = GOOD.replace(name, name + first.encode() + b"," + name)
    empty = GOOD.replace(b'"text":"on"', b'"text":null')  # has fewer quotes than most

    found = outcomes(decoder(sqlite=False), block_of(GOOD, empty, twice))

    assert found[3] == ("duplicate_member",)
    assert len(found[1]) == len(found[2]) == len(COLUMNS)


@pytest.mark.parametrize(
    "text", ["a", "", '\\"', '\\"a\\"', "\\\\", "\\\\a", "\\n\\u0022\\/", "ü\\u00fc", ":", ' \\": ']
)
def test_ordinary_texts_go_the_fast_way(text: str) -> None:
    one = decoder(sqlite=False)
    outcomes(one, block_of(GOOD))
    line = GOOD.replace(b'"text":"on"', f'"text" : "{text}"'.encode()).replace(b'"real":0.5', b'"real":null')
    assert one._lines is not None

    assert one._lines.decode([line, GOOD], line + b"\n" + GOOD, 1) is not None
