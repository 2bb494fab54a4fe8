"""Whether a run can be taken back at all, and what of a table its images can bring back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from validate_updates.errors import UsageError
from validate_updates.journal.rows import RunKind, RunState
from validate_updates.targets.reflect import target_table
from validate_updates.targets.table import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from validate_updates.journal.rows import RunRow
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable

UPDATES: Final = {RunKind.UPDATE, RunKind.REPLAY}
"""Kinds of runs that keep an undo log."""


def refuse(run: RunRow, *, now: datetime, retention_days: int) -> UsageError:
    """Why a run of which the undo log holds nothing cannot be taken back."""
    show = f"see what it came to: validate-updates runs show {run.run_id}"
    counts = run.counts
    if run.kind not in UPDATES:
        return UsageError(f"run {run.run_id} is a {run.kind}, and no update; it cannot be taken back", hint=show)
    if run.state is RunState.ROLLED_BACK:
        return UsageError(f"run {run.run_id} has been taken back already", hint=show)
    if not run.state.stands:
        return UsageError(f"run {run.run_id} was {run.state}; nothing of it was kept", hint=show)
    if not counts.inserted + counts.updated + counts.deleted:
        return UsageError(f"run {run.run_id} wrote nothing; there is nothing to take back", hint=show)
    backups = "a backup of before may do: validate-updates backup list"
    if (run.finished_at or run.started_at) + timedelta(days=retention_days) < now:
        return UsageError(
            f"run {run.run_id} can no longer be taken back: its undo log was kept for {retention_days} days",
            hint=backups,
        )
    return UsageError(f"no undo log was kept of run {run.run_id}; it cannot be taken back", hint=backups)


def storable(
    database: Database,
    connection: sa.Connection,
    name: str,
    *,
    schema: str | None,
    key: Sequence[str],
    layout: Sequence[str],
    inserts: bool,
) -> tuple[TargetTable, tuple[str, ...]]:
    """A table as it is now, with a key that tells its rows apart, and the columns that images bring back.

    ``layout``: the columns of the images; ``inserts``: whether rows have to be inserted. Raises ``UsageError`` where
    the table has changed too much since.
    """
    target = target_table(database, connection, name, schema=schema, key=())
    known = set(layout)
    gone = sorted(known.difference(target.names))
    if gone:
        raise _changed(name, f"its column {gone[0]} is gone")
    columns = tuple(one for one in target.names if one in known and target.sql.c[one].computed is None)
    if inserts:
        for column in target.columns:
            if not (column.name in known or column.nullable or column.has_default or column.generated):
                raise _changed(name, f"it has a new column {column.name}, which needs a value")
    return replace(target, key=_key(target, columns, key)), columns


def _key(target: TargetTable, columns: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    for names in (tuple(wanted), target.primary_key, *target.unique):
        if names and set(names) <= set(columns):
            return names
    return tuple(name for name in columns if target.column(name).kind not in {Kind.JSON, Kind.OTHER})


def _changed(table: str, what: str) -> UsageError:
    return UsageError(
        f"the table {table} has changed since the run: {what}; nothing was taken back",
        hint="bring the table back to what it was then, or mend the rows with an update",
    )
