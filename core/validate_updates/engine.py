"""The update, step by step: lock, preflight, stage, plan, judge, apply, judge, verdict, write it down.

One connection does it all. The run is entered in the journal before anything is read. What it comes to is entered in
the transaction that commits the update, or, where the update does not stand, in one of its own after the rollback.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates import signals
from validate_updates._version import __version__
from validate_updates.application import UpdateRefused
from validate_updates.applying import PlanApplication
from validate_updates.context import Context, RunInfo
from validate_updates.declarations import Moment
from validate_updates.errors import Interrupted, LockHeld, StateUncertain, TargetError, UpdateError, UsageError
from validate_updates.findings import Finding, Severity
from validate_updates.guard import VALIDATOR_FAILED
from validate_updates.intake import Intake
from validate_updates.job import Deletes, Job, Progress, Silent
from validate_updates.journal.history import JournalHistory, NoHistory
from validate_updates.journal.run_id import new_run_id
from validate_updates.journal.schema import find, prepare
from validate_updates.journal.tables import tables
from validate_updates.journal.writing import Journal
from validate_updates.judging import Judges
from validate_updates.keeping_out import entries_of
from validate_updates.manager import load
from validate_updates.reading import GuardedReader
from validate_updates.result import Counts, KeptOut, Publish, RunResult, Verdict
from validate_updates.sources import open_source, source_title
from validate_updates.strategies import ALL_OR_NOTHING
from validate_updates.summing_up import next_steps, reason_for, sections_of
from validate_updates.targets import open_database
from validate_updates.targets.names import ROW, SEQ, qualified
from validate_updates.targets.plan import Plan, duplicated_keys, raw
from validate_updates.targets.reflect import target_table
from validate_updates.targets.trouble import Blame, world_error
from validate_updates.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from validate_updates.context import BatchInfo, History
    from validate_updates.journal.tables import JournalTables
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
        self.token = secrets.token_hex(16)
        self.journal: Journal | None = None
        self.history: History = NoHistory()
        now = job.as_of or datetime.now(UTC)
        self.source: Source | None = None
        self.info = RunInfo(
            run_id=run_id, task=job.task or job.table, source=source_title(job.source), as_of=now, dry_run=job.dry_run
        )
        journal_names = tables(job.journal_prefix, job.schema).names
        self.judges = Judges(plugins, database, connection, lambda: self._reader(journal_names))
        self.intake: Intake | None = None
        self.plan: Plan | None = None
        self.application: PlanApplication | None = None
        self.entered = 0
        """Quarantine entries that the journal has."""
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
            self._open_journal()
        try:
            self._stage()
            self._decide()
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
        return self._summed_up()

    # --- journal -----------------------------------------------------------------------------------------------------

    def _open_journal(self) -> None:
        job, connection = self.job, self.connection
        with self.database.transaction(connection, write=not job.dry_run):
            found: JournalTables | None
            if job.dry_run:
                found = find(connection, job.journal_prefix, job.schema)
            else:
                found = prepare(connection, job.journal_prefix, job.schema)
                self.journal = Journal(found)
                locked = None if self.database.is_sqlite else self._table_name()
                recovered = self.journal.recover(connection, except_run=self.info.run_id, table=locked)
                self.result = replace(self.result, recovered=recovered)
                self.journal.start(
                    connection,
                    run_id=self.info.run_id,
                    token=self.token,
                    task=self.info.task,
                    table=self._table_name(),
                    source=self.info.source,
                    started_at=self.result.started_at,
                    strategy=self.strategy.name,
                    plugins=self.plugins.infos,
                    tool_version=__version__,
                )
        if found is not None:
            self.history = JournalHistory(connection, found, task=self.info.task, except_run=self.info.run_id)
        for dead in self.result.recovered:
            self.judges.findings.append(_found_dead(dead))

    def _table_name(self) -> str:
        return f"{self.job.schema}.{self.job.table}" if self.job.schema else self.job.table

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
            self.judges.findings += self.intake.findings()

    # --- plan, judge, apply, judge -----------------------------------------------------------------------------------

    def _decide(self) -> None:
        self._begin()
        with self._timed("plan"):
            self._make_plan()
        with self._timed("judge"):
            self._judge(Moment.PLAN)
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
        if self.journal:
            self.journal.fence(self.connection, self.info.run_id, self.token)
        self.database.hold_still(self.connection, self.target)

    def _make_plan(self) -> None:
        twice = duplicated_keys(self.connection, self.target)
        if twice:
            finding = _ambiguous_key(self.target, twice)
            self.judges.findings.append(finding)
            raise _Rejected(finding.message, Verdict.REFUSED)
        intake = self._staged()
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
            self.judges.findings.append(_deletes_skipped(self.target, intake))
            return
        plan.add_missing()
        deletes, policy = plan.counts.deletes, self.job.deletes
        allowed = min(policy.most_rows, (self.result.rows_before or 0) * policy.most_percent / 100)
        if deletes > allowed:
            finding = _too_many_deletes(self.target, deletes, policy.most_rows, policy.most_percent)
            self.judges.findings.append(finding)
            self.result = replace(self.result, counts=self._planned_counts(), changes=plan.sample(self.job.samples))
            raise _Rejected(finding.message)

    def _planned_counts(self) -> Counts:
        intake, planned = self._staged(), self._planned().counts
        return Counts(
            read=intake.read,
            inserted=planned.inserts,
            updated=planned.updates,
            unchanged=intake.staged - planned.inserts - planned.updates,
            duplicates=intake.duplicates,
            quarantined=intake.kept_out,
            deleted=planned.deletes,
        )

    def _judge(self, moment: Moment) -> None:
        context = self._context(moment)
        if moment is Moment.PLAN:
            self.judges.metrics.update(_own_metrics(context.counts))
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
            history=self.history,
            db=self.judges.new_reader(),
            staged=intake.stage.table,
            planned=plan.table,
        )

    def _reader(self, hidden: frozenset[str]) -> GuardedReader:
        return GuardedReader(self.database, self.connection, schema=self.job.schema, hidden=hidden)

    def _apply(self) -> None:
        plan = self._planned()
        self.application = PlanApplication(self, self.database, self.connection, plan, self._capture(plan))
        if plan.positions:
            try:
                self.strategy.apply(self.application)
            except UpdateRefused as refused:
                self.judges.keep(refused.findings)
                raise _Rejected(_because(refused.findings)) from refused
            self._check_deferred()
        plan.recount()
        self.result = replace(self.result, counts=self._planned_counts())
        self.judges.metrics.update(_metrics_of(self.result.counts, self.application))
        self._recount(plan)

    def _capture(self, plan: Plan) -> Capture | None:
        if self.journal is None or not self.job.undo_retention_days or not plan.positions:
            return None
        from validate_updates.undo.capture import Capture

        undo = self.journal.tables.undo
        return Capture(self.database, self.connection, plan, undo, run_id=self.info.run_id, table=self._table_name())

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
        if self.application and self.application.ledger.waiting >= _LEDGER_ROWS:
            self._enter_batches()

    def publish(self) -> bool:
        """Commit what is settled, and begin anew; whether other programs may have changed the table in between."""
        if self.journal is None:
            return False
        self._check_deferred()
        self.result = replace(self.result, publish=Publish.PROGRESSIVE)
        self._enter_batches()
        self._enter_kept_out(self.journal)
        self.journal.publish(self.connection, self.info.run_id, self.token, self._counts_so_far())
        before = self.database.state(self.connection)
        self._commit()
        signals.check()
        self._begin()
        return before is None or before != self.database.state(self.connection)

    def _counts_so_far(self) -> Counts:
        """As if the run ended here: what is not written counts as rolled back."""
        planned, written = self._planned_counts(), self._application().ledger
        left = planned.inserted - written.inserted + planned.updated - written.updated
        return replace(
            planned,
            inserted=written.inserted,
            updated=written.updated,
            deleted=written.deleted,
            rolled_back=max(left, 0),
        )

    def _enter_batches(self) -> None:
        waiting = self._application().ledger.take()
        if self.journal is None or not waiting:
            return
        ends = {position for settled in waiting for position in (settled.info.first, settled.info.last)}
        keys = self._planned().keys_at(sorted(ends))
        now = datetime.now(UTC)
        rows = [one.row(keys.get(one.info.first, ""), keys.get(one.info.last, ""), now) for one in waiting]
        self.journal.batches(self.connection, self.info.run_id, rows)

    def _enter_kept_out(self, journal: Journal) -> None:
        entries = self._staged().entries
        journal.quarantine(self.connection, self.info.run_id, entries[self.entered :], self._table_name())
        self.entered = len(entries)

    def _application(self) -> PlanApplication:
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
            self.result = replace(self.result, rows_after=self.result.rows_before)
            return
        landed, after = plan.landed(), self._row_count()
        self.result = replace(self.result, rows_after=after)
        if landed != plan.counts:
            finding = _not_landed(self.target, plan, landed)
            self.judges.findings.append(finding)
            raise _Rejected(finding.message)
        expected = (self.result.rows_before or 0) + landed.inserts - landed.deletes
        if after != expected:
            self.judges.findings.append(_other_rows(self.target, expected, after))

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
        if self.journal is None:
            self._transaction().rollback()
            return
        self._enter_batches()
        self._write_down(self.journal)
        self._commit()

    def _commit(self) -> None:
        try:
            self._transaction().commit()
        except Exception as error:  # noqa: BLE001  # sorted by what it means, as everything the driver raises
            self._commit_failed(error)

    def _transaction(self) -> sa.RootTransaction:
        transaction = self.connection.get_transaction()
        if transaction is None:
            raise AssertionError("asked for the transaction outside of one")
        return transaction

    def _commit_failed(self, error: Exception) -> None:
        trouble = self.database.trouble(error, self.connection)
        if trouble.blame is Blame.RECORD:
            self._reject_as_commit_would(error)
        lost = self.connection.invalidated or not trouble.transaction_alive
        if self.database.is_sqlite or not lost:
            raise world_error(trouble) from error
        if not self._stood_after_all(error):
            raise TargetError(
                "the connection was lost during the commit, which did not stand",
                hint="run the update again; nothing was changed",
            ) from error

    def _stood_after_all(self, error: Exception) -> bool:
        """Ask the journal, over a new connection, whether a commit stood whose answer was lost.

        Under the lock: only when the old session is gone is the answer final. Raises ``StateUncertain`` where the
        journal cannot be asked.
        """
        logs = tables(self.job.journal_prefix, self.job.schema).logs
        asked = sa.select(logs.c.state).where(logs.c.run_id == self.info.run_id)
        table = qualified(self.job.schema, self.job.table)
        unasked: tuple[type[Exception], ...] = (*self.database.errors, UpdateError)
        try:
            self.connection.invalidate()
            with (
                self.database.connect() as fresh,
                self.database.lock(fresh, run_id=self.info.run_id, tables=[table], wait=_ASKING_SECONDS),
                self.database.transaction(fresh, write=False),
            ):
                state = fresh.execute(asked).scalar()
        except unasked:
            raise StateUncertain(
                f"the connection was lost during the commit of run {self.info.run_id}: it stood or it did not, wholly",
                hint=f"when the server is back: validate-updates runs show {self.info.run_id} (running: it did not)",
            ) from error
        return state == self.result.verdict

    def _reject_as_commit_would(self, error: Exception) -> None:
        trouble = self.database.trouble(error, self.connection)
        if trouble.blame is not Blame.RECORD:
            raise world_error(trouble) from error
        finding = Finding(
            code="record_refused",
            severity=Severity.CRITICAL,
            message=f"the database refused the update at its end: {trouble.message}",
            table=self.target.name,
            column=trouble.column,
            expected=trouble.constraint or None,
            hint="a constraint that is checked at the commit is violated; mend the records",
        )
        self.judges.findings.append(finding)
        raise _Rejected(finding.message) from error

    def _fail(self, message: str, hint: str, code: str) -> None:
        self.judges.findings.append(
            Finding(code=f"run_failed.{code}", severity=Severity.CRITICAL, message=message, hint=hint)
        )
        self._roll_back(Verdict.FAILED, message)

    def _roll_back(self, verdict: Verdict, reason: str) -> None:
        self.database.abandon(self.connection)
        counts = _rolled_back(self.result.counts, self.intake)
        self.result = replace(self.result, counts=counts, rows_after=self.result.rows_before)
        self._conclude(verdict, reason)
        if self.journal is None:
            return
        try:
            with self.database.transaction(self.connection):
                self._write_down(self.journal)
        except sa.exc.SQLAlchemyError as error:
            # The update is rolled back either way; the next run marks this one interrupted.
            trouble = self.database.trouble(error, self.connection)
            note = f"the outcome could not be written to the journal: {trouble.message}"
            unwritten = Finding(code="journal_not_written", severity=Severity.WARNING, message=note)
            self.result = replace(self.result, findings=(*self.result.findings, unwritten))

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

    def _write_down(self, journal: Journal) -> None:
        if self.intake:
            self._enter_kept_out(journal)
        journal.finish(self.connection, self.token, self.result)

    def _summed_up(self) -> RunResult:
        sections, findings = sections_of(self.plugins, self.result)
        result = replace(
            self.result,
            sections=sections,
            findings=(*self.result.findings, *findings),
            timings=tuple(self.timings),
        )
        return replace(result, next_steps=next_steps(result, self.job))


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


def _rolled_back(counts: Counts, intake: Intake | None) -> Counts:
    """The counts of an update that did not stand: what was written, or would have been, is rolled back."""
    if intake is None:
        return Counts()
    if not counts.read:  # ended before there was a plan
        return Counts(
            read=intake.read, duplicates=intake.duplicates, quarantined=intake.kept_out, rolled_back=intake.staged
        )
    undone = counts.rolled_back + counts.inserted + counts.updated
    return replace(counts, inserted=0, updated=0, deleted=0, rolled_back=undone)


def _own_metrics(counts: Counts) -> dict[str, float]:
    names = ("read", "inserted", "updated", "unchanged", "duplicates", "quarantined", "deleted")
    return {f"records.{name}": float(getattr(counts, name)) for name in names}


def _metrics_of(counts: Counts, application: PlanApplication) -> dict[str, float]:
    """What became of records and batches: known once all are applied."""
    ledger = application.ledger
    batches = {
        "planned": ledger.settled,
        "succeeded": ledger.settled - ledger.failed - ledger.isolated,
        "failed": ledger.failed,
        "isolated": ledger.isolated,
    }
    return {**_own_metrics(counts), **{f"batches.{name}": float(number) for name, number in batches.items()}}


def _found_dead(run_id: str) -> Finding:
    return Finding(
        code="earlier_run_interrupted",
        severity=Severity.INFO,
        message=f"the earlier run {run_id} ended without a word; nothing of it was kept",
        hint=f"validate-updates runs show {run_id}",
        runs=(run_id,),
    )


def _ambiguous_key(target: TargetTable, keys: Sequence[str]) -> Finding:
    return Finding(
        code="key_not_unique",
        severity=Severity.CRITICAL,
        message=f"the key does not tell the rows of {target.name} apart: {keys[0]} is there twice",
        table=target.name,
        samples=tuple(keys),
        hint="choose another --key, or remove the duplicates and add a unique constraint",
    )


def _deletes_skipped(target: TargetTable, intake: Intake) -> Finding:
    lost = intake.kept_out
    why = f"{counted(lost, 'record')} could not be staged" if lost else "the source has no records"
    return Finding(
        code="deletes_skipped",
        severity=Severity.WARNING,
        message=f"nothing was deleted: {why}, so it is not known which rows are missing",
        table=target.name,
    )


def _too_many_deletes(target: TargetTable, deletes: int, rows: int, percent: float) -> Finding:
    return Finding(
        code="too_many_deletes",
        severity=Severity.CRITICAL,
        message=f"{counted(deletes, 'row')} of {target.name} missing in the source would be deleted",
        table=target.name,
        observed=deletes,
        expected=f"at most {rows} rows and {percent:g} % of the table",
        hint="if this is right, raise max_deletes and max_deletes_percent for this run",
    )


def _not_landed(target: TargetTable, plan: Plan, landed: object) -> Finding:
    return Finding(
        code="rows_not_landed",
        severity=Severity.CRITICAL,
        message=f"after writing, {target.name} does not have the rows planned; a trigger may have removed some",
        table=target.name,
        observed=str(landed),
        expected=str(plan.counts),
        hint="look at the triggers of the table",
    )


def _other_rows(target: TargetTable, expected: int, after: int) -> Finding:
    return Finding(
        code="other_rows_changed",
        severity=Severity.WARNING,
        message=f"{target.name} has {after} rows, not {expected}: triggers or cascades added or removed some",
        table=target.name,
        observed=after,
        expected=str(expected),
    )
