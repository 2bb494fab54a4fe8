"""Entries of the quarantine: which are wanted, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from validate_updates.errors import UsageError
from validate_updates.journal.reading import kept_out
from validate_updates.journal.rows import EntryState, Waiting
from validate_updates.journal.tables import JournalTables
from validate_updates.journal.texts import RECORD_BYTES, stored
from validate_updates.result import KeptOut
from validate_updates.sources.strict_json import BadRecord, parse_record

PAGE: Final = 200
"""Entries read at a time: each may hold 64 KiB."""
RUNS: Final = 20
"""Runs named that kept out more than was stored."""
_LONGEST_MARK: Final = 3
"""Bytes by which a cut text may be shorter than the limit: no character was cut in two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record in quarantine."""

    number: int
    """Names it; never used twice."""
    run_id: str
    """The run that kept it out."""
    table: str
    state: EntryState
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    """The run that closed it; none for a person."""
    note: str | None
    """Why a person discarded it."""
    kept: KeptOut

    @property
    def is_record(self) -> bool:
        """Whether its text is a record that can be read again as it stands."""
        return is_record(self.kept.record)

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of the record was stored."""
        return is_cut(self.kept.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries are meant: those to which everything given applies. Open ones, unless told otherwise."""

    numbers: tuple[int, ...] = ()
    run_id: str | None = None
    task: str | None = None
    table: str | None = None
    code: str | None = None
    closed_too: bool = False

    def conditions(self, tables: JournalTables) -> list[sa.ColumnElement[bool]]:
        """The same, for a WHERE."""
        entries, logs = tables.quarantine.c, tables.logs.c
        of_task = entries.run_id.in_(sa.select(logs.run_id).where(logs.task == stored(self.task or "")))
        asked: list[tuple[object, sa.ColumnElement[bool]]] = [
            (self.numbers, entries.entry_no.in_(self.numbers)),
            (self.run_id, entries.run_id == self.run_id),
            (self.task, of_task),
            (self.table, entries.table_name == stored(self.table or "")),
            (self.code, entries.code == self.code),
            (not self.closed_too, entries.state == EntryState.OPEN),
        ]
        return [condition for given, condition in asked if given]


def is_record(text: str) -> bool:
    """Whether ``text`` is a record that can be read again."""
    try:
        parse_record(text.encode())
    except BadRecord:
        return False
    return True


def is_cut(text: str) -> bool:
    """Whether ``text`` is the beginning of a record that was too large for the journal."""
    return len(text.encode()) >= RECORD_BYTES - _LONGEST_MARK


def listed(conn: sa.Connection, tables: JournalTables, wanted: Wanted, limit: int) -> Sequence[Entry]:
    """At most ``limit`` entries: those of the newest run first, and of one run in the order of its source."""
    entries, logs = tables.quarantine, tables.logs
    statement = (
        sa.select(entries)
        .outerjoin(logs, logs.c.run_id == entries.c.run_id)
        .where(*wanted.conditions(tables))
        .order_by(logs.c.run_no.desc(), entries.c.entry_no)
        .limit(limit)
    )
    return tuple(map(_entry, conn.execute(statement)))


def pages(conn: sa.Connection, tables: JournalTables, wanted: Wanted) -> Iterator[Sequence[Entry]]:
    """All of the entries, oldest first, a page at a time."""
    after = 0
    while page := page_after(conn, tables, wanted, after):
        yield page
        after = page[-1].number


def page_after(conn: sa.Connection, tables: JournalTables, wanted: Wanted, number: int) -> Sequence[Entry]:
    """The entries that follow an entry, oldest first, at most a page of them."""
    entries = tables.quarantine
    statement = sa.select(entries).where(*wanted.conditions(tables), entries.c.entry_no > number)
    return tuple(map(_entry, conn.execute(statement.order_by(entries.c.entry_no).limit(PAGE))))


def count(conn: sa.Connection, tables: JournalTables, wanted: Wanted) -> int:
    """How many there are."""
    statement = sa.select(sa.func.count()).select_from(tables.quarantine).where(*wanted.conditions(tables))
    return int(conn.execute(statement).scalar_one())


def waiting_since(conn: sa.Connection, tables: JournalTables) -> tuple[int, datetime | None]:
    """How many are open, and since when the oldest of them is."""
    entries = tables.quarantine
    query = sa.select(sa.func.count(), sa.func.min(entries.c.created_at)).select_from(entries)
    number, first = conn.execute(query.where(*Wanted().conditions(tables))).one()
    return number, first


def open_by_reason(conn: sa.Connection, tables: JournalTables, task: str) -> Sequence[Waiting]:
    """The open entries of a task, summed up by reason, the most frequent first."""
    entries = tables.quarantine
    number, first = sa.func.count().label("number"), sa.func.min(entries.c.created_at).label("first")
    query = (
        sa.select(entries.c.code, number, first).where(*Wanted(task=task).conditions(tables)).group_by(entries.c.code)
    )
    rows = conn.execute(query.order_by(number.desc(), entries.c.code))
    return tuple(Waiting(code=row.code, records=row.number, since=row.first) for row in rows)


def groups(conn: sa.Connection, tables: JournalTables, wanted: Wanted) -> Sequence[tuple[str, str]]:
    """The (task, table) pairs that the entries belong to."""
    entries, logs = tables.quarantine, tables.logs
    task = sa.func.coalesce(logs.c.task, entries.c.table_name)
    statement = (
        sa.select(task, entries.c.table_name)
        .select_from(entries.outerjoin(logs, logs.c.run_id == entries.c.run_id))
        .where(*wanted.conditions(tables))
        .distinct()
        .order_by(task, entries.c.table_name)
    )
    return [(row[0], row[1]) for row in conn.execute(statement)]


def not_stored(conn: sa.Connection, tables: JournalTables, wanted: Wanted) -> Mapping[str, int]:
    """Run id -> records that it kept out beyond those that the quarantine took, the newest runs first."""
    entries, logs = tables.quarantine, tables.logs
    taken = sa.select(sa.func.count()).where(entries.c.run_id == logs.c.run_id).scalar_subquery()
    chosen = {logs.c.run_id: wanted.run_id, logs.c.task: wanted.task, logs.c.table_name: wanted.table}
    statement = (
        sa.select(logs.c.run_id, logs.c.quarantined - taken)
        .where(logs.c.quarantined > taken, logs.c.quarantined > 0, ~logs.c.dry_run)
        .where(*(column == stored(value) for column, value in chosen.items() if value is not None))
        .order_by(logs.c.run_no.desc())
        .limit(RUNS)
    )
    return {row[0]: row[1] for row in conn.execute(statement)}


def entry(conn: sa.Connection, tables: JournalTables, number: int) -> Entry:
    """One entry, open or closed. Raises ``UsageError`` where there is none of that number."""
    found = conn.execute(sa.select(tables.quarantine).where(tables.quarantine.c.entry_no == number)).first()
    if found is None:
        raise UsageError(f"there is no entry {number} in the quarantine", hint="validate-updates quarantine list --all")
    return _entry(found)


def open_entries(conn: sa.Connection, tables: JournalTables, numbers: Sequence[int]) -> Sequence[Entry]:
    """The entries of these numbers. Raises ``UsageError`` where one of them is not there, or is closed."""
    found = [entry(conn, tables, number) for number in dict.fromkeys(numbers)]
    for one in found:
        if one.state is not EntryState.OPEN:
            by = f" by run {one.closed_by}" if one.closed_by else ""
            raise UsageError(
                f"entry {one.number} is closed: it was {one.state}{by}",
                hint=f"validate-updates quarantine show {one.number}",
            )
    return found


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(
        number=row.entry_no,
        run_id=row.run_id,
        table=row.table_name,
        state=EntryState(row.state),
        created_at=row.created_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        note=row.note,
        kept=kept_out(row),
    )
