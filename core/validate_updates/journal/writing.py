"""Writing the journal. Everything here works on an open connection, within its transaction, and never commits.

Whether a run is still ours is asked by compare-and-set: an update that must hit exactly one row, the run's own, with
its token, in the state it is thought to be in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import sqlalchemy as sa

from validate_updates.errors import StateUncertain
from validate_updates.findings import Finding, Severity
from validate_updates.journal.rows import BatchRow, BatchState, EntryState, RunKind, RunState
from validate_updates.journal.tables import JournalTables
from validate_updates.journal.texts import (
    KEY_BYTES,
    MESSAGE_BYTES,
    RECORD_BYTES,
    base_name,
    json_numbers,
    json_rows,
    json_texts,
    json_value,
    stored,
    stored_number,
    stored_or_none,
    without_folders,
)
from validate_updates.modes import Mode
from validate_updates.result import Counts, KeptOut, PluginInfo, Publish, RunResult
from validate_updates.targets.names import qualified, quoted
from validate_updates.undo.numbering import changes_of


@dataclass(frozen=True, slots=True)
class Published:
    """What of a run others can see already, before its end."""

    counts: Counts
    """As if the run had ended there."""
    last_batch: int = 0
    """The highest number that a batch of it has."""
    batches: int = 0
    """How many there are in the ledger."""


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one target, to be written."""

    tables: JournalTables

    def start(
        self,
        conn: sa.Connection,
        *,
        run_id: str,
        token: str,
        task: str,
        table: str,
        source: str,
        started_at: datetime,
        strategy: str,
        plugins: Sequence[PluginInfo],
        tool_version: str,
        dry_run: bool = False,
        kind: RunKind = RunKind.UPDATE,
        parent: str | None = None,
    ) -> None:
        """Note that a run begins. ``token`` is known to this process alone and proves later that the run is its own."""
        row = {
            "run_id": run_id,
            "kind": kind,
            "parent_run_id": parent,
            "token": token,
            "task": stored(task),
            "table_name": stored(table),
            "key_columns": "[]",
            "source": stored(base_name(source), MESSAGE_BYTES),
            "state": RunState.RUNNING,
            "reason": "",
            "dry_run": dry_run,
            "started_at": started_at,
            "strategy": stored(strategy),
            "plugins": json_rows(plugins),
            "tool_version": tool_version,
            "timings": "[]",
            "judged": "[]",
            **asdict(Counts()),
        }
        conn.execute(self.tables.logs.insert(), row)

    def recover(self, conn: sa.Connection, *, except_run: str, table: str | None = None) -> tuple[str, ...]:
        """Mark runs that are not ``except_run`` and still ``running`` as interrupted; their ids, oldest first.

        Only for who holds the lock: then every other unfinished run is dead. Give ``table`` where the lock is on one
        table, since runs on other tables are then alive.
        """
        logs = self.tables.logs
        dead = (logs.c.state == RunState.RUNNING) & (logs.c.run_id != except_run)
        if table is not None:
            dead &= logs.c.table_name == stored(table)
        run_ids = tuple(conn.scalars(sa.select(logs.c.run_id).where(dead).order_by(logs.c.run_no)))
        if run_ids:
            reason = f"its process ended without a word; found by run {except_run}"
            conn.execute(logs.update().where(dead).values(state=RunState.INTERRUPTED, reason=reason))
        return run_ids

    def standing(self, conn: sa.Connection, run_ids: Sequence[str]) -> dict[str, int]:
        """How many batches stand of each of these runs."""
        batches = self.tables.batches
        query = sa.select(batches.c.run_id, sa.func.count()).group_by(batches.c.run_id)
        query = query.where(batches.c.run_id.in_(run_ids), batches.c.state == BatchState.COMMITTED)
        found = {run_id: int(number) for run_id, number in conn.execute(query)} if run_ids else {}
        return {run_id: found.get(run_id, 0) for run_id in run_ids}

    def start_over(self, conn: sa.Connection, run_id: str, token: str) -> Published | None:
        """What stands of a run whose connection was lost; None where nothing does. Its quarantine is emptied.

        The records in it are still in the source: they will be met again, and counted then. Raises ``StateUncertain``
        as :meth:`fence`.
        """
        self.fence(conn, run_id, token)
        logs, batches, quarantine = self.tables.logs, self.tables.batches, self.tables.quarantine
        conn.execute(quarantine.delete().where(quarantine.c.run_id == run_id))
        conn.execute(batches.delete().where(batches.c.run_id == run_id, batches.c.state == BatchState.FAILED))
        conn.execute(batches.update().where(batches.c.run_id == run_id).values(quarantined=0))
        names = [field.name for field in fields(Counts)]
        query = sa.select(logs.c.publish, *(logs.c[name] for name in names)).where(logs.c.run_id == run_id)
        publish, *numbers = conn.execute(query).one()
        if publish != Publish.PROGRESSIVE:
            return None
        counts = Counts(**dict(zip(names, numbers, strict=True)))
        met_again = replace(counts, quarantined=0, rolled_back=counts.rolled_back + counts.quarantined)
        conn.execute(logs.update().where(logs.c.run_id == run_id).values(asdict(met_again)))
        in_ledger = conn.scalar(sa.select(sa.func.count()).where(batches.c.run_id == run_id)) or 0
        return Published(met_again, self._last_batch(conn, run_id), in_ledger)

    def _last_batch(self, conn: sa.Connection, run_id: str) -> int:
        """The highest number that a batch of the run has; one that waits for others is in the undo log alone."""
        batches, undo = self.tables.batches, self.tables.undo
        in_ledger = sa.select(sa.func.max(batches.c.batch_no)).where(batches.c.run_id == run_id)
        in_log = sa.select(sa.func.max(undo.c.batch_no)).where(changes_of(self.tables, run_id))
        return max(int(conn.scalar(query) or 0) for query in (in_ledger, in_log))

    def fence(self, conn: sa.Connection, run_id: str, token: str) -> None:
        """Make sure, and hold until the transaction ends, that the run is still ours.

        Raises ``StateUncertain`` where another process took over; nothing may be written then.
        """
        self._compare_and_set(conn, run_id, token, {"state": RunState.RUNNING})

    def publish(self, conn: sa.Connection, run_id: str, token: str, counts: Counts, key: Sequence[str]) -> None:
        """Note how far a run has come that commits in groups. Raises ``StateUncertain`` as :meth:`fence`."""
        how_far = {"publish": Publish.PROGRESSIVE, "key_columns": json_texts(key), **asdict(counts)}
        self._compare_and_set(conn, run_id, token, how_far)

    def finish(self, conn: sa.Connection, token: str, result: RunResult) -> None:
        """Note how a run ended, with its findings and metrics. Raises ``StateUncertain`` as :meth:`fence`."""
        self._compare_and_set(conn, result.run_id, token, _outcome(result))
        said = [*((one, Mode.ENFORCE) for one in result.findings), *((one, Mode.SHADOW) for one in result.shadow)]
        findings = [
            _finding_row(result.run_id, number, finding, result.source, mode)
            for number, (finding, mode) in enumerate(said, 1)
        ]
        if findings:
            conn.execute(self.tables.findings.insert(), findings)

    def add_findings(self, conn: sa.Connection, run_id: str, findings: Sequence[Finding], source: str) -> None:
        """Add to the findings of a run that has ended, where it was entered; these decide nothing any more."""
        logs, table = self.tables.logs, self.tables.findings
        if not findings or conn.scalar(sa.select(logs.c.run_no).where(logs.c.run_id == run_id)) is None:
            return
        last = conn.scalar(sa.select(sa.func.max(table.c.finding_no)).where(table.c.run_id == run_id)) or 0
        rows = [_finding_row(run_id, last + number, finding, source) for number, finding in enumerate(findings, 1)]
        conn.execute(table.insert(), [{**row, "decides": False} for row in rows])

    def quarantine(self, conn: sa.Connection, run_id: str, entries: Iterable[KeptOut], table: str) -> None:
        """Keep records that were left out of ``table``. May be called again and again; hand over a bounded number."""
        now = datetime.now(UTC)
        rows = [
            {**_entry_row(entry), "run_id": run_id, "table_name": stored(table), "created_at": now} for entry in entries
        ]
        if rows:
            conn.execute(self.tables.quarantine.insert(), rows)

    def batches(self, conn: sa.Connection, run_id: str, rows: Sequence[BatchRow]) -> None:
        """Enter batches into the ledger. One that is in it already was applied before: an ``IntegrityError``."""
        if rows and conn.dialect.name == "postgresql":
            named = [{"run_id": run_id, **dict(zip(_BATCH_NAMES, _cells_of(row), strict=True))} for row in rows]
            conn.execute(_from_json(self.tables.batches), {"rows": msgspec.json.encode(named).decode()})
        elif rows:
            insert, moment_at, moment = _of_one_batch(self.tables.batches, conn.dialect)
            made = [[run_id, *_cells_of(row)] for row in rows]
            for cells in made:
                cells[moment_at] = moment(cells[moment_at])
            conn.exec_driver_sql(insert, list(map(tuple, made)))

    def forget_batches(self, conn: sa.Connection, run_id: str, numbers: Iterable[int]) -> None:
        """Take batches out of the ledger, in the transaction that enters them anew."""
        batches = self.tables.batches
        conn.execute(batches.delete().where(batches.c.run_id == run_id, batches.c.batch_no.in_(list(numbers))))

    def _compare_and_set(self, conn: sa.Connection, run_id: str, token: str, values: dict[str, Any]) -> None:
        given = {f"new_{name}": value for name, value in values.items()}
        written = conn.execute(
            _while_ours(self.tables.logs, tuple(values)), {"our_run_id": run_id, "our_token": token, **given}
        )
        if written.rowcount != 1:
            raise StateUncertain(
                f"run {run_id} is no longer this process's own: another one found it unfinished and took over",
                hint=f"see what became of it: validate-updates runs show {run_id}",
            )


