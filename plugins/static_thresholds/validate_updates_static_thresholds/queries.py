"""Every SELECT of the built-in checks. Set-based, on SQLite and PostgreSQL alike.

All columns of all records are judged in one pass; single rows are read only as samples of what was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from validate_updates import Context, Kind, Reader

if TYPE_CHECKING:
    import sqlalchemy as sa

    _Select = sa.Select[*tuple[Any, ...]]

SAMPLES: Final = 3
"""Examples that a finding shows."""
_SHOWN: Final = 80
"""Characters of a value that an example shows; one more is read, to tell whether it was cut."""


def rows_up_to(context: Context, table: str, most: int) -> int:
    """Rows in a table that is known to exist; where there are more than ``most``, counting stops at ``most + 1``."""
    import sqlalchemy as sa

    counted = sa.table(table, schema=context.target.schema)
    some = sa.select(sa.literal_column("1").label("one")).select_from(counted).limit(most + 1).subquery()
    return int(context.db.scalar(sa.select(sa.func.count()).select_from(some)))


def duplicated_keys(context: Context) -> tuple[int, Sequence[str]]:
    """How many keys stand in more than one row of the target, and the first few of them."""
    import sqlalchemy as sa

    key = [context.target.sql.c[name] for name in context.target.key]
    given = sa.and_(*(column.is_not(None) for column in key))
    twice = sa.select(*key).where(given).group_by(*key).having(sa.func.count() > 1).subquery()
    count = int(context.db.scalar(sa.select(sa.func.count()).select_from(twice)))
    shown = sa.select(*(_shown(column) for column in twice.c))
    return count, [_key_text(context, row) for row in _few(context.db, shown)] if count else []


def column_numbers(
    context: Context, *, columns: Sequence[str], dates: Sequence[str], texts: Sequence[str], first: date, end: date
) -> Mapping[str, float]:
    """Of the records to be written: how many there are, and by column what the checks of values need.

    ``records``; ``missing.<column>``, per cent without a value; ``dates_outside.<column>``, records whose date is
    before ``first`` or not before ``end``; ``text_length.<column>``, average of the texts that are not empty. Where
    there are no records, nothing else.
    """
    import sqlalchemy as sa

    staged = context.staged
    cells: dict[str, sa.ColumnElement[Any]] = {"records": sa.func.count()}
    cells |= {f"missing.{name}": _count_of(is_missing) for name, is_missing in _missing(context, staged, columns)}
    cells |= {f"dates_outside.{name}": _count_of(_outside(staged.c[name], first, end)) for name in dates}
    lengths = {name: sa.func.nullif(sa.func.length(staged.c[name]), 0) for name in texts}
    cells |= {f"text_length.{name}": sa.func.avg(cell) for name, cell in lengths.items()}
    total, *numbers = _one(context.db, _written(context, *cells.values()))
    named = zip(list(cells)[1:], numbers, strict=True)
    return {"records": float(total)} | (
        dict(_as_metric(name, number, total) for name, number in named) if total else {}
    )


def dates_outside(context: Context, column: str, first: date, end: date) -> Sequence[str]:
    """The first dates of the plan before ``first`` or not before ``end``, each with the key of its record.

    Read in the order of the plan, up to the last one shown: where the whole source is too old, nothing is searched.
    """
    import sqlalchemy as sa

    planned, staged = context.planned, context.staged
    cells = [_shown(staged.c[name]) for name in (*context.target.key, column)]
    written = planned.join(staged, sa.and_(staged.c["vu_row"] == planned.c.row, planned.c.action != "D"))
    outside = _outside(staged.c[column], first, end)
    found = sa.select(*cells).select_from(written).where(outside).order_by(planned.c.pos)
    return [f"{row[-1]} ({_key_text(context, row)})" for row in _few(context.db, found)]


def repeated_texts(context: Context, column: str, most: int, *, looked_at: int) -> Sequence[tuple[str, int]]:
    """The texts that stand in more than ``most`` of the first ``looked_at`` records to be written, and in how many."""
    import sqlalchemy as sa

    text = context.staged.c[column]
    count = sa.func.count()
    found = _written(context, _shown(text), count, last=looked_at).where(text.is_not(None)).group_by(text)
    return [(row[0], row[1]) for row in _few(context.db, found.having(count > most).order_by(count.desc(), text))]


def missing_in_target(context: Context, columns: Sequence[str]) -> Mapping[str, float]:
    """Per column the per cent of the target's rows without a value in it. Nothing where the target has no rows."""
    import sqlalchemy as sa

    table = context.target.sql
    missing = [_count_of(is_missing) for _, is_missing in _missing(context, table, columns)]
    total, *counts = _one(context.db, sa.select(sa.func.count(), *missing).select_from(table))
    return {name: _percent(count, total) for name, count in zip(columns, counts, strict=True)} if total else {}


