"""Closing entries: by a newer record of the same key, by a replay, by a person. And opening them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from validate_updates.job import Replay
from validate_updates.journal.rows import EntryState
from validate_updates.journal.texts import MESSAGE_BYTES, RECORD_BYTES, stored, stored_or_none
from validate_updates.quarantine.keys import Key, KeyReader
from validate_updates.quarantine.reading import PAGE, Wanted, is_cut
from validate_updates.targets.names import ROW
from validate_updates.targets.savepoint import savepoint
from validate_updates.targets.trouble import Blame

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from validate_updates.journal.tables import JournalTables
    from validate_updates.result import KeptOut
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.table import TargetTable

_TOGETHER: Final = 100
"""Keys that one statement looks for."""


def close_older(
    connection: sa.Connection,
    tables: JournalTables,
    database: Database,
    *,
    run_id: str,
    table: str,
    target: TargetTable,
    kept_out: Sequence[KeptOut],
    plan: Plan | None,
    replay: Replay | None = None,
) -> int:
    """Close open entries of ``table``, made by earlier runs, that run ``run_id`` settles; how many. Never its own.

    A record of the same key that landed, or is in the table already, closes them, and so does the same record kept out
    once more, whose newer entry stands for it. ``plan`` is None where the update does not stand, and nothing landed.
    Call it in the transaction that decides the run; where nothing is open it costs one SELECT by an index.
    """
    older = _OpenEntries(connection, tables, run_id=run_id, table=table)
    page = older.next_page()
    if not page:
        return 0
    keys = KeyReader(target, sqlite=database.is_sqlite)
    rule = _Rule(replay, _Again.of(kept_out, keys), Landed(connection, database, plan) if plan else None)
    closed = 0
    while page:
        states = rule.states([(entry, keys.read(entry.record, entry.record_key)) for entry in page])
        for state, numbers in states.items():
            closed += _close(connection, tables, numbers, state=state, run_id=run_id)
        page = older.next_page()
    return closed + _close(connection, tables, rule.stood_for(), state=EntryState.REPLAYED, run_id=run_id)


def discard(connection: sa.Connection, tables: JournalTables, wanted: Wanted, note: str | None = None) -> int:
    """Close open entries that nobody needs any more; how many. They stay in the journal."""
    entries = tables.quarantine
    statement = entries.update().where(entries.c.state == EntryState.OPEN, *wanted.conditions(tables))
    values = {
        "state": EntryState.DISCARDED,
        "closed_at": datetime.now(UTC),
        "note": stored_or_none(note, MESSAGE_BYTES),
    }
    return connection.execute(statement.values(values)).rowcount


def reopen(connection: sa.Connection, tables: JournalTables, run_id: str) -> int:
    """Open again what a run has closed, since that run is taken back; how many."""
    entries = tables.quarantine
    closed = entries.c.state.in_((EntryState.REPLAYED, EntryState.SUPERSEDED))
    statement = entries.update().where(entries.c.closed_by == run_id, closed)
    return connection.execute(statement.values(state=EntryState.OPEN, closed_at=None, closed_by=None)).rowcount


class _OpenEntries:
    """The open entries of a table that earlier runs made: number, key as shown, record. Newest first."""

    def __init__(self, connection: sa.Connection, tables: JournalTables, *, run_id: str, table: str) -> None:
        entries = tables.quarantine.c
        self._connection = connection
        self._number = entries.entry_no
        self._query = (
            sa.select(entries.entry_no, entries.record_key, entries.record)
            .where(entries.table_name == stored(table), entries.state == EntryState.OPEN, entries.run_id != run_id)
            .order_by(entries.entry_no.desc())
            .limit(PAGE)
        )
        self._before: int | None = None

    def next_page(self) -> Sequence[sa.Row[int, str | None, str]]:
        """The next ones; none at the end."""
        query = self._query if self._before is None else self._query.where(self._number < self._before)
        page = self._connection.execute(query).all()
        if page:
            self._before = page[-1].entry_no
        return page


@dataclass(frozen=True, slots=True)
class _Again:
    """What the present run kept out, and so stands in the quarantine anew."""

    keys: frozenset[Key]
    texts: frozenset[str]
    """Of those without a readable key."""
    others: bool
    """Whether there are some without either: of these too little was stored."""

    @classmethod
    def of(cls, kept_out: Sequence[KeptOut], reader: KeyReader) -> _Again:
        found = [(reader.read(one.record, one.key), stored(one.record, RECORD_BYTES)) for one in kept_out]
        texts = {text for key, text in found if key is None}
        whole = frozenset(text for text in texts if text and not is_cut(text))
        return cls(frozenset(key for key, _ in found if key is not None), whole, others=len(whole) < len(texts))


class Landed:
    """Which keys have a record in the stage that the update did not keep out."""

    def __init__(self, connection: sa.Connection, database: Database, plan: Plan) -> None:
        self._connection = connection
        self._database = database
        self._plan = plan
        self._left_out: frozenset[int] | None = None

    def among(self, keyed: Sequence[tuple[int, Key]]) -> set[int]:
        """Of (number, key), the numbers whose key landed."""
        found: set[int] = set()
        for start in range(0, len(keyed), _TOGETHER):
            rows = self._staged(keyed[start : start + _TOGETHER])
            found.update(number for number, row in rows if row not in self._kept_out_after_all())
        return found

    def _staged(self, keyed: Sequence[tuple[int, Key]]) -> list[tuple[int, int]]:
        """(number, row of the stage). A value that the database refuses is in no row; the transaction goes on."""
        try:
            with savepoint(self._connection):
                return [(number, row) for number, row in self._connection.execute(self._query(keyed))]
        except self._database.errors as error:
            trouble = self._database.trouble(error, self._connection)
            if trouble.blame is not Blame.RECORD or not trouble.transaction_alive:
                raise
        middle = len(keyed) // 2
        return [*self._staged(keyed[:middle]), *self._staged(keyed[middle:])] if middle else []

    def _query(self, keyed: Sequence[tuple[int, Key]]) -> sa.CompoundSelect[int, int]:
        stage = self._plan.stage.table
        names = self._plan.key
        return sa.union_all(
            *(
                sa.select(sa.literal(number, sa.BigInteger), stage.c[ROW]).where(
                    *(stage.c[name] == value for name, value in zip(names, key, strict=True))
                )
                for number, key in keyed
            )
        )

    def _kept_out_after_all(self) -> frozenset[int]:
        if self._left_out is None:
            self._left_out = self._plan.left_out()
        return self._left_out


@dataclass(frozen=True, slots=True)
class _Rule:
    """What becomes of an older entry. Asked about the newest entries first."""

    replay: Replay | None
    again: _Again
    landed: Landed | None
    """None where the update does not stand."""
    replayed: set[Key | str] = field(default_factory=set)
    """Keys of the replayed entries met so far, or their texts where they have no key."""

    def states(self, page: Sequence[tuple[sa.Row[int, str | None, str], Key | None]]) -> dict[EntryState, list[int]]:
        """State -> numbers of the entries to close with it."""
        found: dict[EntryState, list[int]] = {}
        keyed = [(entry.entry_no, key) for entry, key in page if key is not None]
        landed = self.landed.among(keyed) if self.landed else set()
        for entry, key in page:
            state = self._state(entry.entry_no, key, entry.record, landed=entry.entry_no in landed)
            if state is not None:
                found.setdefault(state, []).append(entry.entry_no)
        return found

    def stood_for(self) -> frozenset[int]:
        """After the last page: the entries that the records stood for, if those records can only have landed.

        What was refused again must be the records of other entries.
        """
        if self.replay is None or self.landed is None or self.again.others:
            return frozenset()
        refused = {*self.again.keys, *self.again.texts}
        return self.replay.stands_for if refused <= self.replayed else frozenset()

    def _state(self, number: int, key: Key | None, record: str, *, landed: bool) -> EntryState | None:
        if not self._concerned(number, key, record):
            return None
        if key in self.again.keys or (key is None and record in self.again.texts):
            return EntryState.SUPERSEDED
        if not landed:
            return None
        return EntryState.REPLAYED if self.replay and number in self.replay.entries else EntryState.SUPERSEDED

    def _concerned(self, number: int, key: Key | None, record: str) -> bool:
        """A replayed record is as old as its entry: it says nothing about newer entries of the same key."""
        if self.replay is None:
            return True
        if number in self.replay.entries:
            self.replayed.add(record if key is None else key)
            return True
        return key in self.replayed


def _close(
    connection: sa.Connection, tables: JournalTables, numbers: Collection[int], *, state: EntryState, run_id: str
) -> int:
    if not numbers:
        return 0
    entries = tables.quarantine
    ours = entries.c.entry_no.in_(list(numbers)) & (entries.c.state == EntryState.OPEN)
    values = {"state": state, "closed_at": datetime.now(UTC), "closed_by": run_id}
    return connection.execute(entries.update().where(ours).values(values)).rowcount