def _outcome(result: RunResult) -> dict[str, Any]:
    deciding = [finding.code for finding in result.findings if finding.severity is Severity.CRITICAL]
    return {
        "state": RunState(result.verdict),
        "reason": stored(without_folders(result.reason, result.source), MESSAGE_BYTES),
        "error_code": stored(deciding[0]) if deciding and not result.verdict.stands else None,
        "dry_run": result.dry_run,
        "key_columns": json_texts(result.key),
        "finished_at": result.started_at + timedelta(seconds=result.seconds),
        "seconds": result.seconds,
        "strategy": stored(result.strategy),
        "publish": result.publish,
        "backup": stored_or_none(result.backup),
        "rows_before": result.rows_before,
        "rows_after": result.rows_after,
        "timings": msgspec.json.encode(result.timings).decode(),
        "judged": json_rows(result.judged),
        "metrics": json_numbers(result.metrics),
        **asdict(result.counts),
    }


def _finding_row(run_id: str, number: int, finding: Finding, source: str, mode: Mode = Mode.ENFORCE) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "finding_no": number,
        "code": stored(finding.code),
        "severity": finding.severity,
        "decides": finding.severity is Severity.CRITICAL and mode is Mode.ENFORCE,
        "mode": mode,
        "message": stored(without_folders(finding.message, source), MESSAGE_BYTES),
        "hint": stored(without_folders(finding.hint, source), MESSAGE_BYTES),
        "table_name": stored_or_none(finding.table),
        "record_key": stored_or_none(finding.key, KEY_BYTES),
        "column_name": stored_or_none(finding.column),
        "batch_no": stored_number(finding.batch),
        "metric": stored_or_none(finding.metric),
        "observed": json_value(finding.observed),
        "expected": stored_or_none(finding.expected, KEY_BYTES),
        "runs": json_texts(finding.runs),
        "samples": json_texts([without_folders(one, source) for one in finding.samples], KEY_BYTES),
        "plugin": stored(finding.plugin),
        "validator": stored(finding.validator),
        "moment": stored(finding.moment),
    }


