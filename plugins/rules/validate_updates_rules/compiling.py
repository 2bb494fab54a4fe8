"""Rules compiled to SQL conditions over the rows that the records would make.

Names of columns and tables come from reflection, values are bound. What a rule asks of a table that does not have it is
an error of the settings, which names the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NoReturn

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from validate_updates import Column, Context, Kind, SettingsError, Severity
from validate_updates_rules.checks import Check
from validate_updates_rules.days import CLOCK, DATE, ISO, read_day, read_layout
from validate_updates_rules.expressions import names_in
from validate_updates_rules.outcome import Outcome, Plain
from validate_updates_rules.settings import COMPARISON, REFERENCE, Rule, Type

_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.REAL, Kind.NUMERIC})
_MOMENTS: Final = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_TZ})
_LISTED: Final = 6
"""Allowed values that a message names."""


@dataclass(frozen=True, slots=True)
class Named:
    """A rule with its name, and its place among the others."""

    rule: Rule
    name: str

    def wrong(self, what: str, hint: str = "") -> NoReturn:
        """Say that the rule cannot be checked."""
        raise SettingsError(f"plugins.rules: the rule {self.name} cannot be checked: {what}", hint=hint)


def applicable(rules: Iterable[Rule], context: Context) -> Iterator[Named]:
    """The rules about one table of the update. A table that no rule can be about is an error, and no silence."""
    for named in _named(tuple(rules)):
        rule = named.rule
        if (rule.table or next(iter(context.tables))) == context.target.name:
            yield named
        elif rule.table and rule.table not in context.tables:
            _table(named, context, rule.table)


def _named(rules: tuple[Rule, ...]) -> Iterator[Named]:
    """Each with a name of its own: one that is made twice gets the rule's number."""
    names = [rule.name or _made_name(rule, number) for number, rule in enumerate(rules, start=1)]
    for number, (rule, name) in enumerate(zip(rules, names, strict=True), start=1):
        yield Named(rule, name if rule.name or names.count(name) == 1 else f"{name}_{number}")


def _made_name(rule: Rule, number: int) -> str:
    about = "_".join(rule.about) or "record"
    return f"{about}_{'_'.join(rule.checks) if len(rule.checks) < 3 else number}"


def whole_columns(named: Iterable[Named], context: Context) -> frozenset[str]:
    """Columns that a rule looks at beside another: where a record leaves one out, the row's own value counts."""
    found: set[str] = set()
    for one in named:
        columns = columns_of(one, context)
        found |= columns if len(columns) > 1 or one.rule.sql else set()
    return frozenset(found)


def columns_of(named: Named, context: Context) -> frozenset[str]:
    """All columns of the table that a rule looks at; of its SQL those whose names occur in it."""
    words = names_in(named.rule.sql)
    found = {name for name in context.target.names if name.lower() in words}
    if named.rule.compare:
        found.add(_other_column(named, context).name)
    return frozenset(found | {_column(named, context, name).name for name in named.rule.about})


def compiled(named: Named, outcome: Outcome) -> Iterator[Check]:
    """The checks of a rule, a check for each kind of condition."""
    rule = named.rule
    columns = columns_of(named, outcome.context)
    nobody_has_one = not any(name in outcome.context.staged.c for name in columns)
    for name, compile_it in _COMPILERS.items():
        if any(part in rule.checks for part in name.split()):
            condition = compile_it(named, outcome)
            if condition is None or (nobody_has_one and name not in {"required", "sql"}):
                continue  # there is nothing to check
            broken, what, shown = condition
            concerns = outcome.concerns(columns)
            yield Check(
                rule=named.name,
                code=f"rule_{_CODES.get(name, name)}",
                severity=Severity(rule.severity),
                columns=shown,
                broken=broken if concerns is None else sa.and_(concerns, broken),
                what=what,
                own_words=rule.message,
                in_sql=name == "sql",
            )


_Condition = tuple[sa.ColumnElement[bool], str, tuple[str, ...]]
"""When the rule is broken, what to say then, and the columns whose values show it."""


def _required(named: Named, outcome: Outcome) -> _Condition | None:
    column = _single(named, outcome)
    if column.name in outcome.context.pending:
        return None
    value = outcome.value(column.name)
    missing: sa.ColumnElement[bool] = value.is_(None)
    if column.kind is Kind.TEXT:
        missing = sa.or_(missing, sa.func.trim(_text(value)) == sa.literal("", sa.Text()))
    left_out = outcome.left_out(column.name)
    if left_out is not None and column.has_default:
        missing = sa.and_(missing, sa.not_(left_out))
    return missing, "is missing", (column.name,)


