"""Runs of the past on their way into the journal, and out of it again.

**Once.** A run's id is made of its task, its moment and all that is known of it, so the same run has the same id
however often it is brought in. Other runs of a moment may come later (a log that grew), but not in place of those that
came before: then the log has changed, and what came from it must be taken back first, or each run would be there twice.

**In order.** ``run_no`` tells the order of runs. Those brought in are numbered below zero, -1 the newest by the time
in their log, and so are older than all runs of our own, whose numbers begin with 1. Whenever some come, all of them are
numbered anew; nothing else in the journal refers to these numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import sqlalchemy as sa

from validate_updates._version import __version__
from validate_updates.journal.rows import RunKind, RunState
from validate_updates.journal.schema import find, prepare
from validate_updates.journal.texts import MESSAGE_BYTES, json_numbers, stored
from validate_updates.past.log import BadRow, PastRun, Reading
from validate_updates.past.mapping import COUNTS

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

IMPORT: Final = "import"
BACKFILL: Final = "backfill"
"""How a run came into the journal; stands in the place of a strategy."""
WAYS: Final = (IMPORT, BACKFILL)

KNOWN: Final = "there already"
TWICE: Final = "the same as another row"
OWN: Final = "on a day with a run of our own"

_ROWS: Final = 500
"""Rows of one INSERT."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal has of a task already."""

    imported: Mapping[datetime, frozenset[str]] = field(default_factory=dict)
    """Moment -> run ids."""
    backfilled: frozenset[date] = frozenset()
    own: frozenset[date] = frozenset()
    """Days, in UTC."""

    @property
    def days(self) -> frozenset[date]:
        """Days with any run."""
        return self.own | frozenset(moment.date() for moment in self.imported)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What becomes of a reading: ``rows`` is the sum of the runs to be written, bad rows and rows left out."""

    rows: int
    new: tuple[PastRun, ...]
    bad: tuple[BadRow, ...]
    left_out: Mapping[str, int]


def run_id_of(task: str, run: PastRun) -> str:
    """``20250114-120000-7c59f9a01b2c``: its moment, and the beginning of a SHA-256 of all that is known of it."""
    known = [task, run.started_at.astimezone(UTC).isoformat(), run.name, run.state, run.seconds]
    text = json.dumps([*known, sorted(run.metrics.items())])
    moment = run.started_at.astimezone(UTC)
    return f"{moment.year:04}{moment:%m%d-%H%M%S}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def known_of(conn: sa.Connection, tables: JournalTables | None, task: str) -> Known:
    """What the journal has of a task already; nothing where there is none yet."""
    if tables is None:
        return Known()
    logs = tables.logs.c
    ours = sa.select(logs.run_id, logs.kind, logs.started_at, logs.strategy, logs.state).where(
        logs.task == stored(task)
    )
    imported, backfilled, own = defaultdict[datetime, set[str]](set), set[date](), set[date]()
    for run in conn.execute(ours):
        if run.kind == RunKind.IMPORT:
            imported[run.started_at].add(run.run_id)
            if run.strategy == BACKFILL:
                backfilled.add(run.started_at.date())
        elif run.kind == RunKind.UPDATE and run.state != RunState.REFUSED:
            own.add(run.started_at.date())
    frozen = {moment: frozenset(ids) for moment, ids in imported.items()}
    return Known(frozen, frozenset(backfilled), frozenset(own))


def settle(reading: Reading, known: Known, task: str) -> Settled:
    """Which runs of a log are to be written, and why the others are not."""
    found: dict[datetime, set[str]] = defaultdict(set)
    for run in reading.runs:
        found[run.started_at].add(run_id_of(task, run))
    new: dict[str, PastRun] = {}
    bad: list[BadRow] = []
    left_out = Counter(reading.left_out)
    for run in reading.runs:
        run_id = run_id_of(task, run)
        here = known.imported.get(run.started_at, frozenset())
        if run_id in here:
            left_out[KNOWN] += 1
        elif run_id in new:
            left_out[TWICE] += 1
        elif run.started_at.date() in known.own:
            left_out[OWN] += 1
        elif run.started_at.date() in known.backfilled:
            bad.append(BadRow(run.number, _BACKFILLED))
        elif here - found[run.started_at]:
            bad.append(BadRow(run.number, _CHANGED))
        else:
            new[run_id] = run
    every = sorted([*reading.bad, *bad], key=lambda one: one.number)
    return Settled(rows=reading.rows, new=tuple(new.values()), bad=tuple(every), left_out=dict(left_out))


_BACKFILLED: Final = "this day was backfilled: take that back first, with history forget --kind backfill"
_CHANGED: Final = (
    "another run of this moment was imported before and is not in the log any more: take that back first, with "
    "history forget --kind import"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What came of bringing runs in."""

    settled: Settled
    written: int
    """Runs written: all that are new, or none."""


