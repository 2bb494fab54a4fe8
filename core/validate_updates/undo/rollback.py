"""Taking back a run: lock, look, take back what is still as the run left it, write it down.

All in one transaction; where the run was published in groups, in groups too, the last first. Each group removes its
entries from the undo log, so that whatever ends it, the same command goes on where it stopped.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from validate_updates import signals
from validate_updates._version import __version__
from validate_updates.errors import Interrupted, StateUncertain, TargetError, UpdateError
from validate_updates.journal.reading import show
from validate_updates.journal.rows import RunKind, RunRow
from validate_updates.journal.run_id import new_run_id
from validate_updates.journal.schema import find
from validate_updates.journal.tables import DEFAULT_PREFIX
from validate_updates.journal.undoing import Held, UndoLog
from validate_updates.journal.watermarks import take_back_watermarks
from validate_updates.journal.writing import Journal
from validate_updates.quarantine.closing import reopen
from validate_updates.result import Counts, Publish, RunResult, Verdict
from validate_updates.targets import open_database
from validate_updates.targets.names import qualified
from validate_updates.targets.reaching import reached, told
from validate_updates.targets.reflect import reflect
from validate_updates.targets.trouble import Blame, world_error
from validate_updates.text import counted
from validate_updates.undo.cells import broken_text_is_read
from validate_updates.undo.conflicts import conflicts
from validate_updates.undo.images import prepare_images
from validate_updates.undo.loaded import Loaded
from validate_updates.undo.remarks import findings, said
from validate_updates.undo.restoring import ALREADY, DONE, Restoring
from validate_updates.undo.result import SAMPLES, Conflict, Reason, RollbackResult
from validate_updates.undo.steps import Step
from validate_updates.undo.takeable import UPDATES, refuse, storable
from validate_updates.undo.together import take_back_all

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables
    from validate_updates.secret import SecretUrl
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable

GROUP: Final = 20
"""Batches taken back by one transaction, where the run was published in groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A run to take back."""

    target: SecretUrl
    run: str
    """Its id, the beginning of it, or ``last``."""
    task: str | None = None
    """Whose run ``last`` is; of any task unless given."""
    schema: str | None = None
    journal_prefix: str = DEFAULT_PREFIX
    retention_days: int = 30
    """How long undo logs are kept; to tell why one is gone."""
    wait: float = 0.0
    """Seconds to wait for another run's lock."""
    dry_run: bool = False
    """Find out what would come of it; nothing is written, not even into the journal."""
    force: bool = False
    """Take back also rows that are no longer what the run left: what others wrote to them since is lost."""
    as_of: datetime | None = None
    """Counts as now; the clock unless given. Aware."""
    asked_by: str = ""
    """Who asked for it and why, where no person typed it: for the journal."""


def roll_back(wanted: Rollback) -> RollbackResult:
    """Take back a run.

    Raises ``UsageError`` for a run that cannot be taken back, ``LockHeld``, ``TargetError`` where the database fails,
    ``Interrupted``. Of a run published in groups, what was taken back before that stays so.
    """
    database = open_database(wanted.target)
    with reached(database) as connection:
        return roll_back_over(wanted, database, connection)


def roll_back_over(wanted: Rollback, database: Database, connection: sa.Connection) -> RollbackResult:
    """The same over a connection that is there, and idle."""
    with broken_text_is_read(database, connection):
        with told(database, connection), database.transaction(connection, write=False):
            tables = find(connection, wanted.journal_prefix, wanted.schema)
            run = show(connection, tables, wanted.run, task=wanted.task).run
            if tables is None:
                raise AssertionError("a run without a journal")
            if run.kind not in UPDATES:
                raise refuse(run, now=run.started_at, retention_days=wanted.retention_days)
            log = UndoLog(connection, tables, run.run_id)
            places = [
                qualified(table.schema, table.name)
                for name in dict.fromkeys((run.table, *log.table_names()))
                for table in [reflect(connection, _bare(name, wanted.schema), wanted.schema)]
            ]
        run_id = new_run_id(wanted.as_of or datetime.now(UTC))
        with database.lock(connection, run_id=run_id, tables=places, wait=wanted.wait):
            return _Rollback(wanted, database, connection, tables=tables, parent=run.run_id, run_id=run_id).to_its_end()


def take_back(
    wanted: Rollback,
    database: Database,
    connection: sa.Connection,
    tables: JournalTables,
    fence: Callable[[], None],
) -> int:
    """Take back, under the lock that the run itself still holds, what it has published; rows left as they are.

    ``wanted.run``: its whole id. ``fence`` makes sure in each transaction that the run is still its process's own. It
    leaves no entry in the journal: what becomes of the run, the run says. Raises what the driver raises.
    """
    rollback = _Rollback(wanted, database, connection, tables=tables, parent=wanted.run, run_id=wanted.run)
    with broken_text_is_read(database, connection):
        return rollback.what_was_published(fence)


def _bare(table: str, schema: str | None) -> str:
    """A table as the journal names it, without the schema."""
    return table.removeprefix(f"{schema}.") if schema else table


