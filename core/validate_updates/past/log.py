"""Somebody else's log of updates, a file or a table, as runs of the past. No row of it is lost from the reckoning."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from validate_updates.errors import SourceError, UsageError
from validate_updates.journal.rows import RunState
from validate_updates.journal.tables import JournalTables
from validate_updates.journal.texts import base_name
from validate_updates.past.cells import BadCell, count, is_nothing, moment, number, state
from validate_updates.past.mapping import RECORDS, LogMapping
from validate_updates.sources import Lines, Records, open_source
from validate_updates.sources.strict_json import BadRecord, parse_record
from validate_updates.text import printable

MOST_ROWS: Final = 1_000_000
_LONGEST: Final = 366 * 86_400.0
DURATION: Final = "duration"
"""The metric of how long a run took, in seconds."""
OTHER_TASK: Final = "of other tasks"
STILL_RUNNING: Final = "not ended when the log was written"

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of a log that is no run."""

    number: int
    """The line in the file, or the row of the table, from 1."""
    reason: str
    """One printable line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log as it stands."""

    name: str
    """Of the file, without its folder; or of the table."""
    unit: str
    """What the numbers of its rows count: ``line`` or ``row``."""
    rows: Sequence[tuple[int, Mapping[str, Any]]]
    """(number, column -> cell)."""
    unreadable: tuple[BadRow, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Of all rows, in the order in which they appear."""
        return tuple(dict.fromkeys(column for _, row in self.rows for column in row))


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run of the past, as a log or a column of the target tells it."""

    started_at: datetime
    """In UTC."""
    metrics: Mapping[str, float]
    state: RunState = RunState.COMMITTED
    seconds: float | None = None
    name: str = ""
    """What the log calls it."""
    number: int = 0
    """Of its row in the log; no part of what the run is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a log comes to: ``rows`` is the sum of runs, bad rows and rows left out."""

    rows: int
    runs: tuple[PastRun, ...]
    bad: tuple[BadRow, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Why -> how many."""


def log_from(spec: Any) -> Log:
    """The log in a file (of any format that records are read from), or in records that Python hands over.

    Raises ``SourceError`` where it cannot be read, or has more than a million rows.
    """
    source = open_source(spec)
    rows: list[tuple[int, Mapping[str, Any]]] = []
    unreadable: list[BadRow] = []
    last, unit = 0, "line"
    for block in source.blocks():
        if isinstance(block, Records):
            found = list(zip(block.seqs, block.records, strict=True))
        elif isinstance(block, Lines):
            found = list(_from_json(block, unreadable))
        else:
            found = []
            unreadable.append(BadRow(block.seq, block.message))
        rows += found
        last = found[-1][0] if found else last
        if len(rows) + len(unreadable) > MOST_ROWS:
            raise _too_long(source.name)
    if last and source.place(last).line is None:
        unit = "row"
    return Log(name=base_name(source.name), unit=unit, rows=rows, unreadable=tuple(unreadable))


def log_from_table(conn: sa.Connection, name: str, schema: str | None, tables: JournalTables | None) -> Log:
    """The log in a table or view of the target database.

    Raises ``UsageError`` where there is none of that name, or where it is the journal itself.
    """
    if tables is not None and name in tables.names:
        raise UsageError(
            f"{name} is the journal itself: what is in it is known already",
            hint="history import takes the log of another program",
        )
    inspector = sa.inspect(conn)
    real, views = inspector.get_table_names(schema), inspector.get_view_names(schema)
    if name not in (*real, *views):
        raise UsageError(f"there is no table {printable(name)!r} in the target", hint=_some([*real, *views]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # types that SQLAlchemy does not know are no concern here
        names = [column["name"] for column in inspector.get_columns(name, schema)]
    key = inspector.get_pk_constraint(name, schema)["constrained_columns"] if name in real else []
    # Untyped columns: the driver's own values, whatever a column of SQLite is declared to hold.
    table = sa.table(name, *(sa.column(column) for column in names), schema=schema)
    query = sa.select(table).order_by(*(table.c[column] for column in key)).limit(MOST_ROWS + 1)
    found = conn.execute(query).all()
    if len(found) > MOST_ROWS:
        raise _too_long(name)
    rows = [(number, dict(zip(names, row, strict=True))) for number, row in enumerate(found, start=1)]
    return Log(name=name, unit="row", rows=rows)


def runs_in(log: Log, mapping: LogMapping, *, task: str, zone: tzinfo, now: datetime) -> Reading:
    """The runs of a log. Times without a zone are of ``zone``; ``now`` is aware."""
    runs: list[PastRun] = []
    bad = list(log.unreadable)
    left_out = Counter[str]()
    for place, row in log.rows:
        try:
            found = _Row(row, mapping, zone, now).run(place, task)
        except BadCell as reason:
            bad.append(BadRow(place, str(reason)))
            continue
        if isinstance(found, PastRun):
            runs.append(found)
        else:
            left_out[found] += 1
    bad.sort(key=lambda one: one.number)
    rows = len(log.rows) + len(log.unreadable)
    return Reading(rows=rows, runs=tuple(runs), bad=tuple(bad), left_out=dict(left_out))


def _from_json(block: Lines, unreadable: list[BadRow]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for seq, line in enumerate(block.lines, block.first_seq):
        if not line.strip():
            continue
        try:
            yield seq, parse_record(line)
        except BadRecord as bad:
            unreadable.append(BadRow(seq, bad.message))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a log. Its methods raise :class:`BadCell`, with the column's name."""

    cells: Mapping[str, Any]
    mapping: LogMapping
    zone: tzinfo
    now: datetime

    def run(self, place: int, task: str) -> PastRun | str:
        """The run that it tells of, or why it is left out."""
        if "task" in self.mapping.columns and str(self._cell("task")).strip() != task:
            return OTHER_TASK
        ended = self._state()
        if ended is RunState.RUNNING:
            return STILL_RUNNING
        started_at = self._moment("started_at")
        seconds = self._seconds(started_at)
        metrics = dict(self._metrics())
        if not metrics and ended.stands:
            raise BadCell("it has none of the numbers")
        if seconds is not None:
            metrics.setdefault(DURATION, seconds)
        name = self._cell("id")
        return PastRun(
            started_at=started_at,
            metrics=metrics,
            state=ended,
            seconds=seconds,
            name="" if is_nothing(name) else str(name),
            number=place,
        )

    def _cell(self, name: str) -> Any:
        column = self.mapping.columns.get(name)
        return None if column is None else self.cells.get(column)

    def _state(self) -> RunState:
        column = self.mapping.columns.get("state")
        return RunState.COMMITTED if column is None else self._told(column, lambda cell: state(cell, column))

    def _moment(self, name: str) -> datetime:
        return self._told(self.mapping.columns[name], lambda cell: moment(cell, self.zone, self.now))

    def _seconds(self, started_at: datetime) -> float | None:
        for name, unit in (("seconds", 1.0), ("milliseconds", 1000.0)):
            if not is_nothing(self._cell(name)):
                return _duration(self._told(self.mapping.columns[name], number) / unit)
        if is_nothing(self._cell("finished_at")):
            return None
        return _duration((self._moment("finished_at") - started_at).total_seconds())

    def _metrics(self) -> Iterator[tuple[str, float]]:
        for metric, column in self.mapping.numbers.items():
            if not is_nothing(self.cells.get(column)):
                yield metric, self._told(column, count if metric in RECORDS else number)

    def _told(self, column: str, meaning: Callable[[Any], Told]) -> Told:
        try:
            return meaning(self.cells.get(column))
        except BadCell as reason:
            raise BadCell(f"{printable(column, 60)}: {reason}") from None


def _duration(seconds: float) -> float:
    if seconds < 0:
        raise BadCell("it ended before it began")
    if seconds > _LONGEST:
        raise BadCell("it took longer than a year")
    return seconds


def _too_long(name: str) -> SourceError:
    return SourceError(f"{printable(name)} has more than {MOST_ROWS:,} rows", hint="import its newest part alone")


def _some(names: Sequence[str], most: int = 30) -> str:
    return f"tables: {', '.join(printable(name, 60) for name in sorted(names)[:most]) or 'none'}"
