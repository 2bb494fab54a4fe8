"""What could be a rule of a table: found in its schema, and kept by all of its rows.

The constraints of the schema are checked without rules. What is proposed beside them are habits of the data, so records
that break one pass with a warning until the owner trusts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from validate_updates import Pattern, UsageError, of_journals

Setting = str | int | float | bool | Sequence["str | int | float | bool"]

ENOUGH: Final = 20
"""Rows from which a habit is one."""
_CHOICES: Final = 12
"""Most values of a column that is a choice among few; each stands in ten rows on average."""
_LOOKED_AT: Final = 2000
"""Texts that a pattern is made of."""
_LONGEST: Final = 40
"""Characters of texts that may have a pattern."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """Rules for one table."""

    table: str
    rows: int
    checked_anyway: tuple[str, ...]
    rules: tuple[dict[str, Setting], ...]


def proposals(connection: sa.Connection, name: str, schema: str | None) -> Proposals:
    """Read the table, a few statements a column. Raises ``UsageError`` where there is none of that name."""
    inspector = sa.inspect(connection)
    tables = inspector.get_table_names(schema=schema)
    if name not in tables:
        raise UsageError(f"there is no table {name!r} in the target", hint=f"tables: {', '.join(sorted(tables))}")
    table = sa.Table(name, sa.MetaData(), schema=schema, autoload_with=connection, resolve_fks=False)
    rows = int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
    reading = _Reading(connection, table, rows)
    rules: list[dict[str, Setting]] = []
    if rows >= ENOUGH:
        for column in table.columns:
            rules += reading.of_column(column)
        rules += reading.of_pairs()
        rules += reading.of_other_tables([one for one in tables if one != name], schema)
    about = tuple({"table": name, **rule} for rule in rules)  # also where it holds children of the records
    return Proposals(name, rows, tuple(_checked_anyway(inspector, table)), about)


def _checked_anyway(inspector: sa.Inspector, table: sa.Table) -> Iterator[str]:
    not_null = [column.name for column in table.columns if not column.nullable and not column.primary_key]
    if not_null:
        yield f"not null: {', '.join(not_null)}"
    lengths = [c.name for c in table.columns if getattr(c.type, "length", None) or isinstance(c.type, sa.Enum)]
    if lengths:
        yield f"length or choice: {', '.join(lengths)}"
    for names in _unique_sets(inspector, table):
        yield f"unique: {', '.join(names)}"
    for key in inspector.get_foreign_keys(table.name, schema=table.schema):
        yield f"foreign key: {', '.join(key['constrained_columns'])} -> {key['referred_table']}"


def _unique_sets(inspector: sa.Inspector, table: sa.Table) -> list[tuple[str, ...]]:
    """Without the primary key. On SQLite by its indexes: not every constraint is found in the text of the table."""
    auto = {"include_auto_indexes": True} if inspector.dialect.name == "sqlite" else {}
    indexes = inspector.get_indexes(table.name, schema=table.schema, **auto)
    found = {tuple(map(str, index["column_names"])) for index in indexes if _holds_of_all(index)}
    return sorted(found - {tuple(column.name for column in table.primary_key.columns)})


def _holds_of_all(index: Mapping[str, Any]) -> bool:
    """Whether it keeps columns unique, and not only expressions, or some of the rows."""
    partial = any(option.endswith("_where") for option in index.get("dialect_options") or {})
    return bool(index["unique"]) and not partial and None not in index["column_names"]


class _Reading:
    """One table, and what its rows have in common."""

    def __init__(self, connection: sa.Connection, table: sa.Table, rows: int) -> None:
        self._connection = connection
        self._table = table
        self._rows = rows
        self._filled: dict[str, int] = {}

    def of_column(self, column: sa.Column[Any]) -> Iterator[dict[str, Setting]]:
        """Rules about one column."""
        filled, least, most = self._range(column)
        self._filled[column.name] = filled
        if filled < ENOUGH:
            return
        kept: dict[str, Setting] = {}
        if filled == self._rows and column.nullable and not column.primary_key:
            kept["required"] = True
        kept |= dict(self._values(column, filled, least, most))
        if kept:
            yield _rule(column, kept)

    def _range(self, column: sa.Column[Any]) -> tuple[int, Any, Any]:
        bounds: list[sa.ColumnElement[Any]] = []
        least, most = sa.func.min(column), sa.func.max(column)
        if _is_number(column):  # as it is: SQLite may hold what is no number
            bounds = [sa.type_coerce(bound, sa.types.NullType()) for bound in (least, most)]
        elif _is_day(column):  # as text: SQLite may hold what is no date
            bounds = [sa.cast(bound, sa.Text()) for bound in (least, most)]
        filled, *found = self._one(sa.select(sa.func.count(column), *bounds))
        return (filled, *found) if found else (filled, None, None)

    def _values(self, column: sa.Column[Any], filled: int, least: Any, most: Any) -> Iterator[tuple[str, Setting]]:
        choices = self._choices(column, filled)
        if choices:
            yield "allowed", choices
        elif _is_number(column) and not column.primary_key and not column.foreign_keys:
            if isinstance(least, _NUMBERS) and isinstance(most, _NUMBERS):
                yield "min", _plain(least)
                yield "max", _plain(most)
        elif _is_day(column):
            yield from _window(least, most)
        elif isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum):
            pattern = self._pattern(column)
            if pattern:
                yield "pattern", pattern
                if not column.primary_key and self._distinct(column) == filled:
                    yield "unique", True

    def _distinct(self, column: sa.Column[Any]) -> int:
        return int(self._one(sa.select(sa.func.count(column.distinct())))[0])

    def _choices(self, column: sa.Column[Any], filled: int) -> Sequence[str | int] | None:
        """All values, where they are few and each is common."""
        declared = isinstance(column.type, sa.Enum | sa.Boolean) or column.primary_key or column.foreign_keys
        if declared or not isinstance(column.type, sa.String | sa.Integer):
            return None
        distinct = sa.select(column).where(column.is_not(None)).distinct().order_by(column).limit(_CHOICES + 1)
        values = [row[0] for row in self._connection.execute(distinct)]
        fit = all(isinstance(value, int) or _is_short(value) for value in values)
        return values if fit and len(values) <= _CHOICES and filled >= 10 * len(values) else None

    def _pattern(self, column: sa.Column[Any]) -> str:
        """The one shape of its texts; empty where they have more than one, or none worth naming."""
        some = sa.select(column).where(column.is_not(None)).limit(_LOOKED_AT)
        texts = [row[0] for row in self._connection.execute(some)]
        if not all(text and _is_short(text) for text in texts):
            return ""
        pattern = _shape_of(texts)
        if not pattern or not any(char in pattern for char in "0A"):
            return ""
        fits = Pattern(pattern).fits
        every = self._connection.execute(sa.select(column).where(column.is_not(None)), execution_options=_STREAMED)
        return pattern if all(isinstance(row[0], str) and fits(row[0]) for row in every) else ""

    def of_pairs(self) -> Iterator[dict[str, Setting]]:
        """Days or moments of which one is never before the other."""
        days = [c for c in self._table.columns if _is_day(c) and self._filled.get(c.name, 0) >= ENOUGH]
        for number, one in enumerate(days):
            for other in days[number + 1 :]:
                if type(one.type) is type(other.type):
                    yield from self._compared(one, other)

    def _compared(self, one: sa.Column[Any], other: sa.Column[Any]) -> Iterator[dict[str, Setting]]:
        both, wrong, same = (
            sa.func.count(sa.case((condition, 1)))
            for condition in (sa.and_(one.is_not(None), other.is_not(None)), other < one, other == one)
        )
        together, before, equal = self._one(sa.select(both, wrong, same))
        if together >= ENOUGH and equal < together and before in {0, together - equal}:
            late, early = (other, one) if before == 0 else (one, other)
            yield _rule(late, {"compare": f">= {early.name}"})

    def of_other_tables(self, names: Sequence[str], schema: str | None) -> Iterator[dict[str, Setting]]:
        """Columns that are called like the key of another table, and all of whose values are there.

        A key that the database numbers is none of them: two tables that are numbered from 1 on have the same numbers.
        """
        free = [c for c in self._table.columns if not c.foreign_keys and self._filled.get(c.name, 0) >= ENOUGH]
        free = [c for c in free if c is not self._table.autoincrement_column]
        for name in sorted(set(names) - of_journals(names)):
            other = sa.Table(name, sa.MetaData(), schema=schema, autoload_with=self._connection, resolve_fks=False)
            keys = list(other.primary_key.columns)
            for column in free:
                if len(keys) == 1 and keys[0].name == column.name and type(keys[0].type) is type(column.type):
                    there = sa.exists().where(keys[0] == column)
                    if not self._connection.scalar(sa.select(sa.exists().where(column.is_not(None), ~there))):
                        yield _rule(column, {"exists": f"{name}.{keys[0].name}"})

    def _one(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[Any]:
        return self._connection.execute(query.select_from(self._table)).one()


def _is_short(value: object) -> bool:
    """Whether it is a text of few characters: on SQLite a column of texts may hold bytes."""
    return isinstance(value, str) and len(value) <= _LONGEST


_STREAMED: Final[Any] = {"yield_per": 1000}


def _rule(column: sa.Column[Any], kept: dict[str, Setting]) -> dict[str, Setting]:
    return {"column": column.name, **kept, "severity": "warning"}


def _is_number(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.Integer | sa.Numeric)


def _is_day(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.Date | sa.DateTime)


_NUMBERS: Final = (int, float, Decimal)


def _plain(number: float | Decimal) -> int | float:
    return number if isinstance(number, int) else float(number)


def _window(least: Any, most: Any) -> Iterator[tuple[str, Setting]]:
    """From the year of the first day; ahead, whole years from today where any day lies ahead."""
    today = datetime.now(UTC).date()
    try:
        first, last = (date.fromisoformat(str(day)[:10]) for day in (least, most))
    except ValueError:
        return
    yield "earliest", str(first.replace(month=1, day=1))
    ahead = last.year - today.year + 1
    yield "latest", "today" if last <= today else f"today + {ahead} year{'s' if ahead > 1 else ''}"


_RUNS: Final = re.compile(r"(?P<digits>[0-9]+)|(?P<upper>[A-Z]+)|(?P<lower>[a-z]+)|(?P<other>.)", re.DOTALL)
_CLASS: Final = {"digits": "[0-9]", "upper": "[A-Z]", "lower": "[a-z]"}


def _shape_of(texts: Sequence[str]) -> str:
    """Runs of digits and letters with their lengths, and what stands between; empty where texts differ in it."""
    shapes = {tuple((m.lastgroup, m[0] if m.lastgroup == "other" else "") for m in _RUNS.finditer(t)) for t in texts}
    if len(shapes) != 1:
        return ""
    lengths = [[len(m[0]) for m in _RUNS.finditer(text)] for text in texts]
    parts = []
    for (kind, char), found in zip(shapes.pop(), zip(*lengths, strict=True), strict=True):
        if kind == "other":
            if not char.isascii() or not char.isprintable():
                return ""
            parts.append(char if char == " " or char.isalnum() else f"\\{char}")
        else:
            low, high = min(found), max(found)
            times = "" if low == high == 1 else f"{{{low}}}" if low == high else f"{{{low},{high}}}"
            parts.append(f"{_CLASS[str(kind)]}{times}")
    return "".join(parts)
