"""Taking a source in: every record of it is staged, or kept out with the reason, and counted either way."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from validate_updates import signals
from validate_updates.errors import UsageError
from validate_updates.findings import Finding, Severity
from validate_updates.records import Decoder
from validate_updates.result import KeptOut
from validate_updates.shapes import Rows
from validate_updates.sources.base import Block, Lines, Records
from validate_updates.sources.strict_json import BadRecord, parse_record
from validate_updates.targets.reflect import key_for
from validate_updates.targets.stage import Stage
from validate_updates.targets.trouble import Blame, Trouble, world_error
from validate_updates.text import counted, key_text, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy as sa

    from validate_updates.job import Progress, UnknownColumns
    from validate_updates.sources.base import Source
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable

_TOGETHER = 2500
"""Rows that are staged in one transaction, or a few more."""
SAMPLE = 20
"""Records kept out that a result shows."""
ENTRIES = 10_000
"""Records kept out that the quarantine takes from one run; the rest is counted only."""
ENTRY_BYTES = 16 * 1024 * 1024
"""All of their text together."""


class Intake:
    """The stage of one run, and what did not get into it."""

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        target: TargetTable,
        source: Source,
        unknown: UnknownColumns,
    ) -> None:
        self._database = database
        self._connection = connection
        self._source = source
        self._blocks = source.blocks()
        self._seen: list[Block] = []
        self.target = target if target.key else replace(target, key=self._chosen_key(target))
        with database.transaction(connection, write=False):
            database.prepare_guard(connection)
            self.stage = Stage(database, connection, self.target)
        self._decoder = Decoder(self.target, source, unknown, sqlite=database.is_sqlite)
        self._waiting: list[Rows] = []
        self.staged = 0
        self.duplicates = 0
        self.kept_out = 0
        self.entries: list[KeptOut] = []
        self._entry_bytes = 0

    @property
    def read(self) -> int:
        """Records of the source so far."""
        return self.staged + self.duplicates + self.kept_out

    @property
    def sample(self) -> tuple[KeptOut, ...]:
        """A few of the records kept out."""
        return tuple(self.entries[:SAMPLE])

    def take_in(self, progress: Progress) -> None:
        """Read the source to its end. Raises ``SourceError``, ``TargetError``, ``Interrupted``."""
        for block in chain(self._seen, self._blocks):
            signals.check()
            for part in self._decoder.decode(block):
                if isinstance(part, Rows):
                    self._add(part)
                else:
                    self._keep_out(part)
            progress.advance(self.read)
        self._load_waiting()
        self._seen = []
        self._settle()

    def _settle(self) -> None:
        with self._database.transaction(self._connection, write=False):
            gone = self.stage.settle_duplicates()
        self.staged -= gone
        self.duplicates += gone

    def _add(self, rows: Rows) -> None:
        if not self.stage.knows(rows.shape):
            with self._database.transaction(self._connection, write=False):
                self.stage.admit(rows.shape)
        self._waiting.append(rows)
        if sum(len(part.rows) for part in self._waiting) >= _TOGETHER:
            self._load_waiting()

    def _load_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._load(waiting)

    def _load(self, parts: list[Rows]) -> None:
        """Stage rows in a transaction of their own, so that none is open while a slow source is waited for."""
        try:
            with self._database.transaction(self._connection, write=False):
                for rows in parts:
                    self.stage.add(rows)
        except self._database.errors as error:
            trouble = self._database.trouble(error, self._connection)
            if trouble.blame is not Blame.RECORD:
                raise world_error(trouble) from error
            self._load_apart(parts, trouble)
        else:
            self.staged += sum(len(rows.rows) for rows in parts)

    def _load_apart(self, parts: list[Rows], trouble: Trouble) -> None:
        """Halve what could not be staged, down to the records that are to blame."""
        if len(parts) > 1:
            for rows in parts:
                self._load([rows])
        elif len(parts[0].rows) > 1:
            for half in parts[0].halves():
                self._load([half])
        else:
            self._keep_out(self._unstageable(parts[0], trouble.code, trouble.message))

    def _unstageable(self, rows: Rows, code: str, message: str) -> KeptOut:
        *values, seq = next(rows.tuples())
        record = dict(zip(rows.shape.columns, values, strict=True))
        place = self._source.place(seq)
        return KeptOut(
            code="bad_value",
            message=f"the database cannot hold it: {message} [{code}]",
            key=key_text(self.target.key, (record[name] for name in self.target.key)),
            file=place.file,
            line=place.line if place.line is not None else place.record,
            record=str(record),
        )

    def _keep_out(self, entry: KeptOut) -> None:
        self.kept_out += 1
        size = len(entry.record) + len(entry.message)
        if len(self.entries) < ENTRIES and self._entry_bytes + size <= ENTRY_BYTES:
            self.entries.append(entry)
            self._entry_bytes += size

    def _chosen_key(self, target: TargetTable) -> tuple[str, ...]:
        """The key that fits the columns of the first records; where there are none, that fits the table's.

        One odd record at the beginning decides nothing: the first that any key fits does.
        """
        problem: UsageError | None = None
        for block in self._blocks:
            self._seen.append(block)
            for columns in _columns_of(block):
                try:
                    return key_for(target, columns)
                except UsageError as error:
                    problem = problem or error
            if problem:
                raise problem
        return key_for(target, target.names)

    def findings(self) -> Iterator[Finding]:
        """What is to be said about the intake as a whole."""
        for column, records in self._decoder.unknown.most_common():
            yield Finding(
                code="unknown_column",
                severity=Severity.WARNING,
                message=f"{counted(records, 'record')} with {printable(column, 60)!r}, no column of {self.target.name}",
                table=self.target.name,
                column=column,
                observed=records,
                hint="mend the source, add the column, or let it pass with --unknown-columns ignore",
            )
        if self.duplicates:
            yield Finding(
                code="duplicate_key",
                severity=Severity.WARNING,
                message=f"{counted(self.duplicates, 'record')} replaced by a later one of the same key in the source",
                table=self.target.name,
                observed=self.duplicates,
                samples=self.stage.superseded,
            )
        if self.kept_out > len(self.entries):
            yield Finding(
                code="quarantine_full",
                severity=Severity.WARNING,
                message=f"{self.kept_out - len(self.entries)} records are more than the quarantine takes from a run",
                observed=self.kept_out,
                expected=f"at most {ENTRIES} records and {ENTRY_BYTES >> 20} MB",
                hint="they are still in the source: mend it and run again",
            )


_LOOKED_AT = 100
"""Records at the beginning of a source that may settle the key."""


def _columns_of(block: Block) -> Iterator[Sequence[str]]:
    if isinstance(block, Records):
        yield from map(list, block.records[:_LOOKED_AT])
    elif isinstance(block, Lines):
        for line in block.lines[:_LOOKED_AT]:
            with suppress(BadRecord):
                yield list(parse_record(line))