def bring_in(
    conn: sa.Connection,
    settled: Callable[[Known], Settled],
    *,
    task: str,
    table: str,
    source: str,
    prefix: str,
    schema: str | None = None,
    way: str = IMPORT,
    skip_bad: bool = False,
    dry_run: bool = False,
) -> Arrived:
    """Settle what is to come, by what the journal has of the task already, and write it within the open transaction.

    Nothing is written, and no journal made, in a dry run, nor where a row is bad and bad ones are not to be skipped.
    """
    if not dry_run:
        _hold(conn, prefix, schema)
    found = settled(known_of(conn, find(conn, prefix, schema), task))
    if dry_run or not found.new or (found.bad and not skip_bad):
        return Arrived(settled=found, written=0)
    tables = prepare(conn, prefix, schema)
    _write(conn, tables, found.new, task=task, table=table, source=source, way=way)
    _number(conn, tables.logs)
    return Arrived(settled=found, written=len(found.new))


def forget(conn: sa.Connection, tables: JournalTables, task: str, *, way: str = IMPORT) -> int:
    """Take runs of a task that were brought in that way out of the journal again; how many. Our own always stay."""
    logs = tables.logs
    meant = (logs.c.kind == RunKind.IMPORT) & (logs.c.task == stored(task)) & (logs.c.strategy == way)
    return conn.execute(logs.delete().where(meant)).rowcount


def _hold(conn: sa.Connection, prefix: str, schema: str | None) -> None:
    """Until the transaction ends, nobody else brings runs in. On SQLite the write transaction sees to that."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(crc32(f"{schema}.{prefix}past".encode()))))


def _write(
    conn: sa.Connection, tables: JournalTables, runs: Sequence[PastRun], *, task: str, table: str, source: str, way: str
) -> None:
    logs = tables.logs
    room = logs.update().where(logs.c.kind == RunKind.IMPORT)
    conn.execute(room.values(run_no=logs.c.run_no + _lowest(conn, logs) - len(runs)))
    common = _common(task=task, table=table, source=source, way=way)
    rows = [{**common, **_row(task, run, source), "run_no": place - len(runs)} for place, run in enumerate(runs)]
    for start in range(0, len(rows), _ROWS):
        conn.execute(logs.insert(), rows[start : start + _ROWS])


def _common(*, task: str, table: str, source: str, way: str) -> dict[str, Any]:
    empty = ("token", "plugins", "timings", "judged", "key_columns")
    return dict.fromkeys(empty, "[]") | {
        "kind": RunKind.IMPORT,
        "token": "",
        "task": stored(task),
        "table_name": stored(table),
        "source": stored(source, MESSAGE_BYTES),
        "dry_run": False,
        "strategy": way,
        "tool_version": __version__,
        "rolled_back": 0,
    }


def _row(task: str, run: PastRun, source: str) -> dict[str, Any]:
    name = f", {run.name}" if run.name else ""
    return {
        "run_id": run_id_of(task, run),
        "state": run.state,
        "reason": stored(f"{run.state}, says {source}{name}", MESSAGE_BYTES),
        "started_at": run.started_at,
        "seconds": run.seconds,
        "finished_at": None if run.seconds is None else run.started_at + timedelta(seconds=run.seconds),
        **{name: int(run.metrics.get(f"records.{name}", 0)) for name in COUNTS},
        "metrics": json_numbers(run.metrics),
    }


def _number(conn: sa.Connection, logs: sa.Table) -> None:
    """Number all runs that were brought in, -1 the newest. Of one moment, the one that came later is the newer."""
    order = (logs.c.started_at.desc(), logs.c.run_no.desc())
    place = sa.func.row_number().over(order_by=order).label("place")
    ranked = sa.select(logs.c.run_id, place).where(logs.c.kind == RunKind.IMPORT).subquery()
    lowest = _lowest(conn, logs)
    # First to numbers that none of them has had, since each must be unique at every moment.
    moved = logs.update().where(logs.c.run_id == ranked.c.run_id).values(run_no=lowest - ranked.c.place)
    conn.execute(moved)
    conn.execute(logs.update().where(logs.c.kind == RunKind.IMPORT).values(run_no=logs.c.run_no - lowest))


def _lowest(conn: sa.Connection, logs: sa.Table) -> int:
    """The lowest number of a run that was brought in; 0 where there is none."""
    return conn.scalar(sa.select(sa.func.min(logs.c.run_no)).where(logs.c.kind == RunKind.IMPORT)) or 0
