"""Taking a source in: every record of it is staged, or kept out with the reason, and counted either way."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from validate_updates import signals
from validate_updates.errors import UsageError
from validate_updates.findings import Finding, Severity
from validate_updates.job import UnknownColumns
from validate_updates.keeping_out import entries_for, entries_of, record_text
from validate_updates.loading import Loader
from validate_updates.records import Decoder
from validate_updates.remarks import unknown_column
from validate_updates.result import KeptOut
from validate_updates.shapes import Rows
from validate_updates.sources.base import Block, Lines, Records
from validate_updates.sources.strict_json import BadRecord, parse_record
from validate_updates.targets.plan import Plan
from validate_updates.targets.reflect import key_for
from validate_updates.targets.stage import Stage
from validate_updates.text import counted, key_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import sqlalchemy as sa

    from validate_updates.context import BatchInfo
    from validate_updates.findings import KeepOut
    from validate_updates.job import Progress
    from validate_updates.sources.base import Source
    from validate_updates.targets.base import Database
    from validate_updates.targets.stage import Staged
    from validate_updates.targets.table import TargetTable
    from validate_updates.targets.trouble import Trouble

SAMPLE = 20
"""Records kept out that a result shows."""
ENTRIES = 10_000
"""Records kept out that the quarantine takes from one run; the rest is counted only."""
ENTRY_BYTES = 16 * 1024 * 1024
"""All of their text together."""


class Intake:
    """What came of a source: the stage of one run, and what did not get into it."""

    target: TargetTable
    stage: Staged
    staged = 0
    duplicates = 0
    kept_out = 0

    def __init__(self) -> None:
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
        raise NotImplementedError

    def findings(self) -> Iterator[Finding]:
        """What is to be said about the intake as a whole."""
        raise NotImplementedError

    def plan(self, notice: Callable[[Iterable[Finding]], None]) -> Plan:
        """A plan of what is staged, not compared yet; within the transaction in which nobody else changes the target.

        ``notice`` is told what came to light.
        """
        raise NotImplementedError

    def describe(self, plan: Plan, batch: BatchInfo, reason: Finding) -> Iterable[KeptOut]:
        """The records of a batch that are still to be written, as quarantine entries."""
        raise NotImplementedError

    def describe_each(self, plan: Plan, reasons: Sequence[KeepOut]) -> Iterable[KeptOut]:
        """Staged records that a validator keeps out, each for its reason and in that order."""
        raise NotImplementedError

    def keep_out_what_needs_them(self, plan: Plan, notice: Callable[[Iterable[Finding]], None]) -> None:
        """Records have been kept out of the plan; those go too that cannot do without them."""

    def keep_out_staged(self, entries: Iterable[KeptOut], *, uncounted: int = 0) -> None:
        """Records that were staged are kept out after all; ``uncounted``: so many more than there are entries."""
        for entry in entries:
            self.staged -= 1
            self._keep_out(entry)
        self.staged -= uncounted
        self.kept_out += uncounted

    def forget(self, *, entries: int, kept_out: int) -> None:
        """Of the records kept out, only the first stand: the work on the others was rolled back."""
        del self.entries[entries:]
        self.staged += self.kept_out - kept_out
        self.kept_out = kept_out

    def overflow(self) -> Iterator[Finding]:
        """That more was kept out than the quarantine holds."""
        if self.kept_out > len(self.entries):
            yield Finding(
                code="quarantine_full",
                severity=Severity.WARNING,
                message=f"{self.kept_out - len(self.entries)} records are more than the quarantine takes from a run",
                observed=self.kept_out,
                expected=f"at most {ENTRIES} records and {ENTRY_BYTES >> 20} MB",
                hint="they are still in the source: mend it and run again",
            )

    def _keep_out(self, entry: KeptOut) -> None:
        self.kept_out += 1
        size = len(entry.record) + len(entry.message)
        if len(self.entries) < ENTRIES and self._entry_bytes + size <= ENTRY_BYTES:
            self.entries.append(entry)
            self._entry_bytes += size


class RowIntake(Intake):
    """Records that are rows of one table."""

    stage: Stage

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        target: TargetTable,
        source: Source,
        unknown: UnknownColumns,
    ) -> None:
        super().__init__()
        self._database = database
        self._connection = connection
        self._source = source
        self._unknown = unknown
        self._blocks = source.blocks()
        self._seen: list[Block] = []
        self.target = target if target.key else replace(target, key=self._chosen_key(target))
        with database.transaction(connection, write=False):
            database.prepare_guard(connection)
            self.stage = Stage(database, connection, self.target)
        self._decoder = Decoder(self.target, source, unknown, sqlite=database.is_sqlite)

    def take_in(self, progress: Progress) -> None:
        """Read the source to its end. Raises ``SourceError``, ``TargetError``, ``Interrupted``."""
        loader = Loader(self._database, self._connection, self.stage, self._keep_out_row)
        for blocks in read_ahead(chain(self._seen, self._blocks)):
            with loader.loading():
                for block in blocks:
                    self._take(block, loader)
            self.staged = loader.staged
            progress.advance(self.read)
        self._seen = []
        with self._database.transaction(self._connection, write=False):
            self.duplicates = self.stage.settle_duplicates()
        self.staged -= self.duplicates

    def plan(self, notice: Callable[[Iterable[Finding]], None]) -> Plan:  # noqa: ARG002  # the base's signature
        """Rows as they are."""
        return Plan(self._database, self._connection, self.target, self.stage)

    def describe(self, plan: Plan, batch: BatchInfo, reason: Finding) -> Iterable[KeptOut]:
        """Read back from the stage."""
        return entries_of(plan, self._connection, batch, reason, self._source.place)

    def describe_each(self, plan: Plan, reasons: Sequence[KeepOut]) -> Iterable[KeptOut]:
        """Read back from the stage."""
        return entries_for(plan, self._connection, reasons, self._source.place)

    def _take(self, block: Block, loader: Loader) -> None:
        for part in self._decoder.decode(block):
            if isinstance(part, Rows):
                loader.add(part)
            else:
                self._keep_out(part)

    def _keep_out_row(self, rows: Rows, trouble: Trouble) -> None:
        """Keep out the one row that the database refuses."""
        *values, seq = next(rows.tuples())
        record = dict(zip(rows.shape.columns, values, strict=True))
        cells = {self.target.column(name): value for name, value in record.items()}
        place = self._source.place(seq)
        column = trouble.column if trouble.column in record else None  # as read from what the server says
        where = f"{column}: " if column else ""
        entry = KeptOut(
            code="bad_value",
            message=f"{where}the database cannot hold it: {trouble.message} [{trouble.code}]",
            key=key_text(self.target.key, (record[name] for name in self.target.key)),
            column=column,
            file=place.file,
            line=place.number,
            record=record_text(cells, json_as_text=True),
        )
        self._keep_out(entry)

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
        ignored = self._unknown is UnknownColumns.IGNORE
        for column, records in self._decoder.unknown.most_common():
            yield unknown_column(self.target, column, records, ignored=ignored)
        if self.duplicates:
            yield Finding(
                code="duplicate_key",
                severity=Severity.WARNING,
                message=f"{counted(self.duplicates, 'record')} replaced by a later one of the same key in the source",
                table=self.target.name,
                observed=self.duplicates,
                samples=self.stage.superseded,
            )


_READ_AHEAD = 3
"""Blocks that are read before they are loaded together. No transaction is open while a source is waited for."""


def read_ahead(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Blocks by a few, as they are loaded together."""
    waiting: list[Block] = []
    for block in blocks:
        signals.check()
        waiting.append(block)
        if len(waiting) == _READ_AHEAD:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


_LOOKED_AT = 100
"""Records at the beginning of a source that may settle the key."""


def _columns_of(block: Block) -> Iterator[Sequence[str]]:
    if isinstance(block, Records):
        yield from map(list, block.records[:_LOOKED_AT])
    elif isinstance(block, Lines):
        for line in block.lines[:_LOOKED_AT]:
            with suppress(BadRecord):
                yield list(parse_record(line))
