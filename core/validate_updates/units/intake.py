"""Taking in a source whose records carry children: every unit is staged whole, or kept out with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from validate_updates.findings import Finding
from validate_updates.intake import Intake, read_ahead
from validate_updates.job import UnknownColumns
from validate_updates.keeping_out import REFUSED
from validate_updates.loading import Loader
from validate_updates.records import as_text
from validate_updates.remarks import unknown_column
from validate_updates.result import KeptOut
from validate_updates.sources.base import Lines, Records
from validate_updates.units import remarks
from validate_updates.units.decoding import UnitDecoder
from validate_updates.units.keeping_out import entry_of, records_of, units_at
from validate_updates.units.plan import UnitPlan, unit_plan
from validate_updates.units.staging import Stages

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.context import BatchInfo
    from validate_updates.findings import KeepOut
    from validate_updates.job import Progress
    from validate_updates.shapes import Rows
    from validate_updates.sources.base import Block, Source
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.trouble import Trouble
    from validate_updates.units.plan import Unfit
    from validate_updates.units.tree import Tree


class UnitIntake(Intake):
    """The stages of one run, and what did not get into them. What is counted are records of the source."""

    def __init__(
        self, database: Database, connection: sa.Connection, tree: Tree, source: Source, unknown: UnknownColumns
    ) -> None:
        super().__init__()
        self._database = database
        self._connection = connection
        self._source = source
        self._unknown = unknown
        self._refused: dict[int, KeptOut] = {}
        self._group: Sequence[Block] = ()
        self.target = tree.root.target
        with database.transaction(connection, write=False):
            database.prepare_guard(connection)
            self._stages = Stages(database, connection, tree)
        self._decoder = UnitDecoder(tree, source, unknown, sqlite=database.is_sqlite)

    def take_in(self, progress: Progress) -> None:
        """Read the source to its end. Raises ``SourceError``, ``TargetError``, ``Interrupted``."""
        loaders = [
            Loader(self._database, self._connection, stage, self._refuse(number))
            for number, stage in enumerate(self._stages.stages)
        ]
        for group in read_ahead(self._source.blocks()):
            self._group = group
            rows: list[list[Rows]] = [[] for _ in loaders]
            for block in group:
                for part in self._decoder.decode(block):
                    if isinstance(part, KeptOut):
                        self._keep_out(part)
                    else:
                        rows[part[0]].append(part[1])
            for loader, some in zip(loaders, rows, strict=True):
                if some:
                    with loader.loading():
                        for one in some:
                            loader.add(one)
            self.staged = loaders[0].staged
            progress.advance(self.read)
        with self._database.transaction(self._connection, write=False):
            self.staged -= self._stages.remove(list(self._refused))
            self.duplicates = self._stages.settle()
        for entry in self._refused.values():
            self._keep_out(entry)
        self.staged -= self.duplicates

    def _refuse(self, table: int) -> Callable[[Rows, Trouble], None]:
        """What is told of a row that the database refuses to stage: its whole unit is kept out."""
        member = self._stages[table].member
        name = member.name

        def refuse(rows: Rows, trouble: Trouble) -> None:
            unit = int(rows.cells[0] if table else rows.cells[-1])
            place = self._source.place(unit)
            column = trouble.column if trouble.column in member.target.names else None  # not a cell of a natural key
            where = f"{name}.{column}: " if column else f"{name}: "
            self._refused[unit] = KeptOut(
                code="bad_value",
                message=f"{where}the database cannot hold it: {trouble.message} [{trouble.code}]",
                column=column,
                file=place.file,
                line=place.number,
                record=self._text_of(unit),
            )

        return refuse

    def _text_of(self, unit: int) -> str:
        """A record of the blocks that are being loaded, as it came."""
        for block in self._group:
            if isinstance(block, Lines) and 0 <= unit - block.first_seq < len(block.lines):
                return block.lines[unit - block.first_seq].decode()
            if isinstance(block, Records) and unit in block.seqs:
                return as_text(block.records[block.seqs.index(unit)])
        return ""

    # --- the plan ----------------------------------------------------------------------------------------------------

    def plan(self, notice: Callable[[Iterable[Finding]], None]) -> UnitPlan:
        """The plan of the units; those that refer to what is not there are kept out first."""
        for (table, shape), form in self._decoder.forms.items():
            self._stages[table].lists[shape] = frozenset(child.number for child in form.lists)
        plan = UnitPlan(self._database, self._connection, self._stages)
        self.stage = plan.views[0]
        self._keep_out_unfit(
            plan, notice, self._take_out_of_the_stages(plan)
        )  # so that none of them replaces a good one
        notice(self._settled(plan))
        self._keep_out_unfit(plan, notice, self._take_out_of_the_stages(plan))
        notice(remarks.first_of_several(plan.first_of_several()))
        return plan

    def _settled(self, plan: UnitPlan) -> Iterator[Finding]:
        """Of rows that share a key the last one counts, whatever record it came with."""
        for member, rows in plan.superseded():
            if rows and member.parent is None:
                self.duplicates += self._stages.remove(rows)
                self.staged -= len(rows)
                yield remarks.replaced(member.name, len(rows), ())
            elif rows:
                self._stages.remove_rows(member, rows)
                yield remarks.repeated(member.name, len(rows))
        plan.forget_removed()

    def keep_out_what_needs_them(self, plan: Plan, notice: Callable[[Iterable[Finding]], None]) -> None:
        """Units that refer to rows which only those kept out would have brought."""

        def take_out(units: Sequence[int]) -> None:
            plan.keep_out(units)
            plan.drop_kept_out()

        self._keep_out_unfit(plan, notice, take_out)

    def _take_out_of_the_stages(self, plan: UnitPlan) -> Callable[[Sequence[int]], None]:
        def take_out(units: Sequence[int]) -> None:
            self._stages.remove(units)
            plan.forget_removed()

        return take_out

    def _keep_out_unfit(
        self,
        plan: Plan,
        notice: Callable[[Iterable[Finding]], None],
        take_out: Callable[[Sequence[int]], None],
    ) -> None:
        """Keep out what refers to rows that are not there, until all that is left can be written."""
        unfit: list[Unfit] = []
        while found := unit_plan(plan).unfit():
            unfit += found
            self.keep_out_staged(self._entries(found))
            take_out(list({one.unit for one in found}))
        notice(remarks.unfit(unfit))

    def _entries(self, found: Sequence[Unfit]) -> Iterator[KeptOut]:
        reasons = {one.unit: one for one in reversed(found)}
        for unit, record in records_of(self._connection, self._stages, self._decoder.forms, list(reasons)):
            why = reasons[unit]
            place = self._source.place(unit)
            yield entry_of(record, self.target.key, place, code=why.code, message=why.message, column=why.column)

    def describe_each(self, plan: Plan, reasons: Sequence[KeepOut]) -> Iterable[KeptOut]:  # noqa: ARG002  # the base's
        """Read back from all the stages."""
        why = {reason.row: reason for reason in reasons}
        for unit, record in records_of(self._connection, self._stages, self._decoder.forms, list(why)):
            yield entry_of(
                record,
                self.target.key,
                self._source.place(unit),
                code=why[unit].code,
                message=why[unit].message,
                column=why[unit].column,
                constraint=why[unit].rule,
            )

    def describe(self, plan: Plan, batch: BatchInfo, reason: Finding) -> Iterable[KeptOut]:
        """Read back from all the stages."""
        units = units_at(plan, self._connection, batch)
        for unit, record in records_of(self._connection, self._stages, self._decoder.forms, units):
            yield entry_of(
                record,
                self.target.key,
                self._source.place(unit),
                code=reason.code,
                message=reason.message.removeprefix(REFUSED),
                column=reason.column,
                constraint=reason.expected or "" if reason.code == "record_refused" else "",
                batch=batch.number,
            )

    def findings(self) -> Iterator[Finding]:
        """What is to be said about the intake as a whole."""
        ignored = self._unknown is UnknownColumns.IGNORE
        targets = {stage.member.name: stage.member.target for stage in self._stages.stages}
        for (table, column), records in self._decoder.unknown.most_common():
            yield unknown_column(targets[table], column, records, ignored=ignored)
        if self.duplicates:
            yield remarks.replaced(self.target.name, self.duplicates, self._stages[0].superseded)
        for table, rows in self._decoder.repeated.items():
            yield remarks.repeated(table, rows)
