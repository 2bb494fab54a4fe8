"""One update under way: what it works with, and what it has come to so far. The steps themselves are elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates import reckoning, remarks
from validate_updates.chronicle import Chronicle
from validate_updates.context import CarriedTable, Context, RunInfo
from validate_updates.journal.rows import RunKind
from validate_updates.journal.tables import tables
from validate_updates.journal.writing import Published
from validate_updates.judging import Judges
from validate_updates.reading import GuardedReader
from validate_updates.rejected import Rejected
from validate_updates.result import Counts, RunResult, Verdict
from validate_updates.sources import source_title
from validate_updates.strategies import ALL_OR_NOTHING
from validate_updates.targets.names import SHAPE, qualified
from validate_updates.targets.plan import Plan, raw

if TYPE_CHECKING:
    from validate_updates.applying import PlanApplication
    from validate_updates.choosing import Choice
    from validate_updates.declarations import Moment
    from validate_updates.findings import Finding
    from validate_updates.intake import Intake
    from validate_updates.job import Job, Progress
    from validate_updates.manager import Plugins
    from validate_updates.observing import Observers
    from validate_updates.sources.base import Source
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable
    from validate_updates.units.tree import Tree


_SMALL_STEP = 2000
"""Positions of which memory can hold what a checkpoint needs; five batches may go behind one."""


def _carried(plan: Plan, tree: Tree | None) -> CarriedTable:
    """One table of the task, as validators see it."""
    stage = plan.stage
    return CarriedTable(
        target=plan.target,
        columns=stage.columns,
        staged=stage.table,
        planned=plan.table,
        carries=lambda name: stage.carries(name, stage.table.c[SHAPE]),
        pending=tree.filled_in(plan.target.name) if tree else frozenset(),
        links=stage.links,
    )


def written_tables(job: Job, tree: Tree | None) -> Sequence[str]:
    """Names of the tables that an update may write."""
    return [target.name for target in tree.written()] if tree else [job.table]


def run_info(job: Job, run_id: str) -> RunInfo:
    """What a run of this job is known by."""
    return RunInfo(
        run_id=run_id,
        task=job.task or job.table,
        source=source_title(job.source),
        as_of=job.as_of or datetime.now(UTC),
        dry_run=job.dry_run,
        kind=RunKind.REPLAY if job.replay else RunKind.UPDATE,
    )


class UnderWay:
    """The state that the steps share, and what they ask of it."""

    def __init__(
        self,
        job: Job,
        info: RunInfo,
        *,
        plugins: Plugins,
        choice: Choice,
        database: Database,
        connection: sa.Connection,
        target: TargetTable,
        observers: Observers,
        tree: Tree | None,
        progress: Progress,
    ) -> None:
        self.job = job
        self.plugins = plugins
        self.database = database
        self.connection = connection
        self.target = target
        self.observers = observers
        self.tree = tree
        """The tables, where records carry more than rows of one."""
        self.progress = progress
        self.strategy = plugins.strategy.item if plugins.strategy else ALL_OR_NOTHING
        self.started = monotonic()
        self.source: Source | None = None
        self.info = info
        self.chronicle = Chronicle(job, self.info, connection)
        journal_names = tables(job.journal_prefix, job.schema).names
        self.judges = Judges(plugins, database, connection, lambda: self._reader(journal_names))
        self.judges.keep(choice.findings)
        self.judges.keep_in_shadow(remarks.of_shadow(plugins, self.strategy.name))
        self.intake: Intake | None = None
        self.plan: Plan | None = None
        self.application: PlanApplication | None = None
        self.published = Published(Counts())
        """What others can see of the run already: written by an earlier attempt of it, or in groups."""
        self.visible: Counts | None = None
        """The counts at the last commit of a group; None where nothing was published."""
        self.visible_entries = 0
        """Of the quarantine, then."""
        self.alone = True
        """Whether nobody else can have written to the table since its rows were first counted."""
        self.new_lock = ExitStack()
        self.early: tuple[Finding, ...] = ()
        """What observers found at the beginning; it decides nothing."""
        self.timings: list[tuple[str, float]] = []
        self.result = RunResult(
            run_id=info.run_id,
            task=info.task,
            verdict=Verdict.FAILED,
            reason="",
            counts=Counts(),
            source=info.source,
            target=str(job.target),
            table=job.table,
            key=target.key,
            strategy=self.strategy.name,
            dry_run=job.dry_run,
            started_at=info.as_of,
            plugins=plugins.infos,
        )
        observers.result_so_far = lambda: self.result

    def begin(self) -> None:
        """A transaction in which the run is ours and nobody else changes the table."""
        self.begin_group()
        self.chronicle.fence()

    def begin_group(self) -> None:
        """The same for one more group of a run: whether it is still ours is asked before its commit, once."""
        at_once = self.strategy.at_once
        small_steps = not self.tree and at_once is not None and at_once <= _SMALL_STEP
        self.database.begin(self.connection, small_steps=small_steps)
        for target in self.targets():
            self.database.hold_still(self.connection, target)

    def targets(self) -> Sequence[TargetTable]:
        """The tables that records are compared with."""
        return [member.target for member in self.tree.members] if self.tree else [self.target]

    def places(self) -> Sequence[str]:
        """Every table that may be written, as it stands in a statement."""
        return [qualified(self.job.schema, table) for table in written_tables(self.job, self.tree)]

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """A stage begins; how long it takes is kept."""
        self.progress.stage(stage)
        started = monotonic()
        try:
            yield
        finally:
            self.timings.append((stage, monotonic() - started))

    def context(self, moment: Moment) -> Context:
        """What validators of this moment are called with."""
        intake, plan = self.staged(), self.planned()
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
            carries=lambda name: intake.stage.carries(name, intake.stage.table.c[SHAPE]),
            pending=self.tree.filled_in(self.target.name) if self.tree else frozenset(),
            links=intake.stage.links,
            tables={piece.target.name: _carried(piece, self.tree) for piece in plan.pieces},
        )

    def _reader(self, hidden: frozenset[str]) -> GuardedReader:
        return GuardedReader(self.database, self.connection, schema=self.job.schema, hidden=hidden)

    def planned_counts(self) -> Counts:
        """The counts as the plan has them, and what is published already."""
        return reckoning.planned(self.staged(), self.planned().counts, self.published.counts)

    def count_anew(self) -> None:
        """Say in the result what the plan comes to now."""
        self.result = replace(self.result, counts=self.planned_counts())

    def tell_planned(self) -> None:
        """Say so, and show some of the changes."""
        self.count_anew()
        self.result = replace(self.result, changes=self.planned().sample(self.job.samples))

    def rejected(self, finding: Finding, verdict: Verdict = Verdict.REJECTED) -> Rejected:
        """What to raise for a finding of our own that decides."""
        self.judges.findings.append(finding)
        return Rejected(finding.message, verdict)

    def row_count(self) -> int:
        """Rows that the table has now."""
        return int(self.connection.execute(sa.select(sa.func.count()).select_from(raw(self.target))).scalar_one())

    def transaction(self) -> sa.RootTransaction:
        """The transaction that is open."""
        transaction = self.connection.get_transaction()
        if transaction is None:
            raise AssertionError("asked for the transaction outside of one")
        return transaction

    def staged(self) -> Intake:
        """The source as it was taken in."""
        if self.intake is None:
            raise AssertionError("asked for the stage before there is one")
        return self.intake

    def planned(self) -> Plan:
        """The plan."""
        if self.plan is None:
            raise AssertionError("asked for the plan before there is one")
        return self.plan

    def applying(self) -> PlanApplication:
        """The plan being applied."""
        if self.application is None:
            raise AssertionError("asked for the application before there is one")
        return self.application
