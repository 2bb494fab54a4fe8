"""Every SELECT of the built-in checks. Set-based, on SQLite and PostgreSQL alike.

A whole column is judged by one aggregate over all of them; single rows are read only as samples of what was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from validate_updates import Context, Kind, Reader

if TYPE_CHECKING:
    import sqlalchemy as sa

    _Select = sa.Select[*tuple[Any, ...]]

SAMPLES: Final = 3
"""Examples that a finding shows."""
_SHOWN: Final = 80
"""Characters of a value that are read for an example."""


def rows_up_to(db: Reader, table: str, most: int) -> int:
    """Rows in the table; where there are more than ``most``, counting stops at ``most + 1``."""
    import sqlalchemy as sa

    some = sa.select(sa.literal_column("1").label("one")).select_from(db.table(table)).limit(most + 1).subquery()
    return int(db.scalar(sa.select(sa.func.count()).select_from(some)))


def duplicated_keys(context: Context) -> tuple[int, Sequence[str]]:
    """How many keys stand in more than one row of the target, and the first few of them."""
    import sqlalchemy as sa

    key = [context.target.sql.c[name] for name in context.target.key]
    given = sa.and_(*(column.is_not(None) for column in key))
    twice = sa.select(*key).where(given).group_by(*key).having(sa.func.count() > 1).subquery()
    count = int(context.db.scalar(sa.select(sa.func.count()).select_from(twice)))
    shown = sa.select(*(_shown(column) for column in twice.c))
    return count, [key_text(context, row) for row in _few(context.db, shown)] if count else []


def dates_outside(context: Context, columns: Sequence[str], first: date, end: date) -> tuple[int, Mapping[str, int]]:
    """Records written, and per column how many have a date before ``first`` or not before ``end``."""
    import sqlalchemy as sa

    odd = [sa.func.count(sa.case((_outside(context.staged.c[name], first, end), 1))) for name in columns]
    total, *counts = _one(context.db, _written(context, sa.func.count(), *odd))
    return total, dict(zip(columns, counts, strict=True))


def samples_outside(context: Context, column: str, first: date, end: date) -> Sequence[str]:
    """A few of those dates, each with the key of its record."""
    staged = context.staged
    cells = [_shown(staged.c[name]) for name in (*context.target.key, column)]
    found = _written(context, *cells).where(_outside(staged.c[column], first, end)).order_by(context.planned.c.pos)
    return [f"{row[-1]} ({key_text(context, row)})" for row in _few(context.db, found)]


def text_lengths(context: Context, columns: Sequence[str]) -> tuple[int, Mapping[str, float]]:
    """Records written, and per column the average length of the texts in it; 0 where there is none."""
    import sqlalchemy as sa

    lengths = [sa.func.avg(sa.func.nullif(sa.func.length(context.staged.c[name]), 0)) for name in columns]
    total, *averages = _one(context.db, _written(context, sa.func.count(), *lengths))
    return total, {name: float(average or 0) for name, average in zip(columns, averages, strict=True)}


def repeated_texts(context: Context, column: str, most: int) -> Sequence[tuple[str, int]]:
    """The texts that stand in more than ``most`` of the records written, and in how many; the commonest first."""
    import sqlalchemy as sa

    text = context.staged.c[column]
    count = sa.func.count()
    found = _written(context, _shown(text), count).where(text.is_not(None)).group_by(text).having(count > most)
    return [(row[0], row[1]) for row in _few(context.db, found.order_by(count.desc(), text))]


def missing_in_records(context: Context, columns: Sequence[str]) -> tuple[int, Mapping[str, int]]:
    """Records to be written, and per column how many have no value in it: NULL, or an empty text."""
    import sqlalchemy as sa

    cells = [sa.func.count(cell) for cell in _filled(context, context.staged, columns)]
    return _missing(context, _written(context, sa.func.count(), *cells), columns)


def missing_in_target(context: Context, columns: Sequence[str]) -> tuple[int, Mapping[str, int]]:
    """Rows of the target, and per column how many have no value in it: NULL, or an empty text."""
    import sqlalchemy as sa

    table = context.target.sql
    cells = [sa.func.count(cell) for cell in _filled(context, table, columns)]
    return _missing(context, sa.select(sa.func.count(), *cells).select_from(table), columns)


def key_text(context: Context, cells: Sequence[Any]) -> str:
    """``event_id=337243`` from a row that starts with the cells of the key."""
    return ", ".join(f"{name}={cell}" for name, cell in zip(context.target.key, cells, strict=False))


def _written(context: Context, *cells: sa.ColumnElement[Any]) -> _Select:
    """A SELECT over the records to be written. Deletes have no record and so fall out of the join."""
    import sqlalchemy as sa

    planned, staged = context.planned, context.staged
    return sa.select(*cells).select_from(planned.join(staged, planned.c.row == staged.c.row))


def _outside(column: sa.ColumnElement[Any], first: date, end: date) -> sa.ColumnElement[bool]:
    # Compared as days, also timestamps: SQLite keeps both as ISO text, in which a day sorts before all its times.
    import sqlalchemy as sa

    day = sa.type_coerce(column, sa.Date)
    return sa.or_(day < first, day >= end)


def _filled(context: Context, table: sa.FromClause, columns: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The columns, with empty texts as NULL. Only texts are compared with one: PostgreSQL refuses it of other types."""
    import sqlalchemy as sa

    cells = {name: table.c[name] for name in columns}
    texts = {name for name in columns if context.target.column(name).kind is Kind.TEXT}
    return [sa.func.nullif(sa.cast(cell, sa.Text), "") if name in texts else cell for name, cell in cells.items()]


def _missing(context: Context, counts: _Select, columns: Sequence[str]) -> tuple[int, Mapping[str, int]]:
    total, *filled = _one(context.db, counts)
    return total, {name: total - count for name, count in zip(columns, filled, strict=True)}


def _one(db: Reader, statement: _Select) -> tuple[Any, ...]:
    """The one row that an aggregate without groups always gives."""
    (row,) = db.rows(statement, 1)
    return tuple(row)


def _few(db: Reader, statement: _Select) -> list[tuple[Any, ...]]:
    """The first rows, as samples."""
    return [tuple(row) for row in db.rows(statement.limit(SAMPLES), SAMPLES)]


def _shown(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """The start of a value as text, whatever its type."""
    import sqlalchemy as sa

    return sa.func.substr(sa.cast(column, sa.Text), 1, _SHOWN)
