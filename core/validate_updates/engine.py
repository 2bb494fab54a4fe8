"""The update, step by step: lock, preflight, stage, plan, judge, apply, judge, verdict, write it down, tell.

One connection does it all. The run is entered in the journal before anything is read. What it comes to is entered in
the transaction that commits the update, or, where the update does not stand, in one of its own after the rollback.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from validate_updates import backups, reckoning, remarks, signals
from validate_updates.application import UpdateRefused
from validate_updates.applying import PlanApplication
from validate_updates.backups.policy import BackupMode
from validate_updates.choosing import Choice, as_named, choose
from validate_updates.committing import ASKING_SECONDS, check_deferred
from validate_updates.concluding import fail, roll_back, stand, summed_up, taken_back, weigh
from validate_updates.declarations import Moment, Occasion
from validate_updates.errors import Interrupted, StateUncertain, TryLater, UpdateError, UsageError
from validate_updates.feeding import is_whole, opened, record_source
from validate_updates.findings import Severity
from validate_updates.intake import RowIntake
from validate_updates.job import Deletes, Job, Progress, Silent
from validate_updates.journal.run_id import new_run_id
from validate_updates.journal.tables import tables
from validate_updates.judging import ShadowEndedTransaction
from validate_updates.manager import Plugins, load
from validate_updates.modes import selected
from validate_updates.observing import Observers
from validate_updates.publishing import PublishingRun
from validate_updates.rejected import Rejected, because
from validate_updates.result import RunResult, Verdict
from validate_updates.sources import can_be_read_again
from validate_updates.targets import open_database
from validate_updates.targets.names import qualified
from validate_updates.targets.plan import Planned, duplicated_keys
from validate_updates.targets.reaching import reached, told
from validate_updates.targets.reflect import target_table
from validate_updates.targets.trouble import world_error
from validate_updates.underway import UnderWay, run_info, written_tables
from validate_updates.writing import LoggedWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import sqlalchemy as sa

    from validate_updates.context import RunInfo
    from validate_updates.findings import Finding
    from validate_updates.intake import Intake
    from validate_updates.sources.base import Source
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan
    from validate_updates.undo.capture import Capture
    from validate_updates.units.tree import Tree
    from validate_updates.writing import Writing


def execute(job: Job, progress: Progress | None = None, *, extra: Mapping[str, object] | None = None) -> RunResult:
    """Do one update. A rejected, failed or interrupted update is a result; what makes no sense is raised.

    ``extra``: plugins given as objects, by name. Raises ``UsageError`` (settings, plugins, table, key), ``LockHeld``,
    ``TargetError`` where the target cannot be reached, ``StateUncertain`` where the outcome cannot be told.
    """
    database = open_database(job.target)
    info = run_info(job, new_run_id(job.as_of or datetime.now(UTC)))
    observers, given = Observers(database, job, info), extra or {}
    with observers.told_of_what_breaks_off(lambda: _loaded(job, as_named(job, given), given)):
        return _execute(job, info, database=database, observers=observers, progress=progress or Silent(), extra=given)


def _refuse_own_tables(job: Job, names: Iterable[str]) -> None:
    for name in names:
        if name in tables(job.journal_prefix, job.schema).names:
            raise UsageError(f"the table {name} is the journal's own; an update cannot write it")


def _execute(
    job: Job,
    info: RunInfo,
    *,
    database: Database,
    observers: Observers,
    progress: Progress,
    extra: Mapping[str, object],
) -> RunResult:
    _refuse_own_tables(job, (job.table, *(table.name for table in job.tables)))
    with reached(database) as connection:
        with told(database, connection), database.transaction(connection, write=False):
            tree = _tree(database, connection, job)
            target = (
                tree.root.target
                if tree
                else target_table(database, connection, job.table, schema=job.schema, key=job.key)
            )
        written = written_tables(job, tree)
        _refuse_own_tables(job, written)
        places = [qualified(job.schema, table) for table in written]
        with database.lock(connection, run_id=info.run_id, tables=places, wait=job.wait):
            with told(database, connection), database.transaction(connection, write=False):
                choice = choose(job, connection, extra)
            plugins = _loaded(job, choice, extra)
            observers.are_those_of(plugins)
            record_source(job, plugins)  # one that is not there is told before anything is begun
            run = _Run(
                job,
                info,
                plugins=plugins,
                choice=choice,
                database=database,
                connection=connection,
                target=target,
                tree=tree,
                observers=observers,
                progress=progress,
            )
            run.to_its_end()
        run.tell_observers()
    return summed_up(run)


def _loaded(job: Job, choice: Choice, extra: Mapping[str, object]) -> Plugins:
    chosen = {one.name for one in selected(choice.plugins)}
    given = {name: code for name, code in extra.items() if name in chosen}
    return load(choice.plugins, job.plugin_settings, origins=job.origins, extra=given)


def _tree(database: Database, connection: sa.Connection, job: Job) -> Tree | None:
    """The tables of a job whose records carry more than rows of one."""
    if not job.tables:
        return None
    from validate_updates.units.tree import tree_of

    return tree_of(database, connection, job)


class _Run(UnderWay):
    """One update from the lock to the journal. Each step is a method, in the order of the module's first line."""

    def to_its_end(self) -> None:
        """Every way an update can go ends here, in a result that is written down."""
        with told(self.database, self.connection):
            self._enter()
        with self.new_lock:
            self._work_and_conclude()
            self._retire_backups()

    def tell_observers(self) -> None:
        """When the lock is given back: what they do may take its time."""
        for occasion in (Occasion.RECORDED, Occasion.TELL):
            found = self.observers.tell(occasion, self.connection, self.result, findings=self.result.findings)
            self.result = replace(self.result, findings=(*self.result.findings, *found))
            if self.observers.taken_back and self.result.verdict.stands:
                self.result = taken_back(self.result, self.observers.taken_back)

    def _work_and_conclude(self) -> None:
        try:
            self.early = self.observers.tell(Occasion.BEGIN, self.connection)
            if self.database.lost(self.connection):
                self._connect_again()  # for the lock: of itself the next statement would open a session without
            self._work()
        except Rejected as rejected:
            roll_back(self, rejected.verdict, rejected.reason)
        except Interrupted as stopped:
            self.result = replace(self.result, signum=stopped.signum)
            roll_back(self, Verdict.INTERRUPTED, stopped.message)
        except StateUncertain:
            raise
        except UsageError as error:
            roll_back(self, Verdict.FAILED, error.message)
            raise
        except UpdateError as error:
            self.result = replace(self.result, try_later=isinstance(error, TryLater))
            fail(self, error.message, error.hint, type(error).__name__)
        except self.database.errors as error:
            failure = world_error(self.database.trouble(error, self.connection))
            fail(self, failure.message, failure.hint, "TargetError")
        except Exception as error:
            fail(self, f"a defect of validate-updates ended the run [{type(error).__name__}]", "", "Defect")
            raise
        except BaseException:
            roll_back(self, Verdict.FAILED, "a second interrupt ended the run")
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
        """Stage and decide; where the connection is lost on the way, from the beginning, over a new one.

        So too, and without it, where a plugin in shadow has ended the transaction.
        """
        attempts = 1
        while True:
            try:
                self._stage()
                self._decide()
                return
            except StateUncertain:
                raise
            except ShadowEndedTransaction as fault:
                if not can_be_read_again(self.job.source):
                    raise
                self.judges.leave_out(fault.plugin)
                self.judges.keep_in_shadow([remarks.put_out(fault)])
                self._connect_again()
            except self.database.troubles as error:
                again = self.database.lost(self.connection) and can_be_read_again(self.job.source)
                if not again or attempts == _ATTEMPTS or isinstance(error, Interrupted):
                    raise
                attempts += 1
                self._connect_again()
                reason = error.message if isinstance(error, UpdateError) else type(error).__name__
                self.judges.keep([remarks.reconnected(reason, self.published.batches)])

    def _connect_again(self) -> None:
        """A new session and its lock; what stands of the run is asked of the journal, never remembered."""
        self.connection.invalidate()
        self.connection.rollback()
        if not self.database.is_sqlite:  # whose lock is a file, and stays
            tables, run_id = self.places(), self.info.run_id
            self.new_lock.enter_context(
                self.database.lock(self.connection, run_id=run_id, tables=tables, wait=ASKING_SECONDS)
            )
        with self.database.transaction(self.connection):
            stands = self.chronicle.start_over()
        if stands:
            self.published, self.visible, self.visible_entries = stands, stands.counts, 0
            self.alone = False
        else:  # what was counted before is of a time when others could still write
            self.result = replace(self.result, rows_before=None)
        self.plan = self.application = None

    # --- stage -------------------------------------------------------------------------------------------------------

    def _stage(self) -> None:
        with self.timed("stage"):
            with opened(self) as self.source:
                self.intake = self._new_intake(self.source)
                self.target = self.intake.target  # whatever happens from here on: the key is settled
                self.result = replace(self.result, key=self.target.key)
                self.intake.take_in(self.progress)
            self.judges.keep(self.intake.findings())

    def _new_intake(self, source: Source) -> Intake:
        if self.tree is None:
            return RowIntake(self.database, self.connection, self.target, source, self.job.unknown_columns)
        from validate_updates.units.intake import UnitIntake

        return UnitIntake(self.database, self.connection, self.tree, source, self.job.unknown_columns)

    # --- plan, judge, apply, judge -----------------------------------------------------------------------------------

    def _decide(self) -> None:
        self.begin()
        with self.timed("plan"):
            self._make_plan()
        with self.timed("judge"):
            self._keep_records_out()
            self._judge(Moment.PLAN)
        self._back_up()
        with self.timed("apply"):
            self._apply()
        with self.timed("verdict"):
            self._judge(Moment.RESULT)
            signals.check()
            weigh(self)
            stand(self)

    def _make_plan(self) -> None:
        for target in self.targets():
            twice = duplicated_keys(self.connection, target)
            if twice:
                raise self.rejected(remarks.ambiguous_key(target, twice), Verdict.REFUSED)
        intake = self.staged()
        if self.result.rows_before is None:
            self.result = replace(self.result, rows_before=self.row_count())
        plan = intake.plan(self.judges.keep)
        plan.compare()
        self.plan = plan
        if self.job.deletes.mode is Deletes.MISSING:
            self._plan_deletes(plan, intake)
        self.tell_planned()
        signals.check()

    def _plan_deletes(self, plan: Plan, intake: Intake) -> None:
        if intake.kept_out or not intake.staged:
            self.judges.findings.append(remarks.deletes_skipped(self.target, intake))
            return
        if not is_whole(self.source):
            self.judges.findings.append(remarks.deletes_make_no_sense(self.target, self.info.source))
            return
        plan.add_missing()
        deletes, policy = plan.counts.deletes, self.job.deletes
        allowed = min(policy.most_rows, (self.result.rows_before or 0) * policy.most_percent / 100)
        if deletes > allowed:
            self.tell_planned()
            raise self.rejected(remarks.too_many_deletes(self.target, deletes, policy.most_rows, policy.most_percent))

    def _keep_records_out(self) -> None:
        """Ask the validators of the moment ``records``; what they keep out is not in the plan that others judge."""
        if not any(owned.item.moment is Moment.RECORDS for owned in self.plugins.validators):
            return
        from validate_updates.records_kept_out import keep_records_out

        _heed(keep_records_out(self))

    def _judge(self, moment: Moment) -> None:
        context = self.context(moment)
        if moment is Moment.PLAN:
            self.judges.metrics.update(reckoning.of_records(context.counts))
        if moment is Moment.RESULT:
            self.judges.metrics["duration"] = monotonic() - self.started
        self.judges.measure(moment, context)
        _heed(self.judges.ask(moment, replace(context, metrics=dict(self.judges.metrics))))

    def _back_up(self) -> None:
        """Where backups are switched on: no verified backup, no first row."""
        wanted = self.job.backup.mode is BackupMode.BEFORE_UPDATE and not self.job.dry_run
        if not wanted or self.result.backup or not self.planned().positions:
            return  # after a lost connection the first attempt's backup is there
        with self.timed("backup"):
            made = backups.before_update(
                self.job.backup,
                self.database,
                tables=self.places(),
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
        plan = self.planned()
        self.application = PlanApplication(
            PublishingRun(self), self.database, self.connection, plan, self._writing(plan)
        )
        self.application.first_number = self.published.last_batch + 1
        if plan.positions or self.staged().kept_out:  # the strategy says how many may be kept out, also where all are
            try:
                self.strategy.apply(self.application)
            except UpdateRefused as refused:
                self.judges.keep(refused.findings)
                self.judges.metrics.update(reckoning.of_batches(self.application.ledger, self.published.batches))
                raise Rejected(because(refused.findings)) from refused
            check_deferred(self)
        if self.application.ledger.not_deleted.rows:
            self.judges.keep([remarks.rows_not_deleted(self.target, self.application.ledger.not_deleted)])
        plan.recount()
        self.count_anew()
        self.judges.metrics.update(reckoning.of_records(self.result.counts))
        self.judges.metrics.update(plan.metrics())
        self.judges.metrics.update(reckoning.of_batches(self.application.ledger, self.published.batches))
        self._recount(plan)

    def _writing(self, plan: Plan) -> Writing:
        captures = {piece.target.name: self._capture(piece) for piece in plan.pieces}
        if self.tree:
            from validate_updates.units.writing import unit_writer

            return unit_writer(self.database, self.connection, plan, captures)
        return LoggedWriter(self.database, self.connection, plan, captures[plan.target.name])

    def _capture(self, plan: Plan) -> Capture | None:
        journal = self.chronicle.journal
        if journal is None or self.job.undo_retention_days == 0 or not plan.positions:
            return None
        from validate_updates.undo.capture import Capture

        capture = Capture(
            self.database,
            self.connection,
            plan,
            journal.tables,
            run_id=self.info.run_id,
            table=self.chronicle.name_of(plan.target.name),
        )
        self.judges.keep(remarks.not_held(plan.target, table) for table in capture.lost)
        return capture

    # --- after the last batch ----------------------------------------------------------------------------------------

    def _recount(self, plan: Plan) -> None:
        if not plan.counts.size:
            after = self.row_count() if plan.positions else self.result.rows_before
            self.result = replace(self.result, rows_after=after)
            return
        counts = self.result.counts
        expected = (self.result.rows_before or 0) + counts.inserted + plan.rows_made() - counts.deleted
        if self._as_counted(plan):
            self.result = replace(self.result, rows_after=expected)
            return
        after = self.row_count()
        self.result = replace(self.result, rows_after=after)
        for piece in plan.pieces:
            landed = piece.landed()
            if landed != piece.counts:
                raise self.rejected(remarks.not_landed(piece.target, piece.counts, landed))
        if after != expected:
            self.judges.findings.append(remarks.other_rows(self.target, expected, after))

    def _as_counted(self, plan: Plan) -> bool:
        """Whether what the database counted as written is what stands: nobody else can have had a hand in it.

        Otherwise rows are looked up by key, and counted once more.
        """
        ledger = self.applying().ledger
        written = Planned(ledger.inserted, ledger.updated, ledger.deleted)
        return (
            self.alone
            and written == plan.counts
            and not any(self.database.may_divert_writes(self.connection, target) for target in self.targets())
        )


_ATTEMPTS = 3
"""How often an update is begun whose connection is lost."""


def _heed(findings: Iterable[Finding]) -> None:
    """Where validators found something critical, or a signal came meanwhile, the update goes no further."""
    critical = [finding for finding in findings if finding.severity is Severity.CRITICAL]
    signals.check()
    if critical:
        raise Rejected(because(critical))
