"""Past counts from the target itself: how many rows a timestamp column has of each day.

They tell what is there today, not what was written then. A row that changed several times is counted on the last day
only, and one that was deleted on none: of a column that is set once (``created_at``) this is nearly the truth, of one
that each update moves (``updated_at``) the more is missing the older the day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from validate_updates.errors import UsageError
from validate_updates.past.bringing_in import Known, Settled
from validate_updates.past.cells import NOON
from validate_updates.past.log import PastRun
from validate_updates.targets.reflect import reflect
from validate_updates.targets.table import Column, Kind
from validate_updates.text import printable

if TYPE_CHECKING:
    from validate_updates.targets.base import Database

INSERTED: Final = "records.inserted"
HAS_RUN: Final = "with a run already"
NOT_OVER: Final = "not over yet"
TOO_EARLY: Final = "before the first day asked for"

_SECONDS, _MILLISECONDS = 10**8, 10**11
"""From where on a number is one of seconds, or of milliseconds, since 1970."""
_FIRST: Final = date(1970, 1, 1)
_KINDS: Final = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_TZ, Kind.TEXT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """How many rows there are of each day (UTC; of a time without a zone the day as it stands)."""

    rows: Mapping[date, int]
    without: int
    """Rows whose column is empty or holds no day from 1970 on."""


def days_of(database: Database, conn: sa.Connection, *, table: str, schema: str | None, column: str) -> Days:
    """The rows of the table by day of the column. Raises ``UsageError`` where it is not there or holds no times."""
    found = reflect(conn, table, schema)
    known = {one.name: one for one in database.columns(conn, found)}
    if column not in known:
        raise UsageError(f"table {table} has no column {printable(column)!r}", hint=f"columns: {', '.join(known)}")
    if not database.is_sqlite and known[column].kind not in _KINDS:
        raise UsageError(f"the column {column} of {table} is {known[column].type}: it holds no times")
    day = _sqlite_day(column) if database.is_sqlite else _postgresql_day(known[column])
    source = sa.table(table, sa.column(column), schema=schema)
    rows, without = Counter[date](), 0
    for text, number in conn.execute(sa.select(day, sa.func.count()).select_from(source).group_by(day)):
        parsed = _parsed(text)
        if parsed is None:
            without += number
        else:
            rows[parsed] += number
    return Days(rows=dict(sorted(rows.items())), without=without)


def runs_of(days: Days, known: Known, *, now: datetime, since: date | None = None, metric: str = INSERTED) -> Settled:
    """A run for each day that is over and has none: its rows are the ``metric``. It counts as run at noon UTC."""
    new: list[PastRun] = []
    left_out = Counter[str]()
    for day, rows in days.rows.items():
        if since is not None and day < since:
            left_out[TOO_EARLY] += 1
        elif day >= now.astimezone(UTC).date():
            left_out[NOT_OVER] += 1
        elif day in known.days:
            left_out[HAS_RUN] += 1
        else:
            new.append(PastRun(started_at=datetime.combine(day, time(), UTC) + NOON, metrics={metric: float(rows)}))
    return Settled(rows=len(days.rows), new=tuple(new), bad=(), left_out=dict(left_out))


def _sqlite_day(column: str) -> sa.ColumnElement[str | None]:
    """Text as SQLite reads times, moved to UTC where it has a zone; numbers as seconds or milliseconds since 1970."""
    cell: sa.ColumnElement[object] = sa.column(column)
    # Only what begins like a date: SQLite would also take 'now' for a time, and a plain number for a Julian day.
    is_time = sa.func.typeof(cell).in_(("text",)) & cell.op("GLOB")("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*")
    is_number = sa.func.typeof(cell).in_(("integer", "real")) & (cell >= _SECONDS)
    seconds = sa.case((sa.cast(cell, sa.Float) >= _MILLISECONDS, sa.cast(cell, sa.Float) / 1000), else_=cell)
    return sa.case(
        (is_time, sa.func.date(cell)), (is_number, sa.func.date(seconds, "unixepoch")), else_=sa.null()
    ).label("day")


def _postgresql_day(column: Column) -> sa.ColumnElement[str | None]:
    """As text: PostgreSQL has days that Python has not."""
    cell: sa.ColumnElement[object] = sa.column(column.name)
    if column.kind is Kind.TEXT:
        return sa.func.substr(cell, 1, 10).label("day")
    if column.kind is Kind.TIMESTAMP_TZ:
        cell = sa.func.timezone("UTC", cell)
    return sa.func.to_char(cell, "YYYY-MM-DD").label("day")


def _parsed(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if day >= _FIRST else None
