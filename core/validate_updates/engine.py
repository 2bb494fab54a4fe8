"""The update, step by step: lock, preflight, stage, plan, judge, apply, judge, verdict, write it down.

One connection does it all. The run is entered in the journal before anything is read. What it comes to is entered in
the transaction that commits the update, or, where the update does not stand, in one of its own after the rollback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates import backups, reckoning, remarks, signals
from validate_updates.application import UpdateRefused
from validate_updates.applying import PlanApplication
from validate_updates.backups.policy import BackupMode
from validate_updates.chronicle import Chronicle
from validate_updates.context import Context, RunInfo
from validate_updates.declarations import Moment
from validate_updates.errors import Interrupted, LockHeld, StateUncertain, TargetError, UpdateError, UsageError
from validate_updates.findings import Finding, Severity
from validate_updates.guard import VALIDATOR_FAILED
from validate_updates.intake import Intake
from validate_updates.job import Deletes, Job, Progress, Silent
from validate_updates.journal.rows import RunKind, RunState
from validate_updates.journal.run_id import new_run_id
from validate_updates.journal.tables import tables
from validate_updates.journal.writing import Published
from validate_updates.judging import Judges
from validate_updates.keeping_out import entries_of
from validate_updates.manager import load
from validate_updates.quarantine.closing import close_older
from validate_updates.reading import GuardedReader
from validate_updates.result import Counts, KeptOut, Publish, RunResult, Verdict
from validate_updates.sources import can_be_read_again, open_source, source_title
from validate_updates.strategies import ALL_OR_NOTHING
from validate_updates.summing_up import next_steps, reason_for, sections_of
from validate_updates.targets import open_database
from validate_updates.targets.names import ROW, SEQ, qualified
from validate_updates.targets.plan import Plan, Planned, duplicated_keys, raw
from validate_updates.targets.reflect import target_table
from validate_updates.targets.trouble import Blame, world_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from validate_updates.context import BatchInfo
    from validate_updates.manager import Plugins
    from validate_updates.sources.base import Source
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable
    from validate_updates.undo.capture import Capture


def execute(job: Job, progress: Progress | None = None, *, extra: Mapping[str, object] | None = None) -> RunResult:
    """Do one update. A rejected, failed or interrupted update is a result; what makes no sense is raised.

    ``extra``: plugins given as objects, by name. Raises ``UsageError`` (settings, plugins, table, key), ``LockHeld``,
    ``TargetError`` where the target cannot be reached, ``StateUncertain`` where the outcome cannot be told.
    """
    plugins = load(job.plugins, job.plugin_settings, origins=job.origins, extra=extra or {})
    database = open_database(job.target)
    run_id = new_run_id(job.as_of or datetime.now(UTC))
    if job.table in tables(job.journal_prefix, job.schema).names:
        raise UsageError(f"the table {job.table} is the journal's own; an update cannot write it")
    with _reached(database) as connection:
        with _explained(database, connection), database.transaction(connection, write=False):
            target = target_table(database, connection, job.table, schema=job.schema, key=job.key)
        with database.lock(connection, run_id=run_id, tables=[qualified(job.schema, job.table)], wait=job.wait):
            run = _Run(
                job,
                run_id=run_id,
                plugins=plugins,
                database=database,
                connection=connection,
                target=target,
                progress=progress or Silent(),
            )
            return run.to_its_end()


@contextmanager
def _reached(database: Database) -> Iterator[sa.Connection]:
    try:
        connection = database.engine.connect()
    except database.errors as error:
        original = getattr(error, "orig", error)
        code = getattr(original, "sqlite_errorname", None) or type(original).__name__
        raise TargetError(
            f"the target {database.url} cannot be reached [{code}]", hint="check the URL, the server and the password"
        ) from error
    with connection:
        yield connection


@contextmanager
def _explained(database: Database, connection: sa.Connection) -> Iterator[None]:
    """Errors of the driver before the run has begun, in our words: busy is for later, the rest is to be mended."""
    try:
        yield
    except database.errors as error:
        trouble = database.trouble(error, connection)
        failure = world_error(trouble)
        if trouble.blame is Blame.RETRY:
            raise LockHeld(failure.message, hint=failure.hint) from error
        raise failure from error


class _Run:
    """One update from the lock to the journal. Each step is a method, in the order of the module's first line."""

    def __init__(
        self,
        job: Job,
        *,
        run_id: str,
        plugins: Plugins,
        database: Database,
        connection: sa.Connection,
        target: TargetTable,
        progress: Progress,
    ) -> None:
        self.job = job
        self.plugins = plugins
        self.database = database
        self.connection = connection
        self.target = target
        self.progress = progress
        self.strategy = plugins.strategy.item if plugins.strategy else ALL_OR_NOTHING
        self.started = monotonic()
        now = job.as_of or datetime.now(UTC)
        self.source: Source | None = None
        self.info = RunInfo(
            run_id=run_id,
            task=job.task or job.table,
            source=source_title(job.source),
            as_of=now,
            dry_run=job.dry_run,
            kind=RunKind.REPLAY if job.replay else RunKind.UPDATE,
        )
        self.chronicle = Chronicle(job, self.info, connection)
        journal_names = tables(job.journal_prefix, job.schema).names
        self.judges = Judges(plugins, database, connection, lambda: self._reader(journal_names))
        self.intake: Intake | None = None
        self.plan: Plan | None = None
        self.application: PlanApplication | None = None
        self.published = Published(Counts())
        """What others can see of the run already: written by an earlier attempt of it, or in groups."""
        self.visible: Counts | None = None
        """The counts at the last commit of a group; None where nothing was published."""
        self.visible_entries = 0
        """Of the quarantine, then."""
        self.new_lock = ExitStack()
        self.timings: list[tuple[str, float]] = []
        self.result = RunResult(
            run_id=run_id,
            task=self.info.task,
            verdict=Verdict.FAILED,
            reason="",
            counts=Counts(),
            source=self.info.source,
            target=str(job.target),
            table=job.table,
            key=target.key,
            strategy=self.strategy.name,
            dry_run=job.dry_run,
            started_at=now,
            plugins=plugins.infos,
        )

    def to_its_end(self) -> RunResult:
        """Every way an update can go ends here, in a result that is written down."""
        with _explained(self.database, self.connection):
            self._enter()
        with self.new_lock:
            self._work_and_conclude()
            self._retire_backups()
        return self._summed_up()

    def _work_and_conclude(self) -> None:
        try:
            self._work()
        except _Rejected as rejected:
            self._roll_back(rejected.verdict, rejected.reason)
        except Interrupted as stopped:
            self.result = replace(self.result, signum=stopped.signum)
            self._roll_back(Verdict.INTERRUPTED, stopped.message)
        except StateUncertain:
            raise
        except UsageError as error:
            self._roll_back(Verdict.FAILED, error.message)
            raise
        except UpdateError as error:
            self._fail(error.message, error.hint, type(error).__name__)
        except self.database.errors as error:
            failure = world_error(self.database.trouble(error, self.connection))
            self._fail(failure.message, failure.hint, "TargetError")
        except BaseException:
            self._roll_back(Verdict.FAILED, "a defect of validate-updates, or a second interrupt, ended the run")
            raise

    def _enter(self) -> None:
        with self.database.transaction(self.connection, write=not self.job.dry_run):
            recovered = self.chronicle.begin(
                lock_is_on_table=not self.database.is_sqlite,
                strategy=self.strategy.name,
                plugins=self.plugins.infos,
            )
        self.result = replace(self.result, recovered=tuple(recovered))
        self.judges.keep(remarks.found_dead(run_id, batches) for run_id, batches in recovered.items())

    def _work(self) -> None:
        """Stage and decide; where the connection is lost on the way, from the beginning, over a new one."""
        troubles: tuple[type[Exception], ...] = (UpdateError, *self.database.errors)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._stage()
                self._decide()
                return
            except StateUncertain:
                raise
            except troubles as error:
                again = self.database.lost(self.connection) and can_be_read_again(self.job.source)
                if not again or attempt == _ATTEMPTS or isinstance(error, Interrupted):
                    raise
                self._connect_again(error)

    def _connect_again(self, error: Exception) -> None:
        """A new session and its lock; what stands of the run is asked of the journal, never remembered."""
        self.connection.invalidate()
        self.connection.rollback()
        table = qualified(self.job.schema, self.job.table)
        lock = self.database.lock(self.connection, run_id=self.info.run_id, tables=[table], wait=_ASKING_SECONDS)
        self.new_lock.enter_context(lock)
        with self.database.transaction(self.connection):
            stands = self.chronicle.start_over()
        if stands:
            self.published, self.visible, self.visible_entries = stands, stands.counts, 0
        reason = error.message if isinstance(error, UpdateError) else type(error).__name__
        self.judges.keep([remarks.reconnected(reason, self.published.batches)])
        self.plan = self.application = None

    # --- stage -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        self.progress.stage(stage)
        started = monotonic()
        try:
            yield
        finally:
            self.timings.append((stage, monotonic() - started))

    def _stage(self) -> None:
        with self._timed("stage"):
            self.source = open_source(self.job.source, self.job.source_format)
            self.intake = Intake(self.database, self.connection, self.target, self.source, self.job.unknown_columns)
            self.intake.take_in(self.progress)
            self.target = self.intake.target
            self.result = replace(self.result, key=self.target.key)
            self.judges.keep(self.intake.findings())

    # --- plan, judge, apply, judge -----------------------------------------------------------------------------------

    def _decide(self) -> None:
        self._begin()
        with self._timed("plan"):
            self._make_plan()
        with self._timed("judge"):
            self._judge(Moment.PLAN)
        self._back_up()
        with self._timed("apply"):
            self._apply()
        with self._timed("verdict"):
            self._judge(Moment.RESULT)
            signals.check()
            self._weigh()
            self._stand()

    def _begin(self) -> None:
        """A transaction in which the run is ours and nobody else changes the table."""
        self.database.begin(self.connection)
        self.chronicle.fence()
        self.database.hold_still(self.connection, self.target)

    def _make_plan(self) -> None:
        twice = duplicated_keys(self.connection, self.target)
        if twice:
            finding = remarks.ambiguous_key(self.target, twice)
            self.judges.findings.append(finding)
            raise _Rejected(finding.message, Verdict.REFUSED)
        intake = self._staged()
        if self.result.rows_before is None:
            self.result = replace(self.result, rows_before=self._row_count())
        plan = Plan(self.database, self.connection, self.target, intake.stage)
        plan.compare()
        self.plan = plan
        if self.job.deletes.mode is Deletes.MISSING:
            self._plan_deletes(plan, intake)
        self.result = replace(self.result, counts=self._planned_counts(), changes=plan.sample(self.job.samples))
        signals.check()

    def _plan_deletes(self, plan: Plan, intake: Intake) -> None:
        if intake.kept_out or not intake.staged:
            self.judges.findings.append(remarks.deletes_skipped(self.target, intake))
            return
        plan.add_missing()
        deletes, policy = plan.counts.deletes, self.job.deletes
        allowed = min(policy.most_rows, (self.result.rows_before or 0) * policy.most_percent / 100)
        if deletes > allowed:
            finding = remarks.too_many_deletes(self.target, deletes, policy.most_rows, policy.most_percent)
            self.judges.findings.append(finding)
            self.result = replace(self.result, counts=self._planned_counts(), changes=plan.sample(self.job.samples))
            raise _Rejected(finding.message)

    def _planned_counts(self) -> Counts:
        return reckoning.planned(self._staged(), self._planned().counts, self.published.counts)

    def _judge(self, moment: Moment) -> None:
        context = self._context(moment)
        if moment is Moment.PLAN:
            self.judges.metrics.update(reckoning.of_records(context.counts))
        self.judges.measure(moment, context)
        critical = _critical(self.judges.ask(moment, replace(context, metrics=dict(self.judges.metrics))))
        signals.check()
        if critical:
            raise _Rejected(_because(critical))

    def _context(self, moment: Moment) -> Context:
        intake, plan = self._staged(), self._planned()
        return Context(
            moment=moment,
            run=self.info,
            target=self.target,
            columns=intake.stage.columns,
            counts=self.result.counts,
            metrics=dict(self.judges.metrics),
            history=self.chronicle.history,
            db=self.judges.new_reader(),
            staged=intake.stage.table,
            planned=plan.table,
        )

    def _reader(self, hidden: frozenset[str]) -> GuardedReader:
        return GuardedReader(self.database, self.connection, schema=self.job.schema, hidden=hidden)

    def _back_up(self) -> None:
        """Where backups are switched on: no verified backup, no first row."""
        wanted = self.job.backup.mode is BackupMode.BEFORE_UPDATE and not self.job.dry_run
        if not wanted or self.result.backup or not self._planned().positions:
            return  # after a lost connection the first attempt's backup is there
        with self._timed("backup"):
            made = backups.before_update(
                self.job.backup,
                self.database,
                tables=[qualified(self.job.schema, self.job.table)],
                run_id=self.info.run_id,
                now=datetime.now(UTC),
            )
        self.result = replace(self.result, backup=made.name)

    def _retire_backups(self) -> None:
        if self.result.backup and self.chronicle.journal:
            now, journal = datetime.now(UTC), self.chronicle.journal.tables
            retired = backups.retire(self.job.backup, self.database, self.connection, journal, now=now)
            notes = tuple(remarks.backups_left(note) for note in retired.notes)
            self.result = replace(self.result, findings=(*self.result.findings, *notes))

    def _apply(self) -> None:
        plan = self._planned()
        self.application = PlanApplication(self, self.database, self.connection, plan, self._capture(plan))
        self.application.first_number = self.published.last_batch + 1
        if plan.positions:
            try:
                self.strategy.apply(self.application)
            except UpdateRefused as refused:
                self.judges.keep(refused.findings)
                raise _Rejected(_because(refused.findings)) from refused
            self._check_deferred()
        if self.application.ledger.not_deleted.rows:
            self.judges.keep([remarks.rows_not_deleted(self.target, self.application.ledger.not_deleted)])
        plan.recount()
        self.result = replace(self.result, counts=self._planned_counts())
        self.judges.metrics.update(reckoning.of_records(self.result.counts))
        self.judges.metrics.update(reckoning.of_batches(self.application.ledger, self.published.batches))
        self._recount(plan)

    def _capture(self, plan: Plan) -> Capture | None:
        journal = self.chronicle.journal
        if journal is None or not self.undoable or not plan.positions:
            return None
        from validate_updates.undo.capture import Capture

        capture = Capture(
            self.database,
            self.connection,
            plan,
            journal.tables.undo,
            run_id=self.info.run_id,
            table=self.chronicle.table,
        )
        self.judges.keep(remarks.not_held(self.target, table) for table in capture.lost)
        return capture

    # --- what the application asks of the run ------------------------------------------------------------------------

    @property
    def read(self) -> int:
        """Records of the source."""
        return self._staged().read

    @property
    def kept_out(self) -> int:
        """Records kept out so far."""
        return self._staged().kept_out

    @property
    def judges_batches(self) -> bool:
        """Whether any validator looks at batches."""
        return any(owned.item.moment is Moment.BATCH for owned in self.plugins.validators)

    @property
    def undoable(self) -> bool:
        """Whether the undo log is kept, or would be but for the dry run."""
        return self.job.undo_retention_days > 0

    def judge_batch(self, batch: BatchInfo) -> Sequence[Finding]:
        """Ask the validators of the moment ``batch``; one that failed refuses the update, and blames no record."""
        findings = self.judges.ask(Moment.BATCH, replace(self._context(Moment.BATCH), batch=batch))
        broken = [finding for finding in findings if finding.code == VALIDATOR_FAILED]
        if broken:
            raise UpdateRefused(broken)
        return findings

    def keep_out(self, entries: Iterable[KeptOut]) -> None:
        """Put staged records into quarantine."""
        self._staged().keep_out_staged(entries)

    def describe(self, batch: BatchInfo, reason: Finding) -> Iterable[KeptOut]:
        """The records of a batch as quarantine entries."""
        if self.source is None:
            raise AssertionError("asked for records before there is a source")
        return entries_of(self._planned(), self.connection, batch, reason, self.source.place)

    def note(self, finding: Finding) -> None:
        """Keep a finding for the result."""
        self.judges.keep([finding])

    def settled(self, position: int) -> None:
        """The plan is done up to this position."""
        self.progress.advance(position, self._planned().positions)
        if self._applying().ledger.waiting >= _LEDGER_ROWS:
            self._enter_batches()

    def publish(self) -> bool:
        """Commit what is settled, and begin anew; whether other programs may have changed the table in between."""
        if self.job.dry_run:
            return False
        self._check_deferred()
        ledger = self._applying().ledger
        counts = reckoning.so_far(self.result.counts, ledger, self.published.counts, self.kept_out)
        self._enter_batches()
        self._enter_batches_for_now()
        self.chronicle.enter_kept_out(self._staged())
        self.chronicle.publish(counts, self.target.key)
        before = self.database.state(self.connection)
        answered = self._commit(RunState.RUNNING, counts)
        self.result = replace(self.result, publish=Publish.PROGRESSIVE)
        self.visible, self.visible_entries = counts, len(self._staged().entries)
        if not answered:
            raise TargetError("the connection was lost during a commit, which stood", hint=_RUN_AGAIN)
        signals.check()
        self._begin()
        return before is None or before != self.database.state(self.connection)

    def _enter_batches(self) -> None:
        ledger = self._applying().ledger
        settled = ledger.take()
        self.chronicle.enter_batches(settled, self._planned(), replacing=ledger.replaces(settled))

    def _enter_batches_for_now(self) -> None:
        ledger = self._applying().ledger
        standing = ledger.take_for_now()
        replacing = ledger.replaces(standing, for_now=True)
        self.chronicle.enter_batches(standing, self._planned(), replacing=replacing)

    def _applying(self) -> PlanApplication:
        if self.application is None:
            raise AssertionError("asked for the application before there is one")
        return self.application

    # --- after the last batch ----------------------------------------------------------------------------------------

    def _check_deferred(self) -> None:
        try:
            self.database.check_deferred(self.connection)
        except self.database.errors as error:
            self._reject_as_commit_would(error)

    def _recount(self, plan: Plan) -> None:
        if not plan.counts.size:
            after = self._row_count() if plan.positions else self.result.rows_before
            self.result = replace(self.result, rows_after=after)
            return
        counts = self.result.counts
        expected = (self.result.rows_before or 0) + counts.inserted - counts.deleted
        if self._as_counted(plan):
            self.result = replace(self.result, rows_after=expected)
            return
        landed, after = plan.landed(), self._row_count()
        self.result = replace(self.result, rows_after=after)
        if landed != plan.counts:
            finding = remarks.not_landed(self.target, plan.counts, landed)
            self.judges.findings.append(finding)
            raise _Rejected(finding.message)
        if after != expected:
            self.judges.findings.append(remarks.other_rows(self.target, expected, after))

    def _as_counted(self, plan: Plan) -> bool:
        """Whether what the database counted as written is what stands: nobody else can have had a hand in it.

        Otherwise rows are looked up by key, and counted once more.
        """
        ledger = self._applying().ledger
        written = Planned(ledger.inserted, ledger.updated, ledger.deleted)
        alone = self.visible is None  # between two groups others may have written
        return alone and written == plan.counts and not self.database.may_divert_writes(self.connection, self.target)

    def place_of(self, position: int) -> str:
        """Where the record at a position came from."""
        plan, stage = self._planned(), self._staged().stage.table
        query = sa.select(stage.c[SEQ]).join(plan.table, plan.table.c.row == stage.c[ROW])
        seq = self.connection.execute(query.where(plan.table.c.pos == position, plan.table.c.action != "D")).scalar()
        return str(self.source.place(seq)) if self.source and seq is not None else "not in the source"

    def _row_count(self) -> int:
        return int(self.connection.execute(sa.select(sa.func.count()).select_from(raw(self.target))).scalar_one())

    def _staged(self) -> Intake:
        if self.intake is None:
            raise AssertionError("asked for the stage before there is one")
        return self.intake

    def _planned(self) -> Plan:
        if self.plan is None:
            raise AssertionError("asked for the plan before there is one")
        return self.plan

    # --- verdict -----------------------------------------------------------------------------------------------------

    def _weigh(self) -> None:
        """Where the job fails on warnings, they decide like critical findings, before the commit."""
        worst = self.job.fail_on.rank
        deciding = [finding for finding in self.judges.findings if finding.severity.rank >= worst]
        if deciding:
            raise _Rejected(_because(deciding))

    def _stand(self) -> None:
        """Everything agrees: enter the outcome in the same transaction, and commit both."""
        verdict = Verdict.COMMITTED_WITH_QUARANTINE if self.result.counts.quarantined else Verdict.COMMITTED
        self._conclude(verdict, "")
        if self.job.dry_run:
            self._transaction().rollback()
            return
        self._enter_batches()
        self._write_down(self._planned())
        self.chronicle.expire_undo()
        self._commit(RunState(self.result.verdict), self.result.counts)

    def _commit(self, state: RunState, counts: Counts) -> bool:
        """Commit what leaves the run in this state, with these counts.

        False where the answer was lost, and the journal says that the commit stood; where it did not, it raises.
        """
        try:
            self._transaction().commit()
        except Exception as error:  # noqa: BLE001  # sorted by what it means, as everything the driver raises
            self._commit_failed(error, {"state": state, **asdict(counts)})
            return False
        return True

    def _transaction(self) -> sa.RootTransaction:
        transaction = self.connection.get_transaction()
        if transaction is None:
            raise AssertionError("asked for the transaction outside of one")
        return transaction

    def _commit_failed(self, error: Exception, expected: Mapping[str, object]) -> None:
        trouble = self.database.trouble(error, self.connection)
        if trouble.blame is Blame.RECORD:
            self._reject_as_commit_would(error)
        lost = self.connection.invalidated or not trouble.transaction_alive
        if self.database.is_sqlite or not lost:
            raise world_error(trouble) from error
        if not self._stood_after_all(error, expected):
            raise TargetError(
                "the connection was lost during a commit, which did not stand", hint=_RUN_AGAIN
            ) from error

    def _stood_after_all(self, error: Exception, expected: Mapping[str, object]) -> bool:
        """Ask the journal, over a new connection, whether it has what a commit should have left whose answer was lost.

        Under the lock: only when the old session is gone is the answer final. Raises ``StateUncertain`` where the
        journal cannot be asked.
        """
        logs = tables(self.job.journal_prefix, self.job.schema).logs
        as_left = (logs.c[name] == value for name, value in expected.items())
        asked = sa.select(logs.c.state).where(logs.c.run_id == self.info.run_id, *as_left)
        table = qualified(self.job.schema, self.job.table)
        unasked: tuple[type[Exception], ...] = (*self.database.errors, UpdateError)
        try:
            self.connection.invalidate()
            with (
                self.database.connect() as fresh,
                self.database.lock(fresh, run_id=self.info.run_id, tables=[table], wait=_ASKING_SECONDS),
                self.database.transaction(fresh, write=False),
            ):
                stood = fresh.execute(asked).first() is not None
        except unasked:
            raise StateUncertain(
                f"the connection was lost during the commit of run {self.info.run_id}: it stood or it did not, wholly",
                hint=f"when the server is back: validate-updates runs show {self.info.run_id} (running: it did not)",
            ) from error
        return stood

    def _reject_as_commit_would(self, error: Exception) -> None:
        trouble = self.database.trouble(error, self.connection)
        if trouble.blame is not Blame.RECORD:
            raise world_error(trouble) from error
        finding = remarks.refused_at_the_end(self.target, trouble)
        self.judges.findings.append(finding)
        raise _Rejected(finding.message) from error

    def _fail(self, message: str, hint: str, code: str) -> None:
        self.judges.findings.append(remarks.failed(message, hint, code))
        self._roll_back(Verdict.FAILED, message)

    def _roll_back(self, verdict: Verdict, reason: str) -> None:
        self.database.abandon(self.connection)
        self.chronicle.forget_kept_out(self.visible_entries)
        if self.visible is None:
            counts = reckoning.rolled_back(self.result.counts, self.intake)
            self.result = replace(self.result, counts=counts, rows_after=self.result.rows_before)
        else:
            verdict = self._settle_published(verdict, self.visible)
        self._conclude(verdict, reason)
        if self.job.dry_run:
            return
        try:
            with self.database.transaction(self.connection):
                self._write_down(None)
        except self.database.errors as error:
            # The update is rolled back either way; the next run marks this one interrupted.
            unwritten = remarks.not_written_down(self.database.trouble(error, self.connection))
            self.result = replace(self.result, findings=(*self.result.findings, unwritten))

    def _settle_published(self, verdict: Verdict, visible: Counts) -> Verdict:
        """What others can see is taken back where the verdict is against it; else it stands, and the run says so."""
        if verdict is Verdict.REJECTED and self._taken_back():
            counts = reckoning.rolled_back(visible, self.intake)
            self.result = replace(self.result, counts=counts, rows_after=self.result.rows_before)
            return verdict
        if self.intake:
            self.intake.forget(entries=self.visible_entries, kept_out=visible.quarantined)
        self.judges.keep([remarks.stands_in_part(visible, self.info.run_id)])
        self.result = replace(self.result, counts=visible, rows_after=None)
        return Verdict.FAILED if verdict is Verdict.REJECTED else verdict

    def _taken_back(self) -> bool:
        from validate_updates.undo.rollback import Rollback, take_back

        if self.chronicle.journal is None:
            raise AssertionError("a dry run publishes nothing")
        wanted = Rollback(target=self.job.target, run=self.info.run_id, schema=self.job.schema)
        troubles: tuple[type[Exception], ...] = (TargetError, *self.database.errors)
        try:
            left = take_back(
                wanted, self.database, self.connection, self.chronicle.journal.tables, self.chronicle.fence
            )
        except troubles as error:
            self.database.abandon(self.connection)
            self.judges.keep([remarks.not_taken_back(self.info.run_id, type(error).__name__)])
            return False
        if left:
            self.judges.keep([remarks.left_by_others(self.info.run_id, left)])
        return True

    def _conclude(self, verdict: Verdict, reason: str) -> None:
        if self.intake:
            self.judges.keep(self.intake.overflow())
        self.result = replace(
            self.result,
            verdict=verdict,
            findings=tuple(sorted(self.judges.findings, key=lambda finding: -finding.severity.rank)),
            judged=tuple(self.judges.judged),
            metrics=dict(self.judges.metrics),
            kept_out=self.intake.sample if self.intake else (),
            troubled_batches=tuple(self.application.ledger.troubled) if self.application else (),
            timings=tuple(self.timings),
            seconds=monotonic() - self.started,
        )
        self.result = replace(self.result, reason=reason or reason_for(self.result))

    def _write_down(self, plan: Plan | None) -> None:
        """``plan`` is None where the update does not stand."""
        if self.intake:
            self.chronicle.enter_kept_out(self.intake)
            self._close_older(self.intake, plan)
        self.chronicle.finish(self.result)

    def _close_older(self, intake: Intake, plan: Plan | None) -> None:
        if self.chronicle.journal:
            close_older(
                self.connection,
                self.chronicle.journal.tables,
                self.database,
                run_id=self.info.run_id,
                table=self.chronicle.table,
                target=self.target,
                kept_out=intake.entries,
                plan=plan,
                replay=self.job.replay,
            )

    def _summed_up(self) -> RunResult:
        sections, findings = sections_of(self.plugins, self.result)
        result = replace(
            self.result,
            sections=sections,
            findings=(*self.result.findings, *findings),
            timings=tuple(self.timings),
        )
        return replace(result, next_steps=next_steps(result, self.job))


_RUN_AGAIN = "run the update again: it does what is not done yet"
_ATTEMPTS = 3
"""How often an update is begun whose connection is lost."""
_LEDGER_ROWS = 500
"""Batches entered into the ledger by one statement."""
_ASKING_SECONDS = 15.0
"""How long the server may take to notice that the old session is gone: its keepalive gives up after about 11 s."""


class _Rejected(Exception):  # an outcome, not a fault
    def __init__(self, reason: str, verdict: Verdict = Verdict.REJECTED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.verdict = verdict


def _critical(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.CRITICAL]


def _because(findings: Sequence[Finding]) -> str:
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{findings[0].message}{more}" if findings else "the strategy refused the update"
