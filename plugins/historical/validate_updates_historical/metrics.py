"""What this plugin measures of each update: shares and means of the columns, and how many records each group has.

All columns are measured in one pass over the staged records, and only what is watched. The counts of records are the
engine's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time
from functools import partial
from typing import Any, Final

from validate_updates import Column, Context, Kind, Metric, Moment, names_like, quoted
from validate_updates_historical.settings import Historical

GROUPS: Final = 50
"""Groups of a column that are counted: the largest."""
LONGEST: Final = 80
"""Characters of a group's name."""
NONE: Final = "(none)"
"""The group of records without a value."""

_DATES: Final = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_TZ})
_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.REAL, Kind.NUMERIC})
_COMPARED: Final = _DATES | _NUMBERS | {Kind.TEXT, Kind.BOOLEAN, Kind.TIME, Kind.UUID}
_KINDS: Final[Mapping[str, frozenset[Kind]]] = {
    "missing": frozenset(Kind),
    "distinct": _COMPARED,
    "mean": _NUMBERS,
    "length": frozenset({Kind.TEXT}),
    "age": _DATES,
}
"""What is measured of columns of which kinds."""


def metrics(settings: Historical) -> Iterator[Metric]:
    """The metrics under these settings."""
    yield Metric(
        name="columns",
        summary="by column: missing and distinct values in per cent, mean, length, age of the newest date in days",
        measure=partial(measure_columns, names_like(settings.watch), settings.least_records),
    )
    yield Metric(
        name="errors.percent",
        summary="records in quarantine, in per cent of those read",
        measure=partial(errors_percent, settings.least_records),
        moment=Moment.RESULT,
    )
    if settings.group_by:
        yield Metric(
            name="groups",
            summary=f"records by {', '.join(settings.group_by)}",
            measure=partial(measure_groups, settings.group_by),
        )


def errors_percent(least: int, context: Context) -> float | None:
    """The share of records that were kept out; None of fewer than ``least``."""
    counts = context.counts
    return counts.quarantined * 100 / counts.read if counts.read >= least else None


def measure_columns(is_watched: Callable[[str], bool], least: int, context: Context) -> Mapping[str, float]:
    """What is watched of the columns, where there are ``least`` records. A column not carried is missing in all."""
    import sqlalchemy as sa

    wanted = [(what, column) for what, column in _measurable(context) if is_watched(f"columns.{what}.{column.name}")]
    if not wanted or context.counts.read < least:
        return {}
    carried = [(what, column) for what, column in wanted if column.name in context.columns]
    # as text: to make it of SQLAlchemy's parts, and to compile these, takes half as long as to count
    cells: list[sa.ColumnElement[Any]] = [sa.literal_column(_number(what, column)) for what, column in carried]
    (row,) = context.db.rows(sa.select(sa.func.count(), *cells).select_from(context.staged), 1)
    total, *numbers = row
    if total < least:
        return {}
    found = {f"{what}.{column.name}": 100.0 for what, column in wanted if column.name not in context.columns}
    for (what, column), number in zip(carried, numbers, strict=True):
        value = _value(what, number, total, context.run.as_of)
        if value is not None:
            found[f"{what}.{column.name}"] = value
    return found


def _measurable(context: Context) -> Iterator[tuple[str, Column]]:
    """What can be measured of which column: of one that records could carry and do not, that it is missing."""
    for column in context.target.columns:
        if column.name in context.columns:
            yield from ((what, column) for what, kinds in _KINDS.items() if column.kind in kinds)
        elif not (column.generated or column.has_default):
            yield "missing", column


def _number(what: str, column: Column) -> str:
    """The number in SQL; an empty text is no value. Only texts are compared with one: PostgreSQL takes no others."""
    cell = quoted(column.name)
    is_text = column.kind is Kind.TEXT and not column.choices
    if what == "missing":  # few are: those counted, a third of the work is saved
        is_missing = f"({cell} <> '') IS NOT true" if is_text else f"{cell} IS NULL"
        return f"count(*) FILTER (WHERE {is_missing})"
    if what == "mean":
        return f"avg({cell})"
    if what == "age":
        return f"CAST(max({cell}) AS text)"
    value = f"nullif(CAST({cell} AS text), '')" if is_text else cell
    if what == "length":
        return f"avg(length(CAST({value} AS text)))"
    return f"count(DISTINCT {value}) * 100.0 / nullif(count({value}), 0)"


def _value(what: str, number: Any, total: int, now: datetime) -> float | None:
    if what == "missing":
        return float(number * 100 / total)
    if number is None:
        return None
    return _days_before(str(number), now) if what == "age" else float(number)


def _days_before(text: str, now: datetime) -> float | None:
    """Days from a date to now, below 0 where it lies ahead; None where it is none that Python knows."""
    try:
        newest = datetime.fromisoformat(text)
    except ValueError:
        return None
    if newest.tzinfo is None:
        newest = newest.replace(tzinfo=UTC)
    if newest.timetz().replace(tzinfo=None) == time(0):  # a day: whole days are counted
        now = datetime.combine(now.date(), time(0), UTC)
    return (now - newest).total_seconds() / 86_400


def measure_groups(columns: Iterable[str], context: Context) -> Mapping[str, float]:
    """How many records have which value in these columns, of each the :data:`GROUPS` most frequent values."""
    found: dict[str, float] = {}
    for name in columns:
        if name not in context.target.names:
            raise ValueError(f"plugins.historical.group_by: the table {context.target.name} has no column {name}")
        if name in context.columns:
            for value, count in _groups(context, name):
                group = f"{name}.{NONE if value is None else value}"
                found[group] = found.get(group, 0) + count
    return found


def _groups(context: Context, name: str) -> Iterable[Any]:
    import sqlalchemy as sa

    value = sa.func.substr(sa.cast(context.staged.c[name], sa.Text), 1, LONGEST).label("value")
    count = sa.func.count()
    groups = sa.select(value, count).select_from(context.staged).group_by(value).order_by(count.desc(), value)
    return context.db.rows(groups.limit(GROUPS), GROUPS)