@dataclass(frozen=True, slots=True)
class _Tally:
    """What became of entries."""

    numbers: Counter[str] = field(default_factory=Counter)
    samples: tuple[Conflict, ...] = ()

    @property
    def conflicts(self) -> int:
        """Rows left as they are."""
        return sum(self.numbers[reason] for reason in Reason)

    @property
    def taken(self) -> int:
        """Rows that are as before."""
        return sum(self.numbers[state] for state in (*Step, ALREADY))

    def __add__(self, other: _Tally) -> _Tally:
        return _Tally(self.numbers + other.numbers, (*self.samples, *other.samples)[:SAMPLES])


class _Rollback:
    """One roll-back under the lock."""

    def __init__(
        self,
        wanted: Rollback,
        database: Database,
        connection: sa.Connection,
        *,
        tables: JournalTables,
        parent: str,
        run_id: str,
    ) -> None:
        self.wanted = wanted
        self.database = database
        self.connection = connection
        self.tables = tables
        self.journal = Journal(tables)
        self.log = UndoLog(connection, tables, parent)
        self.run_id = run_id
        self.token = secrets.token_hex(16)
        self.now = wanted.as_of or datetime.now(UTC)
        self.started = monotonic()
        self.recovered: tuple[str, ...] = ()
        self.tally = _Tally()
        """What is committed."""

    def to_its_end(self) -> RollbackResult:
        """What is not raised is a result."""
        if self.wanted.dry_run:
            return self._tried()
        with told(self.database, self.connection), self.database.transaction(self.connection):
            run = self._look()
            groups = self._groups()
            self._begin(run)
        try:
            with self._explained():
                self._in_transactions(run, groups)
        except StateUncertain:
            raise
        except BaseException as error:
            self._enter_failure(run, error)
            raise
        return self._result(run, self.tally)

    def what_was_published(self, fence: Callable[[], None]) -> int:
        """See :func:`take_back`."""
        with self.database.transaction(self.connection, write=False):
            run = show(self.connection, self.tables, self.log.run_id).run
            groups = self._groups()
        for group in groups:
            with self.database.transaction(self.connection):
                fence()
                self.tally += self._group(run, group)
        return self.tally.conflicts

    def _tried(self) -> RollbackResult:
        """The same, rolled back at its end."""
        with self._explained():
            transaction = self.database.begin(self.connection)
            try:
                run = self._look()
                tally = sum((self._group(run, group) for group in self._groups()), _Tally())
            finally:
                transaction.rollback()
        return self._result(run, tally)

    def _look(self) -> RunRow:
        """The run to take back. Raises ``UsageError`` where nothing of it is held."""
        name = show(self.connection, self.tables, self.log.run_id).run.table
        table = None if self.database.is_sqlite else name
        self.recovered = self.journal.recover(self.connection, except_run=self.run_id, table=table)
        run = show(self.connection, self.tables, self.log.run_id).run
        if not self.log.anything():
            raise refuse(run, now=self.now, retention_days=self.wanted.retention_days)
        for table in self.log.table_names():
            self._storable(run, table)
        return run

    def _begin(self, run: RunRow) -> None:
        self.journal.start(
            self.connection,
            run_id=self.run_id,
            token=self.token,
            task=run.task,
            table=run.table,
            source=f"run {run.run_id}",
            started_at=self.now,
            strategy=_STRATEGY,
            plugins=(),
            tool_version=__version__,
            kind=RunKind.ROLLBACK,
            parent=run.run_id,
        )

    def _groups(self) -> Sequence[Held]:
        """What is taken back in one transaction each, the last first."""
        return self.log.held(GROUP if self.log.published_in_groups() else None)

    def _in_transactions(self, run: RunRow, groups: Sequence[Held]) -> None:
        for number, group in enumerate(groups, 1):
            signals.check()
            with self.database.transaction(self.connection):
                self.journal.fence(self.connection, self.run_id, self.token)
                tally = self.tally + self._group(run, group)
                if number == len(groups):
                    self._stand(run, tally)
                signals.check()
            self.tally = tally

    def _group(self, run: RunRow, batches: Held) -> _Tally:
        """Take back these batches, within the open transaction."""
        prepare_images(self.database, self.connection)
        restorings = [
            self._restoring(run, name, batches, number) for number, name in enumerate(self.log.table_names(batches))
        ]
        take_back_all(self.connection, restorings)
        tally = sum((self._tally_of(restoring) for restoring in restorings), _Tally())
        self.log.forget(batches, [restoring.settled() for restoring in restorings])
        for restoring in restorings:
            restoring.loaded.drop()
        return tally

    def _restoring(self, run: RunRow, name: str, batches: Held, number: int) -> Restoring:
        target, columns = self._storable(run, name)
        self.database.hold_still(self.connection, target)
        loaded = Loaded(self.database, self.connection, target, name=name, columns=columns, number=number)
        loaded.fill(self.log, batches)
        return Restoring(self.database, self.connection, loaded, force=self.wanted.force)

    def _storable(self, run: RunRow, name: str) -> tuple[TargetTable, tuple[str, ...]]:
        return storable(
            self.database,
            self.connection,
            _bare(name, self.wanted.schema),
            schema=self.wanted.schema,
            key=run.key if name == run.table else (),
            layout=self.log.layout(name),
            inserts=self.log.deleted_from(name),
        )

    def _tally_of(self, restoring: Restoring) -> _Tally:
        numbers = Counter({str(step): restoring.count(DONE, step) for step in Step})
        numbers.update({state: restoring.count(state) for state in (ALREADY, *map(str, Reason))})
        numbers[_ALTERED] = restoring.altered()
        return _Tally(numbers, tuple(conflicts(self.database, self.connection, restoring, SAMPLES)))

    # --- the journal -------------------------------------------------------------------------------------------------

    def _stand(self, run: RunRow, tally: _Tally) -> None:
        left = f", but for {counted(tally.conflicts, 'row')}" if tally.conflicts else ""
        if tally.taken or self.log.any_undone():
            if not self.log.mark_rolled_back(run.state, f"taken back by run {self.run_id}{left}{self._asked}"):
                raise StateUncertain(
                    f"run {run.run_id} has changed while it was taken back; nothing was changed",
                    hint=f"see what became of it: validate-updates runs show {run.run_id}",
                )
            reopen(self.connection, self.tables, run.run_id)
            take_back_watermarks(self.connection, self.tables, run.run_id)
        verdict = Verdict.COMMITTED_WITH_QUARANTINE if tally.conflicts else Verdict.COMMITTED
        self._finish(run, verdict, f"{said(run.run_id, tally.numbers, tally.conflicts)}{self._asked}", tally)

    @property
    def _asked(self) -> str:
        return f"; asked for by {self.wanted.asked_by}" if self.wanted.asked_by else ""

    def _enter_failure(self, run: RunRow, error: BaseException) -> None:
        self.database.abandon(self.connection)
        stopped = isinstance(error, Interrupted | KeyboardInterrupt)
        reason = error.message if isinstance(error, UpdateError) else "a defect of validate-updates ended it"
        with suppress(sa.exc.SQLAlchemyError, UpdateError), self.database.transaction(self.connection):
            self._finish(run, Verdict.INTERRUPTED if stopped else Verdict.FAILED, reason, self.tally)

    def _finish(self, run: RunRow, verdict: Verdict, reason: str, tally: _Tally) -> None:
        result = RunResult(
            run_id=self.run_id,
            task=run.task,
            verdict=verdict,
            reason=reason,
            counts=_counts(tally),
            source=f"run {run.run_id}",
            target=str(self.wanted.target),
            table=run.table,
            key=run.key,
            strategy=_STRATEGY,
            publish=Publish.PROGRESSIVE if self.log.published_in_groups() else Publish.AUDITED,
            started_at=self.now,
            seconds=monotonic() - self.started,
            findings=findings(run.run_id, tally.samples, tally.conflicts, tally.numbers[_ALTERED]),
        )
        self.journal.finish(self.connection, self.token, result)

    def _result(self, run: RunRow, tally: _Tally) -> RollbackResult:
        numbers = tally.numbers
        return RollbackResult(
            run_id=None if self.wanted.dry_run else self.run_id,
            taken_back=run.run_id,
            task=run.task,
            table=run.table,
            target=str(self.wanted.target),
            restored=numbers[Step.UPDATE],
            deleted=numbers[Step.DELETE],
            reinserted=numbers[Step.INSERT],
            already=numbers[ALREADY],
            conflicts=tally.conflicts,
            forceable=tally.conflicts - numbers[Reason.REFUSED],
            samples=tally.samples,
            altered=numbers[_ALTERED],
            recovered=() if self.wanted.dry_run else self.recovered,
            dry_run=self.wanted.dry_run,
            forced=self.wanted.force,
            seconds=monotonic() - self.started,
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of the driver, and what they mean here, in our words."""
        try:
            yield
        except Interrupted as stopped:
            stopped.hint = _AGAIN
            raise
        except self.database.errors as error:
            trouble = self.database.trouble(error, self.connection)
            if trouble.blame is Blame.RECORD:  # at the commit, where no row is to be found any more
                message = f"the database refuses the roll-back at its end: {trouble.message}"
                raise TargetError(message, hint="a trigger writes rows that refer to none") from error
            raise TargetError(world_error(trouble).message, hint=_AGAIN) from error
        except TargetError as error:
            error.hint = _AGAIN
            raise


_STRATEGY: Final = "rollback"
_ALTERED: Final = "altered"
_AGAIN: Final = "run the same command again: it goes on where it stopped"


def _counts(tally: _Tally) -> Counts:
    numbers = tally.numbers
    rows = numbers[Step.UPDATE] + numbers[Step.INSERT] + numbers[ALREADY] + tally.conflicts
    return Counts(
        read=rows,
        updated=numbers[Step.UPDATE],
        inserted=numbers[Step.INSERT],
        unchanged=numbers[ALREADY],
        quarantined=tally.conflicts,
        deleted=numbers[Step.DELETE],
    )
