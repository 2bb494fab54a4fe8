"""What tests make up: small tables, what is in them, and records for them, each with what should become of it.

Every value is drawn together with what its column will give back, so that a model needs no rules of conversion.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

from hypothesis import strategies as st

from validate_updates import Kind

Rule = Literal["nullable", "not null", "default"]
Row = dict[str, Any]
"""Column -> what the database gives back, in the form of :func:`as_kept`."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value as a record carries it, and as its column gives it back."""

    raw: Any
    kept: Any


@dataclass(frozen=True, slots=True)
class Sort:
    """A kind of column: its types, a default as SQL and as a value, values it takes, and values it does not."""

    sqlite: str
    postgresql: str
    default_sql: str
    default: Any
    good: st.SearchStrategy[Value]
    bad: st.SearchStrategy[Any]


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001  # a column without a zone
zones = st.integers(-12, 12).map(lambda hours: timezone(timedelta(hours=hours)))


def _same(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Value]:
    return values.map(lambda value: Value(value, value))


def _integers() -> st.SearchStrategy[Value]:
    numbers = st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)
    small = st.integers(-(2**50), 2**50)
    return (
        _same(numbers)
        | numbers.map(lambda number: Value(str(number), number))
        | small.map(lambda number: Value(float(number), number))
    )


def _reals() -> st.SearchStrategy[Value]:
    floats = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: Value(number, number + 0.0))
    return floats | st.integers(-(2**53), 2**53).map(lambda number: Value(number, float(number)))


def _numerics() -> st.SearchStrategy[Value]:
    cents = st.integers(-99_999_999, 99_999_999).map(lambda number: Decimal(number) / 100)
    return cents.map(lambda number: Value(float(number), number)) | cents.map(lambda number: Value(str(number), number))


def _timestamps() -> st.SearchStrategy[Value]:
    def zoned(moment: datetime) -> Value:
        return Value(moment.isoformat(), str(moment.astimezone(UTC).replace(tzinfo=None)))

    plain = moments.map(lambda moment: Value(moment.isoformat(), str(moment)))
    seconds = moments.map(lambda moment: Value(str(moment.replace(microsecond=0)), str(moment.replace(microsecond=0))))
    return seconds | plain | st.builds(datetime.replace, moments, tzinfo=zones).map(zoned)


def _dates() -> st.SearchStrategy[Value]:
    days = st.dates().map(str)
    return _same(days) | days.map(lambda day: Value(f"{day}T00:00:00", day))


def _jsons() -> st.SearchStrategy[Value]:
    # No floats that are integers, and members in order: PostgreSQL takes 1.0 for 1, and any order for any other.
    fractions = st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
    leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | fractions | texts
    nested = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2).map(_in_order),
        max_leaves=4,
    )
    whole = st.lists(nested, max_size=2) | st.dictionaries(texts, nested, max_size=2).map(_in_order)
    return (whole | st.booleans() | texts).map(lambda value: Value(value, as_kept(Kind.JSON, value)))


def _in_order(members: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(members.items()))


_NO_TEXT: st.SearchStrategy[Any] = st.sampled_from([True, [], [1], {"a": 1}])
SORTS = {
    Kind.INTEGER: Sort(
        "INTEGER", "bigint", "7", 7, _integers(), _NO_TEXT | st.sampled_from(["", "x", "007", "1e3", " 1", 1.5, 2**63])
    ),
    Kind.TEXT: Sort(
        "TEXT",
        "text",
        "'none'",
        "none",
        _same(texts) | st.integers(-99, 99).map(lambda number: Value(number, str(number))),
        _NO_TEXT | st.sampled_from([1.5, "nul\0", "\ud800"]),
    ),
    Kind.REAL: Sort(
        "REAL", "double precision", "0.5", 0.5, _reals(), _NO_TEXT | st.sampled_from(["", "x", "NaN", 2**53 + 1])
    ),
    Kind.NUMERIC: Sort(
        "DECIMAL(8,2)",
        "numeric(8,2)",
        "1.25",
        Decimal("1.25"),
        _numerics(),
        _NO_TEXT | st.sampled_from(["", "x", "1,5", "1_0", 0.001, 1e6, "Infinity"]),
    ),
    Kind.BOOLEAN: Sort(
        "BOOLEAN",
        "boolean",
        "false",
        False,
        _same(st.booleans()) | st.integers(0, 1).map(lambda number: Value(number, bool(number))),
        st.sampled_from([2, "true", "yes", 0.5, [], "", {}]),
    ),
    Kind.DATE: Sort(
        "DATE",
        "date",
        "'2024-02-29'",
        "2024-02-29",
        _dates(),
        _NO_TEXT | st.sampled_from(["", "20240101", "2023-02-29", "2024-01-01T10:00", "yesterday", 20240101]),
    ),
    Kind.TIMESTAMP: Sort(
        "TIMESTAMP",
        "timestamp",
        "'2024-02-29 12:30:00'",
        "2024-02-29 12:30:00",
        _timestamps(),
        _NO_TEXT | st.sampled_from(["", "now", "2024-01-01 25:00", "2024-01-01T10:00:00.1234567", 0]),
    ),
    Kind.JSON: Sort("JSON", "jsonb", "'[]'", "[]", _jsons(), st.sampled_from(["nul\0", ["\ud800"]])),
}
"""Kinds of columns that both databases have."""

