"""Letting go of old undo logs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.journal.rows import RunState
from validate_updates.undo.numbering import of_run

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables


def expire(connection: sa.Connection, tables: JournalTables, *, retention_days: int, now: datetime) -> int:
    """Delete the undo logs of runs that ended more than ``retention_days`` ago; of how many runs.

    To be called at the end of a run, under the lock, within a transaction. Kept whatever their age: the log of the
    newest run that has one, and that of a run under way. Where the clock is behind the newest run, it is wrong, or was:
    nothing goes then.
    """
    logs, undo = tables.logs, tables.undo
    newest = connection.scalar(sa.select(logs.c.started_at).order_by(logs.c.run_no.desc()).limit(1))
    if newest is None or now < newest:
        return 0
    held = _held(tables)
    last = sa.select(logs.c.run_no).where(held).order_by(logs.c.run_no.desc()).limit(1).scalar_subquery()
    ended = sa.func.coalesce(logs.c.finished_at, logs.c.started_at, type_=logs.c.started_at.type)
    old = sa.select(logs.c.run_no).where(
        held, logs.c.run_no < last, logs.c.state != RunState.RUNNING, ended < now - timedelta(days=retention_days)
    )
    runs = connection.scalars(old).all()
    for run_no in runs:
        connection.execute(undo.delete().where(of_run(tables, sa.literal(run_no, sa.BigInteger))))
    return len(runs)


def held_since(connection: sa.Connection, tables: JournalTables) -> tuple[int, datetime | None]:
    """Of how many runs there is an undo log, and when the first of them began."""
    logs = tables.logs
    query = sa.select(sa.func.count(), sa.func.min(logs.c.started_at)).where(_held(tables))
    number, first = connection.execute(query).one()
    return number, first


def _held(tables: JournalTables) -> sa.ColumnElement[bool]:
    """Whether there is an undo log of a run."""
    return sa.exists().select_from(tables.undo).where(of_run(tables, tables.logs.c.run_no)).correlate(tables.logs)
