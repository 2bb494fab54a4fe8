"""Reading the journal. Where there is none yet, these take None for its tables and there are no runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from validate_updates.errors import UsageError
from validate_updates.findings import Finding, Severity, Value
from validate_updates.journal.rows import BatchRow, BatchState, JudgedRun, RunKind, RunRow, RunState, StoredRun
from validate_updates.journal.tables import JournalTables
from validate_updates.journal.texts import numbers_of, stored
from validate_updates.modes import Mode
from validate_updates.result import Counts, Judged, KeptOut, PluginInfo
from validate_updates.text import printable

LAST: Final = "last"
"""Stands for the newest run wherever an id is asked for; with a task for the newest of that task."""
KEPT_OUT_SAMPLE: Final = 20
"""Records in quarantine that are shown with a run."""
_SHOWN_IDS: Final = 5
_ID_LIKE = re.compile(r"[0-9a-z-]{0,32}")


def runs(
    conn: sa.Connection,
    tables: JournalTables | None,
    *,
    limit: int = 20,
    task: str | None = None,
    table: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = 0,
) -> Sequence[RunRow]:
    """The newest runs first; of one task or table, begun since or until a moment, or numbered after one, if asked."""
    if tables is None:
        return ()
    logs = tables.logs
    told = (column for column in logs.c if column is not logs.c.metrics)  # which may be long
    statement = sa.select(*told).order_by(logs.c.run_no.desc()).limit(limit)
    if task is not None:
        statement = statement.where(logs.c.task == stored(task))
    if table is not None:
        statement = statement.where(logs.c.table_name == stored(table))
    if since is not None:
        statement = statement.where(logs.c.started_at >= since)
    if until is not None:
        statement = statement.where(logs.c.started_at <= until)
    if after:
        statement = statement.where(logs.c.run_no > after)
    return tuple(_run(row) for row in conn.execute(statement))


def show(conn: sa.Connection, tables: JournalTables | None, wanted: str, *, task: str | None = None) -> StoredRun:
    """The run of that id, of the only id that begins so, or the ``last``: that of the task, if one is named.

    Raises ``UsageError`` with the newest ids where there is no such run, or more than one.
    """
    if tables is None:
        raise UsageError("no run has been written down in this database yet", hint="start one: validate-updates run")
    row = _wanted(conn, tables, wanted, task)
    run = _run(row)
    how_many = sa.select(sa.func.count()).select_from(tables.quarantine).where(tables.quarantine.c.run_id == run.run_id)
    said = [(one.mode, _finding(one)) for one in _of(conn, tables.findings, run, "finding_no")]
    return StoredRun(
        **_said_of(row, said),
        batches=tuple(_batch(row) for row in _of(conn, tables.batches, run, "batch_no")),
        kept_out=tuple(kept_out(row) for row in _of(conn, tables.quarantine, run, "entry_no", KEPT_OUT_SAMPLE)),
        kept_out_total=conn.scalar(how_many) or 0,
    )


def judged(conn: sa.Connection, tables: JournalTables | None, run_ids: Sequence[str]) -> Sequence[JudgedRun]:
    """What was measured and said of runs, in the order of their ids; those that are not there are left out.

    A few queries, however many runs they are.
    """
    if tables is None:
        return ()
    found: dict[str, JudgedRun] = {}
    for part in range(0, len(run_ids), _AT_ONCE):
        found.update(_judged(conn, tables, run_ids[part : part + _AT_ONCE]))
    return tuple(found[run_id] for run_id in run_ids if run_id in found)


_AT_ONCE: Final = 500
"""Ids in one query."""


def _judged(conn: sa.Connection, tables: JournalTables, run_ids: Sequence[str]) -> Iterator[tuple[str, JudgedRun]]:
    logs, findings = tables.logs, tables.findings
    said: dict[str, list[tuple[str, Finding]]] = {}
    ours = sa.select(findings).where(findings.c.run_id.in_(run_ids)).order_by(findings.c.run_id, findings.c.finding_no)
    for row in conn.execute(ours):
        said.setdefault(row.run_id, []).append((row.mode, _finding(row)))
    for row in conn.execute(sa.select(logs).where(logs.c.run_id.in_(run_ids))):
        yield row.run_id, JudgedRun(**_said_of(row, said.get(row.run_id, ())))


def _said_of(row: sa.Row[Any], said: Sequence[tuple[str, Finding]]) -> dict[str, Any]:
    """The fields of a :class:`JudgedRun`."""
    return {
        "run": _run(row),
        "findings": tuple(finding for mode, finding in said if mode != Mode.SHADOW),
        "shadow": tuple(finding for mode, finding in said if mode == Mode.SHADOW),
        "metrics": numbers_of(row.metrics),
        "timings": msgspec.json.decode(row.timings, type=tuple[tuple[str, float], ...]),
        "judged": msgspec.json.decode(row.judged, type=tuple[Judged, ...]),
    }


def tasks(conn: sa.Connection, tables: JournalTables) -> Sequence[str]:
    """Every task that has run."""
    return conn.scalars(sa.select(tables.logs.c.task).distinct()).all()


def _wanted(conn: sa.Connection, tables: JournalTables, wanted: str, task: str | None) -> sa.Row[Any]:
    found = _candidates(conn, tables.logs, wanted, task)
    if len(found) == 1:
        return found[0]
    newest = found or _candidates(conn, tables.logs, "")
    if not newest:
        raise UsageError("the journal has no runs yet", hint="start one: validate-updates run")
    if wanted == LAST and task is not None:
        raise UsageError(
            f"the journal has no runs of the task {printable(task)} yet",
            hint="see which there are: validate-updates runs list",
        )
    how_many = "more than one run begins with" if found else "there is no run"
    ids = ", ".join(row.run_id for row in newest)
    raise UsageError(f"{how_many} {printable(wanted)!r}", hint=f"the newest: {ids}")


def _candidates(conn: sa.Connection, logs: sa.Table, wanted: str, task: str | None = None) -> Sequence[sa.Row[Any]]:
    newest_first = sa.select(logs).order_by(logs.c.run_no.desc())
    if wanted == LAST:
        of_task = newest_first if task is None else newest_first.where(logs.c.task == stored(task))
        return conn.execute(of_task.limit(1)).all()
    if not _ID_LIKE.fullmatch(wanted):
        return ()
    begins = logs.c.run_id.startswith(wanted, autoescape=True)
    found = conn.execute(newest_first.where(begins).limit(_SHOWN_IDS)).all()
    return [row for row in found if row.run_id == wanted] or found


def _of(
    conn: sa.Connection, table: sa.Table, run: RunRow, order: str, limit: int | None = None
) -> sa.CursorResult[Any]:
    return conn.execute(sa.select(table).where(table.c.run_id == run.run_id).order_by(table.c[order]).limit(limit))


def counts(row: sa.Row[Any]) -> Counts:
    """The counts in a row of the logs."""
    return Counts(**{field.name: getattr(row, field.name) for field in fields(Counts)})


def _run(row: sa.Row[Any]) -> RunRow:
    return RunRow(
        run_no=row.run_no,
        run_id=row.run_id,
        kind=RunKind(row.kind),
        parent=row.parent_run_id,
        task=row.task,
        table=row.table_name,
        key=msgspec.json.decode(row.key_columns, type=tuple[str, ...]),
        source=row.source,
        state=RunState(row.state),
        reason=row.reason,
        error_code=row.error_code,
        dry_run=row.dry_run,
        started_at=row.started_at,
        finished_at=row.finished_at,
        seconds=row.seconds,
        strategy=row.strategy,
        plugins=msgspec.json.decode(row.plugins, type=tuple[PluginInfo, ...]),
        tool_version=row.tool_version,
        counts=counts(row),
        rows_before=row.rows_before,
        rows_after=row.rows_after,
        backup=row.backup,
        label=row.label,
        note=row.note,
        label_until=row.label_until,
    )


def _finding(row: sa.Row[Any]) -> Finding:
    return Finding(
        code=row.code,
        severity=Severity(row.severity),
        message=row.message,
        hint=row.hint,
        table=row.table_name,
        key=row.record_key,
        column=row.column_name,
        batch=row.batch_no,
        metric=row.metric,
        observed=None if row.observed is None else msgspec.json.decode(row.observed, type=Value),
        expected=row.expected,
        runs=msgspec.json.decode(row.runs, type=tuple[str, ...]),
        samples=msgspec.json.decode(row.samples, type=tuple[str, ...]),
        plugin=row.plugin,
        validator=row.validator,
        moment=row.moment,
    )


def _batch(row: sa.Row[Any]) -> BatchRow:
    values = {field.name: getattr(row, field.name) for field in fields(BatchRow)}
    return BatchRow(**{**values, "state": BatchState(row.state)})


def kept_out(row: sa.Row[Any]) -> KeptOut:
    """The record in a row of the quarantine."""
    return KeptOut(
        code=row.code,
        message=row.message,
        key=row.record_key,
        column=row.column_name,
        file=row.file_name or "",
        line=row.line_no,
        offset=row.byte_offset,
        record=row.record,
        constraint=row.constraint_name or "",
        batch=row.batch_no,
    )
