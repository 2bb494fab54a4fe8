"""What each kind of column takes, what it makes of it, and what it refuses with which code."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import Column, Kind
from validate_updates.values import BadValue, converter, from_text

PLUS_TWO = timezone(timedelta(hours=2))
NOON = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)
SOME_UUID = UUID("00000000-0000-0000-0000-00000000000a")

TAKEN: list[tuple[Kind, Any, Any]] = [
    (Kind.INTEGER, 7, 7),
    (Kind.INTEGER, "7", 7),
    (Kind.INTEGER, "-7", -7),
    (Kind.INTEGER, 7.0, 7),
    (Kind.INTEGER, Decimal(7), 7),
    (Kind.INTEGER, 2**63 - 1, 2**63 - 1),
    (Kind.INTEGER, -(2**63), -(2**63)),
    (Kind.REAL, 1, 1.0),
    (Kind.REAL, "1.5", 1.5),
    (Kind.REAL, "1e3", 1000.0),
    (Kind.REAL, Decimal("0.25"), 0.25),
    (Kind.NUMERIC, "1.50", Decimal("1.5")),
    (Kind.NUMERIC, 0.1, Decimal("0.1")),
    (Kind.NUMERIC, 7, Decimal(7)),
    (Kind.TEXT, "", ""),
    (Kind.TEXT, "007", "007"),
    (Kind.TEXT, 7, "7"),
    (Kind.TEXT, SOME_UUID, str(SOME_UUID)),
    (Kind.BOOLEAN, True, True),
    (Kind.BOOLEAN, 0, False),
    (Kind.DATE, "2024-02-29", "2024-02-29"),
    (Kind.DATE, "2024-02-29T00:00:00", "2024-02-29"),
    (Kind.DATE, date(2024, 2, 29), "2024-02-29"),
    (Kind.TIME, "12:30", "12:30:00"),
    (Kind.TIME, time(12, 30), "12:30:00"),
    (Kind.TIMESTAMP, "2024-02-29", "2024-02-29 00:00:00"),
    (Kind.TIMESTAMP, "2024-02-29T12:30:00", "2024-02-29 12:30:00"),
    (Kind.TIMESTAMP, "2024-02-29T12:30:00Z", "2024-02-29 12:30:00"),
    (Kind.TIMESTAMP, "2024-02-29T12:30:00.5000000+02:00", "2024-02-29 10:30:00.500000"),
    (Kind.TIMESTAMP, NOON.astimezone(PLUS_TWO), "2024-02-29 12:00:00"),
    (Kind.TIMESTAMP_TZ, "2024-02-29 12:30:00", "2024-02-29 12:30:00+00:00"),
    (Kind.TIMESTAMP_TZ, "2024-02-29T12:30:00Z", "2024-02-29 12:30:00+00:00"),
    (Kind.TIMESTAMP_TZ, "2024-02-29T12:30:00+02:00", "2024-02-29 10:30:00+00:00"),
    (Kind.BYTES, bytearray(b"\0x"), b"\0x"),
    (Kind.JSON, {"b": [1, None, "ü"]}, '{"b":[1,null,"ü"]}'),
    (Kind.JSON, "text", '"text"'),
    (Kind.UUID, "{0000000000000000000000000000000A}", str(SOME_UUID)),
    (Kind.OTHER, "{1,2}", "{1,2}"),
]

REFUSED: list[tuple[Kind, Any, str]] = [
    (Kind.INTEGER, True, "wrong_type"),
    (Kind.INTEGER, 1.5, "wrong_type"),
    (Kind.INTEGER, "007", "wrong_type"),
    (Kind.INTEGER, "1.0", "wrong_type"),
    (Kind.INTEGER, "", "wrong_type"),
    (Kind.INTEGER, "٣", "wrong_type"),
    (Kind.INTEGER, 2**63, "out_of_range"),
    (Kind.INTEGER, -(2**63) - 1, "out_of_range"),
    (Kind.INTEGER, 1e300, "out_of_range"),
    (Kind.INTEGER, math.inf, "not_finite"),
    (Kind.INTEGER, math.nan, "wrong_type"),
    (Kind.REAL, math.nan, "not_finite"),
    (Kind.REAL, "NaN", "wrong_type"),
    (Kind.REAL, "1e999", "not_finite"),
    (Kind.REAL, 10**400, "not_finite"),
    (Kind.REAL, 2**53 + 1, "loses_digits"),
    (Kind.REAL, True, "wrong_type"),
    (Kind.NUMERIC, "1_000", "wrong_type"),
    (Kind.NUMERIC, "1,5", "wrong_type"),
    (Kind.NUMERIC, math.nan, "not_finite"),
    (Kind.NUMERIC, [], "wrong_type"),
    (Kind.TEXT, 1.5, "wrong_type"),
    (Kind.TEXT, False, "wrong_type"),
    (Kind.TEXT, ["a"], "wrong_type"),
    (Kind.TEXT, "a\0b", "nul_character"),
    (Kind.TEXT, "\ud800", "bad_encoding"),
    (Kind.BOOLEAN, 2, "wrong_type"),
    (Kind.BOOLEAN, "true", "wrong_type"),
    (Kind.DATE, "2023-02-29", "no_such_time"),
    (Kind.DATE, "20240229", "wrong_type"),
    (Kind.DATE, "2024-02-29T12:00:00", "loses_time"),
    (Kind.DATE, "٢٠٢٤-02-29", "wrong_type"),
    (Kind.TIME, "25:00", "no_such_time"),
    (Kind.TIME, time(12, tzinfo=UTC), "wrong_type"),
    (Kind.TIMESTAMP, "2024-02-29T12:30:00.1234567", "loses_digits"),
    (Kind.TIMESTAMP, "2023-02-29 12:30:00Z", "no_such_time"),
    (Kind.TIMESTAMP, "0000-01-01 12:30:00", "no_such_time"),
    (Kind.TIMESTAMP, "2024-02-28T24:00:01", "no_such_time"),
    (Kind.TIMESTAMP, "2024-02-29T1٢:00:00", "wrong_type"),
    (Kind.TIMESTAMP, "0001-01-01T00:00:00+02:00", "out_of_range"),
    (Kind.TIMESTAMP, "2024-W09-4", "wrong_type"),
    (Kind.TIMESTAMP, 1709208000, "wrong_type"),
    (Kind.BYTES, "text", "wrong_type"),
    (Kind.JSON, math.nan, "bad_json"),
    (Kind.JSON, {"a": "\0"}, "nul_character"),
    (Kind.JSON, ["\ud800"], "bad_encoding"),
    (Kind.JSON, {1, 2}, "bad_json"),
    (Kind.UUID, "nonsense", "wrong_type"),
    (Kind.UUID, 7, "wrong_type"),
    (Kind.OTHER, True, "wrong_type"),
    (Kind.OTHER, math.inf, "not_finite"),
]


def column(kind: Kind, **more: Any) -> Column:
    return Column(name="c", kind=kind, type=kind.value, **more)


@pytest.mark.parametrize(("kind", "raw", "kept"), TAKEN)
def test_a_value_is_normalised(kind: Kind, raw: Any, kept: Any) -> None:
    converted = converter(column(kind), sqlite=False)(raw)

    assert (converted, type(converted)) == (kept, type(kept))


@given(st.datetimes(), st.sampled_from(["seconds", "milliseconds", "microseconds"]), st.sampled_from(["T", " "]))
def test_a_time_as_text_is_kept_as_the_moment_itself_would_be(moment: datetime, finest: str, between: str) -> None:
    text = moment.isoformat(between, finest)
    meant = datetime.fromisoformat(text)

    for kind in (Kind.TIMESTAMP, Kind.TIMESTAMP_TZ):
        convert = converter(column(kind), sqlite=False)
        assert convert(text) == convert(f"{text}Z") == convert(meant)


@pytest.mark.parametrize(("kind", "raw", "code"), REFUSED)
def test_a_value_is_refused_with_a_code(kind: Kind, raw: Any, code: str) -> None:
    with pytest.raises(BadValue) as refused:
        converter(column(kind), sqlite=False)(raw)

    assert refused.value.code == code
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("bounded", "fits", "does_not", "code"),
    [
        (column(Kind.TEXT, length=3), "äöü", "äöüß", "too_long"),
        (column(Kind.TEXT, choices=("on", "off")), "on", "On", "not_allowed"),
        (column(Kind.INTEGER, bits=16), 32767, 32768, "out_of_range"),
        (column(Kind.INTEGER, bits=32), -(2**31), 2**31, "out_of_range"),
        (column(Kind.NUMERIC, precision=4, scale=2), "99.99", "100", "out_of_range"),
        (column(Kind.NUMERIC, precision=4, scale=2), "0.010", "0.001", "loses_digits"),
        (column(Kind.NUMERIC, precision=4, scale=2), "1.00", f"1.{'0' * 40}1", "loses_digits"),
        (column(Kind.NUMERIC, precision=40, scale=2), f"{'1' * 38}.25", f"{'1' * 38}.125", "loses_digits"),
    ],
    ids=str,
)
def test_the_bounds_of_a_column_hold(bounded: Column, fits: Any, does_not: Any, code: str) -> None:
    convert = converter(bounded, sqlite=False)
    convert(fits)

    with pytest.raises(BadValue) as refused:
        convert(does_not)

    assert refused.value.code == code


def test_minus_zero_is_zero() -> None:
    """The database takes them for one value; the text of the two differs."""
    assert str(converter(column(Kind.REAL), sqlite=False)(-0.0)) == "0.0"


def test_sqlite_stores_truth_and_decimals_as_numbers() -> None:
    truth = converter(column(Kind.BOOLEAN), sqlite=True)(True)
    whole = converter(column(Kind.NUMERIC), sqlite=True)("7.00")
    part = converter(column(Kind.NUMERIC), sqlite=True)("0.10")

    assert [(type(value), value) for value in (truth, whole, part)] == [(int, 1), (int, 7), (float, 0.1)]


def test_sqlite_refuses_digits_that_a_double_would_lose() -> None:
    with pytest.raises(BadValue) as refused:
        converter(column(Kind.NUMERIC), sqlite=True)("0.12345678901234567890")

    assert refused.value.code == "loses_digits"


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        (Kind.TEXT, "", ""),
        (Kind.INTEGER, "", None),
        (Kind.BOOLEAN, "Yes", True),
        (Kind.BOOLEAN, "f", False),
        (Kind.BOOLEAN, "", None),
        (Kind.JSON, '{"a": 1}', '{"a":1}'),
        (Kind.DATE, "2024-02-29", "2024-02-29"),
        (Kind.REAL, "1.5", 1.5),
    ],
)
def test_text_is_read_by_the_kind_of_its_column(kind: Kind, text: str, kept: Any) -> None:
    assert from_text(column(kind), converter(column(kind), sqlite=False))(text) == kept


@pytest.mark.parametrize(("kind", "text"), [(Kind.BOOLEAN, "maybe"), (Kind.JSON, "{"), (Kind.JSON, "[" * 100_000)])
def test_text_that_cannot_be_read_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(BadValue):
        from_text(column(kind), converter(column(kind), sqlite=False))(text)


huge = st.sampled_from([400, 5000]).map(lambda digits: 10**digits)
numbers = st.integers() | huge | st.floats() | st.decimals()
words = st.text() | st.text(st.characters(categories=["Cs"]), max_size=2) | st.sampled_from(["\0", "true", "{}", "[1]"])
moments = st.dates() | st.times() | st.datetimes() | st.datetimes(timezones=st.just(UTC) | st.just(PLUS_TWO))
plain = numbers | words | st.booleans() | st.binary() | st.uuids() | moments
spelled = (st.integers() | st.floats() | st.decimals() | moments | st.uuids()).map(str)
anything = plain | spelled | st.lists(plain, max_size=2) | st.dictionaries(words, plain, max_size=2)
columns = st.sampled_from(
    [
        *map(column, Kind),
        column(Kind.TEXT, length=3),
        column(Kind.TEXT, choices=("on", "off")),
        column(Kind.INTEGER, bits=16),
        column(Kind.NUMERIC, precision=8, scale=2),
    ]
)


@given(one=columns, value=anything, sqlite=st.booleans())
def test_any_value_is_normalised_for_good_or_refused(one: Column, value: Any, *, sqlite: bool) -> None:
    convert = converter(one, sqlite=sqlite)
    try:
        kept = convert(value)
    except BadValue as refused:
        assert refused.code
        assert len(str(refused)) < 400
        assert str(refused).isprintable()
    else:
        # JSON alone is no fixed point: the text of a value is a value of its own.
        again = json.loads(kept) if one.kind is Kind.JSON and isinstance(kept, str) else kept
        assert convert(again) == kept


@given(one=columns, text=words | spelled)
def test_any_text_of_a_csv_file_is_read_or_refused(one: Column, text: str) -> None:
    read = from_text(one, converter(one, sqlite=False))
    try:
        read(text)
    except BadValue as refused:
        assert refused.code
