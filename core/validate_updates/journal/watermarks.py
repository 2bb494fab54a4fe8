"""How far the sources of plugins were read: one watermark for each run that stands, kept by the run's own transaction.

The watermark that holds is that of the newest run. Taking back a run takes back its watermark and those of the runs
after it, which rest on it: what they read is read again, and what is there already is left alone.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from validate_updates.journal.tables import JournalTables
from validate_updates.journal.texts import stored


def watermark(conn: sa.Connection, tables: JournalTables, *, task: str, source: str) -> str | None:
    """The watermark that holds for a task and source; None where no run has left one."""
    marks = tables.watermarks
    query = sa.select(marks.c.watermark).where(*_of(tables, task, source)).order_by(marks.c.watermark_no.desc())
    found: str | None = conn.scalar(query.limit(1))
    return found


def keep_watermark(
    conn: sa.Connection, tables: JournalTables, *, run_id: str, task: str, source: str, text: str, now: datetime
) -> None:
    """Enter the watermark of a run, in the transaction that commits it."""
    row = {"run_id": run_id, "task": stored(task), "source": stored(source), "watermark": text, "kept_at": now}
    conn.execute(tables.watermarks.insert(), row)


def take_back_watermarks(conn: sa.Connection, tables: JournalTables, run_id: str) -> None:
    """Forget the watermark of a run that is taken back, and those of later runs of the same task and source."""
    marks = tables.watermarks
    query = sa.select(marks.c.watermark_no, marks.c.task, marks.c.source).where(marks.c.run_id == run_id)
    for number, task, source in conn.execute(query).all():
        conn.execute(marks.delete().where(*_of(tables, task, source), marks.c.watermark_no >= number))


def _of(tables: JournalTables, task: str, source: str) -> tuple[sa.ColumnElement[bool], ...]:
    marks = tables.watermarks
    return marks.c.task == stored(task), marks.c.source == stored(source)
