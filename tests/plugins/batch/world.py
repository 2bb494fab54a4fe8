"""People with rules to break, a target that is updated in batches, and what has to be true after every update."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from tests.core.quarantine.world import World
from validate_updates import Counts, RunResult, Verdict
from validate_updates.journal.rows import BatchState

Record = dict[str, Any]

PEOPLE = """CREATE TABLE t (
    id integer PRIMARY KEY, email text UNIQUE, name text NOT NULL,
    age integer CONSTRAINT grown_up CHECK (age >= 18), boss integer REFERENCES t (id)
)"""
ANY_NUMBER: dict[str, Any] = {"max_failed_batches": "100 %", "max_quarantined": "100 %"}
"""A budget that nothing exceeds."""
STANDS = {Verdict.COMMITTED, Verdict.COMMITTED_WITH_QUARANTINE}


def person(number: int, **cells: Any) -> Record:
    return {"id": number, "email": f"{number}@example.org", "name": f"n{number}", "age": 40, "boss": None} | cells


def people(total: int, *, minors: Iterable[int] = ()) -> list[Record]:
    """Numbered from 1. A minor is a record that the database refuses."""
    records = [person(number) for number in range(1, total + 1)]
    for number in minors:
        records[number - 1]["age"] = 17
    return records


def row(record: Record) -> tuple[Any, ...]:
    return tuple(record.values())


def rows(records: Iterable[Record]) -> list[tuple[Any, ...]]:
    return sorted(map(row, records))


@dataclass(frozen=True, slots=True)
class Batched(World):
    """A target whose table ``t`` is updated in batches."""

    def apply(self, source: Any, *, options: Mapping[str, Any] | None = None, **settings: Any) -> RunResult:
        """Run an update with the plugin's ``settings``, and see to it that what it says of itself is true."""
        before = self.dump()
        result = self.update(source, plugins=("batch",), settings={"batch": settings}, **(options or {}))
        self.tells_the_truth(result)
        if result.verdict not in STANDS and result.publish == "audited":
            assert self.dump() == before, "nothing of an update that does not stand is left"
        return result

    def people(self) -> list[tuple[Any, ...]]:
        return sorted(self.rows("SELECT id, email, name, age, boss FROM t"))

    def tells_the_truth(self, result: RunResult) -> None:
        """The result, the journal's run, its batches, its quarantine and the table agree."""
        counts, story = result.counts, self.story(result.run_id)
        assert counts.add_up, counts
        assert min(_numbers(counts)) >= 0, counts
        assert story.run.counts == counts
        assert story.run.state.value == result.verdict.value
        assert story.kept_out_total == counts.quarantined
        if result.verdict in STANDS:
            assert self.rows("SELECT count(*) FROM t") == [(result.rows_after,)]
            assert [batch.batch_no for batch in story.batches] == [*range(1, len(story.batches) + 1)]
            written = counts.inserted + counts.updated + counts.deleted
            assert sum(batch.applied for batch in story.batches) == written
            of_batches = self.rows(
                f"SELECT count(*) FROM update_quarantine WHERE run_id = '{result.run_id}' AND batch_no IS NOT NULL"
            )
            assert of_batches == [(sum(batch.quarantined for batch in story.batches),)]
            assert story.metrics == result.metrics
            assert _batch_metrics(result) == _counted(story.batches)

    def kept_out_keys(self) -> list[str | None]:
        """Of the newest run, in the order of the quarantine."""
        run_id = self.story().run.run_id
        return [entry.kept.key for entry in self.entries(run_id=run_id)]

    def kept_out_records(self) -> list[Record]:
        run_id = self.story().run.run_id
        return [json.loads(entry.kept.record) for entry in self.entries(run_id=run_id)]


def _numbers(counts: Counts) -> Sequence[int]:
    parts = (counts.inserted, counts.updated, counts.unchanged, counts.duplicates)
    return (*parts, counts.quarantined, counts.rolled_back, counts.deleted)


def _batch_metrics(result: RunResult) -> dict[str, int]:
    names = ("planned", "succeeded", "failed", "isolated")
    return {name: int(result.metrics[f"batches.{name}"]) for name in names}


def _counted(batches: Sequence[Any]) -> dict[str, int]:
    failed = sum(batch.state is BatchState.FAILED for batch in batches)
    isolated = sum(batch.state is BatchState.COMMITTED and batch.quarantined > 0 for batch in batches)
    return {
        "planned": len(batches),
        "succeeded": len(batches) - failed - isolated,
        "failed": failed,
        "isolated": isolated,
    }


@dataclass(slots=True)
class Watch:
    """Progress that does something when a batch is settled, or when a stage is entered: ``act(stage, batches)``."""

    act: Callable[[str, int], None]
    stages: list[str] = field(default_factory=list)
    settled: int = 0

    def stage(self, name: str) -> None:
        self.stages.append(name)
        self.settled = 0
        self.act(name, 0)

    def advance(self, records: int, total: int | None = None) -> None:  # noqa: ARG002  # the protocol's
        if self.stages[-1] == "apply":
            self.settled += 1
            self.act("apply", self.settled)


@contextmanager
def between_groups(target: Batched, *statements: str, at: int = 1) -> Iterator[Watch]:
    """Another program writes when the ``at``-th group is committed, before the next begins."""
    committed = 0

    def meddle(_connection: object) -> None:
        nonlocal committed
        committed += 1
        if committed == at:
            target.execute(*statements)

    with on_begin(meddle) as watch:
        yield watch


@contextmanager
def on_begin(act: Callable[[object], None]) -> Iterator[Watch]:
    """Progress under which ``act`` is called before each transaction that begins once batches are written."""
    event = sa.Engine, "begin", act
    try:
        yield Watch(lambda stage, batches: sa.event.listen(*event) if (stage, batches) == ("apply", 1) else None)
    finally:
        if sa.event.contains(*event):
            sa.event.remove(*event)
