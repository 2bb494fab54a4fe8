"""A person's judgement of an update: it was right though it looked unusual, or wrong though it passed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from validate_updates.errors import UsageError
from validate_updates.journal.history import EXPECTED, INCIDENT
from validate_updates.journal.reading import show
from validate_updates.journal.rows import RunKind, RunRow, RunState
from validate_updates.journal.texts import MESSAGE_BYTES, stored

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

LABELS: Final = (EXPECTED, INCIDENT)
_UPDATES: Final = (RunKind.UPDATE, RunKind.IMPORT)


def label_run(
    conn: sa.Connection,
    tables: JournalTables,
    wanted: str,
    label: str,
    *,
    now: datetime,
    note: str | None = None,
    until: datetime | None = None,
    task: str | None = None,
) -> RunRow:
    """Label the run of that id (the beginning of it, or ``last``, of ``task``); the run as it is afterwards.

    ``expected``: an example like others, and the like is no news, until ``until`` where that is given. ``incident``: no
    example for later updates. Without a ``note`` the one that is there stays. Raises ``UsageError`` where the run is
    not a finished update, or changed while this was going on.
    """
    if label not in LABELS:
        raise UsageError(f"there is no label {label!r}", hint=f"one of {', '.join(LABELS)}")
    if until is not None and label == INCIDENT:
        raise UsageError("an incident has no end: a date goes with what is expected", hint="leave --until out")
    if until is not None and until <= now:
        raise UsageError(f"{until:%Y-%m-%d %H:%M} UTC is past: nothing would be expected any more")
    run = _labelled(conn, tables, wanted, task)
    return _change(conn, tables, run, {"label": label, "label_until": until, "note": _with_note(run, note)})


def clear_label(conn: sa.Connection, tables: JournalTables, wanted: str, *, task: str | None = None) -> RunRow:
    """Take the label of a run away, with its note; the run as it is afterwards. Raises as :func:`label_run`."""
    run = _labelled(conn, tables, wanted, task)
    note = run.note if run.state is RunState.ROLLED_BACK else None
    return _change(conn, tables, run, {"label": None, "label_until": None, "note": note})


def _with_note(run: RunRow, note: str | None) -> str | None:
    if note is None:
        return run.note
    if run.note and run.state is RunState.ROLLED_BACK:  # who took it back is in the note, and must stay
        note = f"{run.note}; {note}"
    return stored(note, MESSAGE_BYTES)


def _labelled(conn: sa.Connection, tables: JournalTables, wanted: str, task: str | None) -> RunRow:
    run = show(conn, tables, wanted, task=task).run
    if run.state is RunState.RUNNING:
        raise UsageError(f"run {run.run_id} has not ended; there is nothing to judge yet")
    if run.kind not in _UPDATES or run.dry_run:
        what = "dry run" if run.dry_run else run.kind
        raise UsageError(f"run {run.run_id} is a {what}: updates are not compared with it, so a label would do nothing")
    return run


def _change(conn: sa.Connection, tables: JournalTables, run: RunRow, values: dict[str, Any]) -> RunRow:
    logs = tables.logs
    seen = {"state": run.state, "label": run.label, "note": run.note, "label_until": run.label_until}
    same = sa.and_(logs.c.run_id == run.run_id, *(logs.c[name].is_not_distinct_from(was) for name, was in seen.items()))
    if conn.execute(logs.update().where(same).values(values)).rowcount != 1:
        raise UsageError(
            f"run {run.run_id} was changed by somebody else at this moment; nothing was written",
            hint=f"look again: validate-updates runs show {run.run_id}",
        )
    return show(conn, tables, run.run_id).run