NAMES = (
    *("a", "b c", "select", "Ünder", 'quo"te', "it's", "per%cent", "a:b", "(x)", "?", "back\\slash"),
    *("rowid", "pos", "row", "action", "tid", "c1"),  # what our own statements call their columns
)
"""Names of columns that somebody will use some day."""
UNKNOWN = "surely not there"


def as_kept(kind: Kind, value: Any) -> Any:
    """What a driver gives back, in one form for all databases."""
    if value is None:
        return None
    if kind is Kind.NUMERIC:
        return Decimal(str(value))
    if kind is Kind.BOOLEAN:
        return bool(value)
    if kind is Kind.JSON:
        return json.dumps(value, sort_keys=True)
    return str(value) if kind in (Kind.DATE, Kind.TIMESTAMP) else value


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """A column of a made-up table."""

    name: str
    kind: Kind
    rule: Rule

    @property
    def sort(self) -> Sort:
        return SORTS[self.kind]

    @property
    def when_absent(self) -> Any:
        """What an insert without it puts there."""
        return self.sort.default if self.rule == "default" else None


@dataclass(frozen=True, slots=True)
class Record:
    """A record, and what it brings: None where it has to be kept out."""

    raw: dict[str, Any]
    kept: Row | None


@dataclass(frozen=True, slots=True)
class World:
    """A table, its rows, and the records of an update."""

    columns: tuple[ColumnPlan, ...]
    key: tuple[str, ...]
    rows: tuple[Row, ...]
    records: tuple[Record, ...]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any small table with any rows, and any records for it, good and bad."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True))
    key_kinds = st.sampled_from([Kind.INTEGER, Kind.TEXT, Kind.DATE])
    rules: st.SearchStrategy[Rule] = st.sampled_from(["nullable", "nullable", "not null", "default"])
    width = draw(st.integers(1, min(2, len(names) - 1)))
    key = [ColumnPlan(name, draw(key_kinds), "not null") for name in names[:width]]
    others = [ColumnPlan(name, draw(st.sampled_from(list(SORTS))), draw(rules)) for name in names[width:]]
    keys = draw(st.lists(_values(key), min_size=1, max_size=5, unique_by=lambda one: tuple(_kept(one).values())))
    rows = tuple(
        {**_kept(one), **_kept(draw(_values(others, nulls=True)))}
        for one in draw(st.lists(st.sampled_from(keys), max_size=4, unique_by=id))
    )
    return World(
        columns=tuple(draw(st.permutations([*key, *others]))),
        key=tuple(column.name for column in key),
        rows=rows,
        records=tuple(draw(st.lists(_records(keys, key, others), max_size=8))),
    )


def _kept(values: dict[str, Value]) -> Row:
    return {name: value.kept for name, value in values.items()}


def _values(columns: list[ColumnPlan], *, nulls: bool = False) -> st.SearchStrategy[dict[str, Value]]:
    return st.fixed_dictionaries({column.name: _value(column, nulls=nulls) for column in columns})


def _value(column: ColumnPlan, *, nulls: bool) -> st.SearchStrategy[Value]:
    maybe_null = nulls and column.rule == "nullable"
    return st.just(Value(None, None)) | column.sort.good if maybe_null else column.sort.good


@st.composite
def _records(draw: st.DrawFn, keys: list[dict[str, Value]], key: list[ColumnPlan], others: list[ColumnPlan]) -> Record:
    values = dict(draw(st.sampled_from(keys)))
    for column in others:
        how = draw(st.sampled_from(["value", "value", "value", "absent", "null"]))
        if how != "absent":
            values[column.name] = draw(column.sort.good) if how == "value" else Value(None, None)
    raw = {name: value.raw for name, value in draw(st.permutations(list(values.items())))}
    fault = draw(st.sampled_from([""] * 8 + ["no key", "null key", "unknown column", "bad value"]))
    if not fault:
        return Record(raw, {name: value.kept for name, value in values.items()})
    column = draw(st.sampled_from(key if "key" in fault else [*key, *others]))
    if fault == "no key":
        del raw[column.name]
    elif fault == "unknown column":
        raw[UNKNOWN] = 1
    else:
        raw[column.name] = None if fault == "null key" else draw(column.sort.bad)
    return Record(raw, None)
