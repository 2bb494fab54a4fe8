"""What history a task has: how many runs, from when to when, which metrics with which values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.journal.history import EXPECTED, INCIDENT, examples, finished_updates
from validate_updates.journal.rows import RunKind
from validate_updates.journal.texts import numbers_of, stored
from validate_updates.past.bringing_in import BACKFILL

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskHistory:
    """The finished updates of one task, counted."""

    task: str
    runs: int
    examples: int
    """Those that later updates are compared with."""
    imported: int
    backfilled: int
    expected: int
    incidents: int
    first: datetime
    last: datetime
    """When the earliest and the latest of them was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A metric in one run."""

    run_id: str
    kind: str
    state: str
    label: str | None
    started_at: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricHistory:
    """A metric in the runs that count as examples, oldest first."""

    metric: str
    values: tuple[Value, ...]


def tasks_with_history(
    conn: sa.Connection, tables: JournalTables | None, task: str | None = None
) -> Sequence[TaskHistory]:
    """What there is of each task, or of the one."""
    if tables is None:
        return ()
    logs = tables.logs
    imported = logs.c.kind == RunKind.IMPORT
    backfilled = imported & (logs.c.strategy == BACKFILL)
    query = sa.select(
        logs.c.task,
        sa.func.count().label("runs"),
        _number(examples()).label("examples"),
        _number(imported & (logs.c.strategy != BACKFILL)).label("imported"),
        _number(backfilled).label("backfilled"),
        _number(logs.c.label == EXPECTED).label("expected"),
        _number(logs.c.label == INCIDENT).label("incidents"),
        sa.func.min(logs.c.started_at).label("first"),
        sa.func.max(logs.c.started_at).label("last"),
    )
    query = query.where(finished_updates()).group_by(logs.c.task).order_by(logs.c.task)
    if task is not None:
        query = query.where(logs.c.task == stored(task))
    return tuple(TaskHistory(**row) for row in conn.execute(query).mappings())


def metrics_of(
    conn: sa.Connection, tables: JournalTables | None, task: str, *, metric: str | None = None, limit: int = 60
) -> Sequence[MetricHistory]:
    """The metrics, or the one, in the last ``limit`` runs of a task that count as examples."""
    if tables is None:
        return ()
    logs = tables.logs
    columns = (logs.c.run_id, logs.c.kind, logs.c.state, logs.c.label, logs.c.started_at, logs.c.metrics)
    query = sa.select(*columns).where(examples(), logs.c.task == stored(task))
    found: dict[str, list[Value]] = {}
    for row in reversed(conn.execute(query.order_by(logs.c.run_no.desc()).limit(limit)).all()):
        numbers = numbers_of(row.metrics)
        for name in numbers if metric is None else numbers.keys() & {stored(metric)}:
            found.setdefault(name, []).append(_value(row, numbers[name]))
    return tuple(MetricHistory(metric=name, values=tuple(values)) for name, values in sorted(found.items()))


def _value(row: sa.Row[Any], value: float) -> Value:
    return Value(
        run_id=row.run_id,
        kind=row.kind,
        state=row.state,
        label=row.label,
        started_at=row.started_at,
        value=value,
    )


def _number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
