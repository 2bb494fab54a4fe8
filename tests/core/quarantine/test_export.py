"""An export is a file of records: nothing of them is lost on the way out and back."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.engine.target import jsonl
from tests.core.quarantine.world import BAD, TABLE, World
from validate_updates.quarantine.export import Exported, as_ascii, export
from validate_updates.quarantine.reading import Wanted
from validate_updates.records import as_text
from validate_updates.sources.strict_json import parse_record


def exported(world: World, *, ascii_only: bool = False) -> tuple[Exported, str, str]:
    records, reasons = io.StringIO(), io.StringIO()
    with world.journal() as (_, connection, tables):
        done = export(connection, tables, Wanted(), records=records, reasons=reasons, ascii_only=ascii_only)
    return done, records.getvalue(), reasons.getvalue()


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.decimals(allow_nan=False, allow_infinity=False, places=6).filter(lambda number: abs(number) < 10**15)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
records = st.dictionaries(names, values, max_size=6)


@given(records)
def test_a_record_is_read_back_as_it_came(record: dict[str, Any]) -> None:
    text = as_text(record)

    assert parse_record(text.encode()) == record
    assert [str(value) for value in parse_record(text.encode()).values()] == [str(value) for value in record.values()]
    assert "\n" not in text


@given(records)
def test_as_ascii_it_is_the_same_record_and_harmless(record: dict[str, Any]) -> None:
    shown = as_ascii(as_text(record))

    assert parse_record(shown.encode()) == record
    assert shown.isascii()
    assert shown.isprintable()
    assert "##[" not in shown


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_becomes_harmless(text: str) -> None:
    shown = as_ascii(text)

    assert shown.isascii()
    assert shown.isprintable()
    assert not shown.startswith("::")
    assert "##[" not in shown


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), [1.0, float("nan")], {"a": float("-inf")}, Decimal("NaN"), b"\x00\xff", [b""]],
)
def test_what_json_cannot_hold_is_never_taken_for_something_else(value: Any) -> None:
    with pytest.raises(Exception, match="not JSON"):
        parse_record(as_text({"id": 1, "x": value}).encode())


def test_records_on_one_side_and_reasons_on_the_other(world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    day = tmp_path / "day.jsonl"
    day.write_text('{"id": 1, "name": "é\u202e", "age": 123456789012345678.5}\n{"id": 2, "na\n\n{"id": 3}extra\n')
    run = world.update(day)

    done, text, reasons = exported(world)

    lines = text.splitlines()
    assert sorted(lines) == sorted(
        ['{"id":1,"name":"é\u202e","age":123456789012345678.5}', '{"id": 2, "na', '{"id": 3}extra']
    )
    assert (done.records, done.broken, done.cut, done.lost) == (1, 2, 0, ())
    numbers = {entry.kept.line: entry.number for entry in world.entries()}
    assert sorted(done.keyless) == sorted([numbers[2], numbers[4]])
    at = lines.index('{"id": 2, "na') + 1
    assert f"line {at}  entry {numbers[2]}  bad_json  day.jsonl:2\n    not JSON: " in reasons
    assert reasons.replace("\n", "").isprintable()
    assert run.counts.quarantined == 3


def test_fed_back_it_is_refused_for_the_same_reasons(world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    (tmp_path / "day.jsonl").write_text('{"id": 1, "name": "x", "age": 1.25}\n{"id": 2, "na\n')
    first = world.update(tmp_path / "day.jsonl")
    for ascii_only in (False, True):
        _, text, _ = exported(world, ascii_only=ascii_only)
        (tmp_path / "again.jsonl").write_text(text)
        again = world.update(tmp_path / "again.jsonl")

        told = {(kept.code, kept.message, kept.record) for kept in again.kept_out}
        assert told == {(kept.code, kept.message, kept.record) for kept in first.kept_out}


def test_a_record_over_several_lines_is_one_line(world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    (tmp_path / "day.json").write_text('[{"id": 1,\n "name": "x",\n "id": 2}, {"id": 3, "name": "y"}]')
    world.update(tmp_path / "day.json")

    _, text, _ = exported(world)

    assert text == '{"id": 1,  "name": "x",  "id": 2}\n'


def test_a_record_that_was_cut_says_so(world: World) -> None:
    world.execute(TABLE)
    world.update([{**BAD, "name": "é" * 60_000}])

    done, _, reasons = exported(world)

    assert (done.broken, done.cut, done.keyless) == (1, 1, ())
    assert "characters are here; the rest is in its source" in reasons


def test_cells_of_csv_keep_their_meaning(world: World, tmp_path: Path) -> None:
    world.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text, age integer, member boolean, data json, rest integer)"
    )
    (tmp_path / "day.csv").write_text('id,name,age,member,data,rest\n1,,,yes,"[1, 2.5]",x\n')
    world.update(tmp_path / "day.csv")

    _, text, _ = exported(world)
    record = json.loads(text)
    assert record == {"id": "1", "name": "", "age": None, "member": True, "data": [1, 2.5], "rest": "x"}
    world.update(jsonl(tmp_path / "mended.jsonl", [{**record, "rest": 7}]))

    [row] = world.rows("SELECT id, name, age, member, rest FROM t")
    assert row == (1, "", None, True, 7)
    assert world.entry_states() == ["superseded"]