def _written(context: Context, *cells: sa.ColumnElement[Any], last: int | None = None) -> _Select:
    """A SELECT over the records to be written, or those up to the position ``last`` of the plan.

    The stage is read from front to back: joined in the plan's order, its pages would be read at random.
    """
    import sqlalchemy as sa

    planned = context.planned
    rows = sa.select(planned.c.row).where(planned.c.action != "D")
    if last is not None:
        rows = rows.where(planned.c.pos <= last)
    return sa.select(*cells).select_from(context.staged).where(context.staged.c["vu_row"].in_(rows))


def _outside(column: sa.ColumnElement[Any], first: date, end: date) -> sa.ColumnElement[bool]:
    # Compared as days, also timestamps: SQLite keeps both as ISO text, in which a day sorts before all its times.
    import sqlalchemy as sa

    day = sa.type_coerce(column, sa.Date)
    return sa.or_(day < first, day >= end)


def _count_of(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """In how many rows it holds. Where it seldom does, SQLite has nothing to add up, which is most of the work."""
    import sqlalchemy as sa

    return sa.func.count().filter(condition)


def _missing(
    context: Context, table: sa.FromClause, columns: Sequence[str]
) -> Iterator[tuple[str, sa.ColumnElement[bool]]]:
    """Whether a column has no value, or an empty text; of other kinds PostgreSQL refuses the comparison."""
    import sqlalchemy as sa

    for name in columns:
        column, cell = context.target.column(name), table.c[name]
        if column.kind is Kind.TEXT and not column.choices:  # a choice is never empty
            yield name, (cell != sa.literal_column("''")).is_not(sa.literal_column("true"))
        else:
            yield name, cell.is_(None)


def _as_metric(name: str, number: Any, total: int) -> tuple[str, float]:
    return name, _percent(number, total) if name.startswith("missing.") else float(number or 0)


def _percent(part: int, whole: int) -> float:
    return part * 100 / whole


def _one(db: Reader, statement: _Select) -> tuple[Any, ...]:
    """The one row that an aggregate without groups always gives."""
    (row,) = db.rows(statement, 1)
    return tuple(row)


def _few(db: Reader, statement: _Select) -> list[tuple[Any, ...]]:
    """The first rows, as samples, their texts cut."""
    return [tuple(map(_cut, row)) for row in db.rows(statement.limit(SAMPLES), SAMPLES)]


def _cut(cell: Any) -> Any:
    return f"{cell[:_SHOWN]}…" if isinstance(cell, str) and len(cell) > _SHOWN else cell


def _key_text(context: Context, cells: Sequence[Any]) -> str:
    """``event_id=337243`` from a row that starts with the cells of the key."""
    return ", ".join(f"{name}={cell}" for name, cell in zip(context.target.key, cells, strict=False))


def _shown(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """The start of a value as text, whatever its type."""
    import sqlalchemy as sa

    return sa.func.substr(sa.cast(column, sa.Text), 1, _SHOWN + 1)
