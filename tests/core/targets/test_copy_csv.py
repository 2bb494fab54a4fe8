"""What reaches PostgreSQL as CSV is what the driver would have sent a value at a time."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.postgres import PostgresServer
from validate_updates import Kind
from validate_updates.shapes import Rows, Shape, in_key_order
from validate_updates.targets.copy_csv import FORMAT, as_csv

texts = st.text(
    st.sampled_from('",\\\n\r\t\b\f\x01\x1f\x7f.N[]{}\u2028é😀') | st.characters(exclude_categories=["Cs"]), max_size=12
).map(lambda text: text.replace("\0", ""))
odd_texts = st.sampled_from(["", "null", "NULL", "\\N", "\\.", "\n\\.\n", "]\n[", "\\u0000", '"', '\\"', "\\\\", " a "])

COLUMNS: dict[str, tuple[str, Kind, st.SearchStrategy[Any]]] = {
    "id": ("bigint", Kind.INTEGER, st.integers(-(2**63), 2**63 - 1)),
    "words": ("text", Kind.TEXT, texts | odd_texts),
    "size": ("double precision", Kind.REAL, st.floats(allow_nan=False, allow_infinity=False)),
    "weight": ("real", Kind.REAL, st.floats(allow_nan=False, allow_infinity=False, width=32)),
    "price": ("numeric", Kind.NUMERIC, st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30))),
    "ready": ("boolean", Kind.BOOLEAN, st.booleans()),
    "day": ("date", Kind.DATE, st.dates().map(str)),
    "at": ("timestamp", Kind.TIMESTAMP, st.datetimes().map(str)),
    "file": ("bytea", Kind.BYTES, st.binary(max_size=12)),
    "tags": ("json", Kind.JSON, st.just('{"a": "\\n\\"\\\\", "b": [null]}')),
    "code": (
        "char(40)",
        Kind.OTHER,
        odd_texts.filter(lambda text: "\\u" not in text) | st.integers() | st.floats(0, 1),
    ),
    "list": ("text[]", Kind.OTHER, st.just('{a,"b c",null}')),
}
NAMES = tuple(COLUMNS)
SHAPE = Shape(number=7, columns=NAMES, key_at=(0,))
KINDS = [kind for _, kind, _ in COLUMNS.values()]

rows = st.tuples(*(values if name == "id" else values | st.none() for name, (_, _, values) in COLUMNS.items()))


@pytest.fixture(scope="module")
def connection(postgres_server: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    columns = ", ".join(f"{name} {declared}" for name, (declared, _, _) in COLUMNS.items())
    with postgres_server.database() as url, psycopg.connect(url, autocommit=True) as opened:
        for table in ("fast", "slow"):
            opened.execute(f"CREATE TABLE {table} ({columns}, seq bigint, shape int)".encode())
        yield opened


def stored(connection: psycopg.Connection[Any], table: str) -> list[str]:
    found = connection.execute(f"SELECT t::text FROM {table} t ORDER BY seq".encode()).fetchall()
    return [text for (text,) in found]


@settings(max_examples=200)
@given(st.lists(rows, min_size=1, max_size=5))
def test_it_is_stored_as_the_driver_would(connection: psycopg.Connection[Any], records: list[tuple[Any, ...]]) -> None:
    found = in_key_order(SHAPE, [(*record, seq) for seq, record in enumerate(records)])
    connection.execute("TRUNCATE fast, slow")

    with connection.cursor() as cursor:
        with cursor.copy(f"COPY fast FROM STDIN WITH {FORMAT}".encode()) as copy:
            for part in (found, in_key_order(SHAPE, [])) if len(found) == 1 else found.halves():
                copy.write(as_csv(part, KINDS))
        with cursor.copy("COPY slow FROM STDIN") as copy:
            for row in found.tuples():
                copy.write_row((*row, SHAPE.number))

    assert stored(connection, "fast") == stored(connection, "slow")
    assert len(stored(connection, "slow")) == len(records)


def test_the_rows_stay_as_they_are() -> None:
    """They are needed again where the database refuses one of them."""
    cells = [1, b"\xff", 2.5, 0]

    as_csv(Rows(Shape(0, ("id", "file", "code"), (0,)), cells), [Kind.INTEGER, Kind.BYTES, Kind.OTHER])

    assert cells == [1, b"\xff", 2.5, 0]


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        as_csv(Rows(Shape(0, ("words",), (0,)), ["\ud800", 0]), [Kind.TEXT])


def test_a_decimal_keeps_all_its_digits() -> None:
    digits = Decimal("0.1234567890123456789012345678901234567890")

    assert as_csv(Rows(Shape(3, ("price",), (0,)), [digits, 5]), [Kind.NUMERIC]) == f'"{digits}",5,3\n'.encode()