@lru_cache(maxsize=16)
def _from_json(table: sa.Table) -> sa.Insert:
    """Insert ``:rows``, an array of objects: PostgreSQL takes it as one value, where rows would each be a statement."""
    names = [column.name for column in table.columns]
    kind: sa.ColumnElement[Any] = sa.literal_column(f"NULL::{qualified(table.schema, table.name)}")
    text = sa.cast(sa.bindparam("rows", type_=sa.Text), sa.JSON)
    rows = sa.func.json_populate_recordset(kind, text).table_valued(*names)
    return table.insert().from_select(names, sa.select(*(rows.c[name] for name in names)))


@lru_cache(maxsize=16)
def _of_one_batch(batches: sa.Table, dialect: sa.Dialect) -> tuple[str, int, Callable[[Any], Any]]:
    """The INSERT of a batch, which column of it is a moment, and what makes that ready for the driver.

    SQLAlchemy would look at each parameter of each row anew, and a large run has tens of thousands of batches.
    """
    names = ["run_id", *_BATCH_NAMES]
    table, marks = qualified(batches.schema, batches.name), ", ".join("?" * len(names))
    insert = f"INSERT INTO {table} ({', '.join(map(quoted, names))}) VALUES ({marks})"  # noqa: S608  # of names of our own
    ready: Any = batches.c.committed_at.type.dialect_impl(dialect).bind_processor(dialect)
    return insert, names.index("committed_at"), lru_cache(maxsize=4)(ready)


@lru_cache(maxsize=64)
def _while_ours(logs: sa.Table, names: Sequence[str]) -> sa.Update:
    """Set these columns, to ``:new_`` and their names, where the run is ours and under way."""
    ours = [logs.c[name] == sa.bindparam(f"our_{name}") for name in ("run_id", "token")]
    values = {name: sa.bindparam(f"new_{name}", type_=logs.c[name].type) for name in names}
    return logs.update().where(*ours, logs.c.state == RunState.RUNNING).values(values)


_BATCH_NAMES = [field.name for field in fields(BatchRow)]
_cells_of = attrgetter(*_BATCH_NAMES)
"""Not asdict(), which copies deeply."""


def _entry_row(entry: KeptOut) -> dict[str, Any]:
    return {
        "batch_no": stored_number(entry.batch),
        "record_key": stored_or_none(entry.key, KEY_BYTES),
        "record": stored(entry.record, RECORD_BYTES),
        "code": stored(entry.code),
        "column_name": stored_or_none(entry.column),
        "constraint_name": stored_or_none(entry.constraint or None),
        "message": stored(without_folders(entry.message, entry.file), MESSAGE_BYTES),
        "file_name": stored_or_none(base_name(entry.file) or None),
        "line_no": stored_number(entry.line),
        "byte_offset": stored_number(entry.offset),
        "state": EntryState.OPEN,
    }
