"""The key that is read out of an entry is the record's own, or none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from validate_updates.quarantine.keys import KeyReader
from validate_updates.targets.table import Column, Kind, TargetTable
from validate_updates.text import key_text


def reader(**kinds: Kind) -> KeyReader:
    columns = tuple(Column(name=name, kind=kind, type=kind.value) for name, kind in kinds.items())
    table = TargetTable(
        name="t",
        schema=None,
        columns=columns,
        key=tuple(kinds),
        primary_key=(),
        unique=(),
        sql=sa.Table("t", sa.MetaData()),
    )
    return KeyReader(table, sqlite=True)


@pytest.mark.parametrize(
    ("record", "shown", "key"),
    [
        ('{"id": 7}', None, (7,)),
        ('{"id": "7"}', "id=7", (7,)),
        ('{"id": 7.0}', "id=7.0", (7,)),
        ('{"id": 7, "x": NaN', "id=7", (7,)),
        ('{"id": 7, "x": NaN', None, None),
        ('{"id": null}', "id=7", None),
        ('{"name": "x"}', "id=7", None),
        ('{"id": 7.5}', "id=7", None),
        ('{"id": ', "id=seven", None),
        ('{"id": ', "other=7", None),
        ("", "id=", None),
    ],
)
def test_a_key_of_a_number(record: str, shown: str | None, key: tuple[int, ...] | None) -> None:
    assert reader(id=Kind.INTEGER).read(record, shown) == key


@pytest.mark.parametrize("text", ["x" * 81, "a\x1bb", "a\\b", "one…"])
def test_a_key_that_was_cut_or_escaped_is_not_taken_from_what_was_shown(text: str) -> None:
    keys = reader(id=Kind.TEXT)

    assert keys.read('{"id": "x', key_text(("id",), (text,))) is None
    assert keys.read(msgspec.json.encode({"id": text}).decode(), None) == (text,)


def test_a_key_of_two_columns_that_could_be_cut_in_two_ways_is_no_key() -> None:
    keys = reader(a=Kind.TEXT, b=Kind.TEXT)

    assert keys.read("", "a=1, b=2") == ("1", "2")
    assert keys.read("", "a=1, b=2, b=3") is None


@given(st.tuples(st.text(max_size=100), st.text(max_size=100)))
def test_what_was_shown_gives_the_key_itself_or_none(values: tuple[str, str]) -> None:
    found = reader(a=Kind.TEXT, b=Kind.TEXT).read("not a record", key_text(("a", "b"), values))

    assert found in (None, values)


@given(st.integers(-(2**63), 2**63 - 1), st.text().filter(lambda text: "\0" not in text))
def test_a_record_gives_its_key_whatever_else_is_in_it(number: int, text: str) -> None:
    record: dict[str, Any] = {"more": [Decimal("1.50"), None], "b": text, "a": number}

    found = reader(a=Kind.INTEGER, b=Kind.TEXT).read(msgspec.json.encode(record).decode(), None)

    assert found == (number, text)
