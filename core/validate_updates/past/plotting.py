"""A metric in all finished updates of a task, with what people and verdicts said of them: what a chart is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.errors import UsageError
from validate_updates.journal.history import examples, finished_updates
from validate_updates.journal.texts import stored
from validate_updates.text import printable

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

NAMED = 20
"""Metrics that an error lists."""


@dataclass(frozen=True, slots=True)
class Plotted:
    """One run of a chart."""

    started_at: datetime
    value: float
    label: str
    """``expected`` or ``incident`` where a person said so; the state of a run that did not stand; else empty."""


def plotted(conn: sa.Connection, tables: JournalTables | None, task: str, metric: str, limit: int) -> Sequence[Plotted]:
    """The last ``limit`` runs that have the metric, oldest first. Raises ``UsageError`` where none has it."""
    if tables is None:
        raise UsageError("there is no history yet: no update was ever run here")
    logs, metrics = tables.logs, tables.metrics
    stood = examples().label("stood")
    query = (
        sa.select(logs.c.started_at, metrics.c.value, logs.c.label, logs.c.state, stood)
        .join(metrics, metrics.c.run_id == logs.c.run_id)
        .where(finished_updates(), logs.c.task == stored(task), metrics.c.name == stored(metric))
        .order_by(logs.c.run_no.desc())
        .limit(limit)
    )
    rows = conn.execute(query).all()
    if not rows:
        raise _unknown(conn, tables, task, metric)
    return [
        Plotted(row.started_at, row.value, row.label or ("" if row.stood else str(row.state))) for row in reversed(rows)
    ]


def _unknown(conn: sa.Connection, tables: JournalTables, task: str, metric: str) -> UsageError:
    logs, metrics = tables.logs, tables.metrics
    names = sa.select(metrics.c.name).join(logs, logs.c.run_id == metrics.c.run_id).where(logs.c.task == stored(task))
    found = conn.scalars(names.distinct().order_by(metrics.c.name).limit(NAMED)).all()
    return UsageError(
        f"no update of {printable(task)} has a metric {printable(metric)}",
        hint=f"there are: {', '.join(map(printable, found))}" if found else "it has none yet",
    )
