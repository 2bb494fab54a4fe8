"""What a run writes about itself into the journal, from its first line to its outcome. A dry run writes nothing."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from validate_updates._version import __version__
from validate_updates.journal.history import JournalHistory, NoHistory
from validate_updates.journal.rows import RunKind
from validate_updates.journal.schema import find, prepare
from validate_updates.journal.watermarks import keep_watermark, watermark
from validate_updates.journal.writing import Journal, Published
from validate_updates.undo.expiry import expire

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import sqlalchemy as sa

    from validate_updates.context import History, RunInfo
    from validate_updates.intake import Intake
    from validate_updates.job import Job
    from validate_updates.journal.tables import JournalTables
    from validate_updates.ledger import Settled
    from validate_updates.result import Counts, PluginInfo, RunResult
    from validate_updates.targets.plan import Plan


class Chronicle:
    """The run's side of the journal. Works on the run's connection, within its transactions."""

    def __init__(self, job: Job, info: RunInfo, connection: sa.Connection) -> None:
        self._job = job
        self._info = info
        self._connection = connection
        self._token = secrets.token_hex(16)
        self._entered = 0
        self._found: JournalTables | None = None
        self.journal: Journal | None = None
        self.history: History = NoHistory()
        self.table = self.name_of(job.table)

    def name_of(self, table: str) -> str:
        """A table as the journal names it."""
        return f"{self._job.schema}.{table}" if self._job.schema else table

    def begin(self, *, lock_is_on_table: bool, strategy: str, plugins: Sequence[PluginInfo]) -> dict[str, int]:
        """Enter the run, and mark earlier ones that ended without a word as interrupted.

        Their ids, oldest first, with the number of batches that stand of each.
        """
        job, info, connection = self._job, self._info, self._connection
        recovered: dict[str, int] = {}
        found: JournalTables | None
        if info.dry_run:
            found = find(connection, job.journal_prefix, job.schema)
        else:
            found = prepare(connection, job.journal_prefix, job.schema)
            self.journal = Journal(found)
            table = self.table if lock_is_on_table else None
            dead = self.journal.recover(connection, except_run=info.run_id, table=table)
            recovered = self.journal.standing(connection, dead)
            self.journal.start(
                connection,
                run_id=info.run_id,
                token=self._token,
                task=info.task,
                table=self.table,
                source=info.source,
                started_at=info.as_of,
                strategy=strategy,
                plugins=plugins,
                tool_version=__version__,
                kind=RunKind(info.kind),
                parent=job.replay.parent if job.replay else None,
            )
        self._found = found
        if found is not None:
            self.history = JournalHistory(connection, found, task=info.task, except_run=info.run_id)
        return recovered

    def fence(self) -> None:
        """Make sure that the run is still ours. Raises ``StateUncertain`` where another process took over."""
        if self.journal:
            self.journal.fence(self._connection, self._info.run_id, self._token)

    def enter_batches(self, settled: Sequence[Settled], plan: Plan, *, replacing: Collection[int] = ()) -> None:
        """Enter batches into the ledger; ``replacing``: numbers of those that are there as they stood before."""
        if self.journal is None or not settled:
            return
        if replacing:
            self.journal.forget_batches(self._connection, self._info.run_id, replacing)
        keys = plan.keys_at_ends([one.info for one in settled])
        now = datetime.now(UTC)
        rows = [one.row(keys.get(one.info.first, ""), keys.get(one.info.last, ""), now) for one in settled]
        self.journal.batches(self._connection, self._info.run_id, rows)

    def enter_kept_out(self, intake: Intake) -> None:
        """Enter records kept out into the quarantine, those that are not there yet."""
        if self.journal:
            entries = intake.entries[self._entered :]
            self.journal.quarantine(self._connection, self._info.run_id, entries, self.table)
            self._entered = len(intake.entries)

    def forget_kept_out(self, entries: int) -> None:
        """What was entered beyond so many was rolled back."""
        self._entered = min(self._entered, entries)

    def publish(self, counts: Counts, key: Sequence[str]) -> None:
        """Note how far the run has come, in the transaction that others are about to see."""
        if self.journal:
            self.journal.publish(self._connection, self._info.run_id, self._token, counts, key)

    def finish(self, result: RunResult) -> None:
        """Note how the run ended."""
        if self.journal:
            self.journal.finish(self._connection, self._token, result)

    def watermark(self, source: str) -> str | None:
        """How far earlier runs of the task have read a plugin's source; in a dry run too."""
        if self._found is None:
            return None
        return watermark(self._connection, self._found, task=self._info.task, source=source)

    def keep_watermark(self, source: str, text: str) -> None:
        """Note how far it was read, in the transaction that commits the update."""
        if self.journal:
            keep_watermark(
                self._connection,
                self.journal.tables,
                run_id=self._info.run_id,
                task=self._info.task,
                source=source,
                text=text,
                now=self._info.as_of,
            )

    def expire_undo(self) -> None:
        """Let go of undo logs that are older than they need be."""
        if self.journal:
            days = self._job.undo_retention_days
            expire(self._connection, self.journal.tables, retention_days=days, now=self._info.as_of)

    def start_over(self) -> Published | None:
        """After the connection was lost: what of the run stands, by the journal's word. Its quarantine is emptied."""
        self._entered = 0
        if self.journal is None:
            return None
        return self.journal.start_over(self._connection, self._info.run_id, self._token)
