"""Records from the quarantine as an update of their own: which of them, and the source that they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec
import sqlalchemy as sa

from validate_updates.errors import UsageError
from validate_updates.journal.tables import tables as journal_tables
from validate_updates.quarantine.reading import PAGE, Entry, Wanted, groups, open_entries, pages
from validate_updates.sources.base import Lines, Place
from validate_updates.targets import open_database
from validate_updates.text import printable

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables
    from validate_updates.secret import SecretUrl

NAME: Final = "quarantine"
"""What the source is called in reports and in the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The open entries that a replay is about: all of one task and table."""

    task: str
    table: str
    """As the journal names it: with its schema, where the run named one."""
    records: tuple[int, ...]
    """Numbers of those that can be read again as they are."""
    broken: tuple[int, ...]
    """And of those that have to be mended first."""
    run_id: str | None
    """The run that made them, where it is one."""
    key: tuple[str, ...]
    """The columns by which those runs told records apart; empty where they differ."""


def choose(conn: sa.Connection, tables: JournalTables, wanted: Wanted) -> Chosen:
    """The open entries that are wanted.

    Raises ``UsageError`` where there are none, where they are of several tasks or tables, and where one that is named
    is not open.
    """
    open_entries(conn, tables, wanted.numbers)
    found = groups(conn, tables, wanted)
    if not found:
        raise UsageError("no such record is in quarantine", hint="validate-updates quarantine list")
    if len(found) > 1:
        pairs = "; ".join(f"task {printable(task, 60)}, table {printable(table, 60)}" for task, table in found[:5])
        raise UsageError(
            f"the records in quarantine are of {len(found)} tasks or tables, and a replay is of one: {pairs}",
            hint="name one with --task and --table",
        )
    records: list[int] = []
    broken: list[int] = []
    runs: set[str] = set()
    for page in pages(conn, tables, wanted):
        for entry in page:
            (records if entry.is_record else broken).append(entry.number)
            runs.add(entry.run_id)
    [(task, table)] = found
    return Chosen(
        task=task,
        table=table,
        records=tuple(records),
        broken=tuple(broken),
        run_id=min(runs) if len(runs) == 1 else None,
        key=_key_of(conn, tables, wanted),
    )


def _key_of(conn: sa.Connection, tables: JournalTables, wanted: Wanted) -> tuple[str, ...]:
    entries, logs = tables.quarantine, tables.logs
    runs = sa.select(entries.c.run_id).where(*wanted.conditions(tables))
    keys = {*conn.scalars(sa.select(logs.c.key_columns).where(logs.c.run_id.in_(runs)).distinct())} - {"[]"}
    return msgspec.json.decode(keys.pop(), type=tuple[str, ...]) if len(keys) == 1 else ()


class Quarantined:
    """The :class:`~validate_updates.sources.base.Source` of entries that are still open when they are read.

    Each record keeps the place that it first came from. A page is read at a time, over a connection of its own and in a
    transaction that ends before the records are used: on SQLite an open one would keep the update from its commit.
    """

    name = NAME

    def __init__(self, target: SecretUrl, prefix: str, schema: str | None, numbers: tuple[int, ...]) -> None:
        self._target = target
        self._tables = journal_tables(prefix, schema)
        self._numbers = numbers
        self._places: list[Place] = []

    def blocks(self) -> Iterator[Lines]:
        """The records, as lines of JSON."""
        database = open_database(self._target)
        numbers = iter(self._numbers)
        while chunk := tuple(islice(numbers, PAGE)):
            # Nothing is open while the records are used: who has them may stop asking for more.
            with database.connect() as connection, database.transaction(connection, write=False):
                found = [entry for page in pages(connection, self._tables, Wanted(numbers=chunk)) for entry in page]
            if found:
                yield self._lines(found)

    def _lines(self, entries: list[Entry]) -> Lines:
        first = len(self._places) + 1
        self._places += [Place(file=entry.kept.file, line=entry.kept.line) for entry in entries]
        lines = [entry.kept.record.replace("\n", " ").encode() for entry in entries]
        return Lines(first, lines, 0, b"\n".join(lines))

    def place(self, seq: int) -> Place:
        """Where the record stood when it was kept out."""
        return self._places[seq - 1]