_TYPES: Final = {
    Type.INTEGER: "[+-]?[0-9]+",
    Type.NUMBER: r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?",
    Type.BOOLEAN: "true|false|t|f|yes|no|1|0",
    Type.DATE: DATE,
    Type.TIME: CLOCK,
    Type.TIMESTAMP: f"({DATE})([T ]{CLOCK}(Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?",
    Type.UUID: "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}
_HELD: Final = {
    Type.INTEGER: {Kind.INTEGER},
    Type.NUMBER: _NUMBERS,
    Type.BOOLEAN: {Kind.BOOLEAN},
    Type.DATE: {Kind.DATE},
    Type.TIME: {Kind.TIME},
    Type.TIMESTAMP: _MOMENTS,
    Type.UUID: {Kind.UUID},
}


def _type(named: Named, outcome: Outcome) -> _Condition | None:
    column, wanted = _single(named, outcome), named.rule.type or Type.INTEGER
    if column.kind in _HELD[wanted]:
        return None  # the column holds nothing else
    if column.kind is not Kind.TEXT:
        named.wrong(f"{column.name} is of type {column.type}, and no {wanted}")
    fits = outcome.context.db.matches(_text(outcome.value(column.name)), _TYPES[wanted])
    return sa.not_(fits), f"cannot be read as {wanted}", (column.name,)


def _allowed(named: Named, outcome: Outcome) -> _Condition:
    column, allowed = _single(named, outcome), named.rule.allowed
    for value in allowed:
        _require_fitting(named, column, value)
    shown = ", ".join(map(repr, allowed[:_LISTED])) + (", …" if len(allowed) > _LISTED else "")
    values: Any = list(allowed)
    cell = outcome.value(column.name)
    cell = _text(cell) if column.kind is Kind.TEXT else cell
    return cell.not_in(values), f"is not one of {shown}", (column.name,)


def _require_fitting(named: Named, column: Column, value: object) -> None:
    numbers: tuple[type, ...] = (int, float)
    kinds: dict[Kind, tuple[type, ...]] = dict.fromkeys(_NUMBERS, numbers) | {Kind.BOOLEAN: (bool,)}
    wanted = kinds.get(column.kind, (str,))
    if column.kind is not Kind.OTHER and (
        not isinstance(value, wanted) or (isinstance(value, bool) and column.kind is not Kind.BOOLEAN)
    ):
        named.wrong(f"{value!r} is no value for {column.name}, which is of type {column.type}")


def _range(named: Named, outcome: Outcome) -> _Condition:
    column, rule = _single(named, outcome), named.rule
    if column.kind not in {*_NUMBERS, Kind.OTHER}:
        named.wrong(f"{column.name} holds no numbers, it is of type {column.type}", "for days: earliest and latest")
    outside = _not_between(outcome.value(column.name), rule.min, rule.max)
    return outside, _beyond(rule.min, rule.max, "is below", "is above"), (column.name,)


def _length(named: Named, outcome: Outcome) -> _Condition:
    column, rule = _single(named, outcome), named.rule
    length = sa.func.length(_textual(named, outcome, column))
    return (
        _not_between(length, rule.min_length, rule.max_length),
        f"{_beyond(rule.min_length, rule.max_length, 'has fewer than', 'has more than')} characters",
        (column.name,),
    )


def _not_between(value: sa.ColumnElement[Any], low: float | None, high: float | None) -> sa.ColumnElement[bool]:
    """Whether it is beyond one of two bounds. Where both are set, the value is worked out once."""
    if low is None:
        return value > _bound(high)
    return value < _bound(low) if high is None else sa.not_(value.between(_bound(low), _bound(high)))


def _pattern(named: Named, outcome: Outcome) -> _Condition:
    column = _single(named, outcome)
    fits = outcome.context.db.matches(_textual(named, outcome, column), named.rule.pattern)
    return sa.not_(fits), f"does not fit {named.rule.pattern}", (column.name,)


def _days(named: Named, outcome: Outcome) -> _Condition:
    column, rule = _single(named, outcome), named.rule
    today = outcome.context.run.as_of.date()
    first = read_day(rule.earliest).at(today) if rule.earliest else None
    last = read_day(rule.latest).at(today) if rule.latest else None
    span = _beyond(first, last, "is before", "is after") if first or last else ""
    if column.kind in _MOMENTS and not rule.date_format:
        value, zone = _AsKept(outcome.value(column.name)), " 00:00:00+00" if column.kind is Kind.TIMESTAMP_TZ else ""
        return sa.or_(sa.false(), *_outside(value, first, last, zone)), span, (column.name,)
    text, layout = _textual(named, outcome, column), read_layout(rule.date_format or ISO)
    matches = outcome.context.db.matches
    iso = _joined(text, layout.at)
    no_date = [sa.not_(matches(text, layout.pattern)), sa.not_(matches(iso, DATE))]
    if rule.date_format in {"", ISO}:
        no_date = [sa.not_(matches(text, DATE))]
        iso = text
    written = f"is no date written as {rule.date_format or ISO}"
    return (
        sa.or_(*no_date, *_outside(iso, first, last, "")),
        f"{written}, or {span}" if span else written,
        (column.name,),
    )


def _outside(value: sa.ColumnElement[Any], first: date | None, last: date | None, zone: str) -> Iterator[Any]:
    """Compared as days, also moments: SQLite keeps them as ISO text, in which a day sorts before all its times."""
    if first:
        yield value < _bound(f"{first}{zone}")
    if last and last < date.max:
        yield value >= _bound(f"{last + timedelta(days=1)}{zone}")


def _joined(text: sa.ColumnElement[str], at: dict[str, int]) -> sa.ColumnElement[str]:
    """Year, month and day of a text, as ISO writes them."""
    year, month, day = (
        sa.func.substr(text, at[part], width, type_=sa.Text()) for part, width in (("Y", 4), ("m", 2), ("d", 2))
    )
    dash = sa.literal("-", sa.Text())
    return year + dash + month + dash + day


def _unique(named: Named, outcome: Outcome) -> _Condition | None:
    columns = tuple(_column(named, outcome.context, name).name for name in named.rule.about)
    staged = outcome.context.staged
    if not all(name in staged.c for name in columns):
        return None  # no record has a say
    one, twice = staged.alias(), staged.alias()
    cells = [twice.c[name] for name in columns]
    known = (cell.is_not(None) for cell in cells)
    repeated = sa.select(*cells).where(*known).group_by(*cells).having(sa.func.count() > 1).subquery()
    same = (one.c[name] == repeated.c[name] for name in columns)
    rows = sa.select(one.c["vu_row"]).join(repeated, sa.and_(*same))
    return outcome.row.in_(rows), "stands in more than one record of the update", columns


def _exists(named: Named, outcome: Outcome) -> _Condition:
    columns = tuple(_column(named, outcome.context, name).name for name in named.rule.about)
    reference = REFERENCE.fullmatch(named.rule.exists)
    if reference is None:
        raise AssertionError("settings have seen to it that this can be read")
    other = _table(named, outcome.context, reference["table"])
    theirs = [part.strip() for part in reference["columns"].split(",")]
    for name in theirs:
        if name not in other.c:
            named.wrong(f"{other.name} has no column {name!r}", f"columns: {', '.join(other.c.keys())}")
    broken = points_nowhere(outcome, columns, other, theirs)
    return broken, f"is not in {other.name}.{', '.join(theirs)}", columns


def points_nowhere(
    outcome: Outcome, columns: tuple[str, ...], other: sa.Table, theirs: list[str]
) -> sa.ColumnElement[bool]:
    """No row of another table has these values. Of a table of the update, a new row of the update counts too."""
    context = outcome.context
    rows = other.alias()
    given = [outcome.value(name).is_not(None) for name in columns]
    same = (
        sa.type_coerce(rows.c[name], Plain()) == outcome.value(mine) for name, mine in zip(theirs, columns, strict=True)
    )
    nowhere = [~sa.exists(sa.select(1).select_from(rows).where(*same).correlate(outcome.record))]
    brought = context.tables.get(other.name)
    of_update = brought is not None and brought.target.schema == other.schema
    if brought and of_update and all(name in brought.staged.c for name in theirs):
        staged, planned = brought.staged.alias(), brought.planned
        written = sa.select(planned.c.row).where(planned.c.action.in_(("I", "U")))
        equal = (staged.c[name] == outcome.value(mine) for name, mine in zip(theirs, columns, strict=True))
        among = sa.select(1).select_from(staged).where(*equal, staged.c["vu_row"].in_(written))
        nowhere.append(~sa.exists(among.correlate(outcome.record)))
    return sa.and_(*given, *nowhere)


_SIGNS: Final[dict[str, Callable[[Any, Any], sa.ColumnElement[bool]]]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
    "!=": lambda one, other: one != other,
    ">=": lambda one, other: one >= other,
    ">": lambda one, other: one > other,
}


def _compare(named: Named, outcome: Outcome) -> _Condition:
    column, other = _single(named, outcome), _other_column(named, outcome.context)
    if column.kind is not other.kind and not {column.kind, other.kind} <= _NUMBERS:
        named.wrong(f"{column.name} is of type {column.type}, and {other.name} of type {other.type}")
    match = COMPARISON.fullmatch(named.rule.compare)
    sign = match["sign"] if match else ""
    one, two = outcome.value(column.name), outcome.value(other.name)
    if column.kind is Kind.TEXT:
        one, two = _Bytewise(_text(one)), _Bytewise(_text(two))
    return (
        sa.not_(_SIGNS[sign](one, two)),
        f"do not meet {column.name} {sign} {other.name}",
        (
            column.name,
            other.name,
        ),
    )


def _sql(named: Named, _outcome: Outcome) -> _Condition:
    broken: sa.ColumnElement[bool] = sa.literal_column(f"NOT (\n{named.rule.sql}\n)", sa.Boolean())
    shown = " ".join(named.rule.sql.split())
    return broken, f"does not meet {shown[:80]}", named.rule.about


_COMPILERS: Final[dict[str, Callable[[Named, Outcome], _Condition | None]]] = {
    "required": _required,
    "type": _type,
    "allowed": _allowed,
    "min max": _range,
    "min_length max_length": _length,
    "pattern": _pattern,
    "date_format earliest latest": _days,
    "unique": _unique,
    "exists": _exists,
    "compare": _compare,
    "sql": _sql,
}
"""By the settings that ask for it."""
_CODES: Final = {"min max": "range", "min_length max_length": "length", "date_format earliest latest": "date"}


# Columns, tables and values.


def _single(named: Named, outcome: Outcome) -> Column:
    return _column(named, outcome.context, named.rule.column)


def _column(named: Named, context: Context, name: str) -> Column:
    if name not in context.target.names:
        hint = f"columns: {', '.join(context.target.names)}; a rule about another table names it: table = …"
        named.wrong(f"{context.target.name} has no column {name!r}", hint)
    return context.target.column(name)


def _other_column(named: Named, context: Context) -> Column:
    match = COMPARISON.fullmatch(named.rule.compare)
    return _column(named, context, match["column"] if match else "")


def _table(named: Named, context: Context, name: str) -> sa.Table:
    try:
        return context.db.table(name)
    except LookupError as reason:
        named.wrong(str(reason))


def _textual(named: Named, outcome: Outcome, column: Column) -> sa.ColumnElement[str]:
    if column.kind is not Kind.TEXT:
        named.wrong(f"{column.name} holds no texts, it is of type {column.type}")
    return _text(outcome.value(column.name))


def _text(value: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    return sa.cast(value, sa.Text())


def _bound(value: Any) -> sa.ColumnElement[Any]:
    """As the driver sends it, without a type of ours: the database takes it for what it is compared with."""
    return sa.bindparam(None, value, type_=sa.types.NullType(), unique=True)


def _beyond(low: object, high: object, below: str, above: str) -> str:
    if low is None:
        return f"{above} {high}"
    return f"{below} {low}" if high is None else f"{below} {low}, or {above} {high}"


class _Adapted(sa.sql.functions.FunctionElement[Any]):
    """An expression as it is; subclasses say which database has it otherwise."""

    type: sa.types.TypeEngine[Any] = sa.types.NullType()
    inherit_cache = True


@compiles(_Adapted)
def _as_it_is(element: _Adapted, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


class _Bytewise(_Adapted):
    """A text that is compared byte by byte, as SQLite does; PostgreSQL would go by the language of the database."""

    type = sa.Text()
    inherit_cache = True


@compiles(_Bytewise, "postgresql")
def _collated(element: _Bytewise, compiler: Any, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)}) COLLATE "C"'


class _AsKept(_Adapted):
    """A day or moment as it is kept: SQLite would try to read as numbers what it compares with a column declared so."""

    inherit_cache = True


@compiles(_AsKept, "sqlite")
def _without_affinity(element: _AsKept, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"
