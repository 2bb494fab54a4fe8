"""A table, records for it, and what a run in batches makes of both: a plain model, batch by batch."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.core.engine.target import Target, jsonl
from validate_updates import RunResult
from validate_updates.result import Counts

Row = tuple[str, int]
Rows = Mapping[int, Row]

SIZE = 50
"""Records in a batch."""
HOUR = 3600
"""``commit_seconds`` where groups are to have their full size however slow the machine is."""
TABLE = "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL, amount integer CHECK (amount >= 0))"


@dataclass(frozen=True)
class Scene:
    """A source of which half the keys are in the table already, with a few records of every kind that is kept out."""

    source: Path
    records: Sequence[Mapping[str, Any]]
    old: Rows

    @classmethod
    def of(cls, folder: Path, *, records: int) -> Scene:
        numbers = random.Random(7).sample(range(records * 2), records)
        every = records // 10
        made = [_record(place % every, number) for place, number in enumerate(numbers)]
        made += [{**record, "name": f"newer {record['id']}"} for record in made[5::every]]
        old = {number: (f"old {number}", number) for number in range(records)}
        return cls(jsonl(folder / "records.jsonl", made), made, old)

    def lay_out(self, target: Target) -> None:
        """The table as it was before any run, and no journal."""
        tables = (f"DROP TABLE IF EXISTS {name}" for name in target.all_tables())
        target.execute("DROP VIEW IF EXISTS update_metrics", *tables, TABLE)
        series = f"WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {len(self.old) - 1})"
        target.execute(f"INSERT INTO t {series} SELECT n, 'old ' || n, n FROM s")

    def model(self, before: Rows | None = None) -> Model:
        return Model(self.records, self.old if before is None else before)

    def update(
        self, target: Target, source: Any = None, *, publish: str = "progressive", groups_of: int = 20, **options: Any
    ) -> RunResult:
        """The update, in this process. ``groups_of``: batches that are published together."""
        settings = {"batch": {"publish": publish, "commit_batches": groups_of, "commit_seconds": HOUR}}
        return target.update(source or self.source, plugins=("batch",), settings=settings, **options)


def _record(place: int, number: int) -> dict[str, Any]:
    if place == 3:
        return {"id": number, "name": "refused by a check", "amount": -1}
    if place == 4:
        return {"id": number, "name": "of no use", "amount": "many"}
    if place == 6:
        return {"id": number, "name": f"old {number}", "amount": number}
    return {"id": number, "name": f"new {number} {'x' * 60}", "amount": number}


@dataclass(frozen=True)
class Model:
    """What one run does with ``records`` to a table that is ``before``."""

    records: Sequence[Mapping[str, Any]]
    before: Rows

    @cached_property
    def useless(self) -> list[int]:
        """Keys of records that no stage can hold."""
        return [record["id"] for record in self.records if isinstance(record["amount"], str)]

    @cached_property
    def wanted(self) -> dict[int, Row]:
        """What the source wants to be in the table."""
        usable = (record for record in self.records if not isinstance(record["amount"], str))
        return {record["id"]: (record["name"], record["amount"]) for record in usable}

    @cached_property
    def batches(self) -> list[list[int]]:
        """The keys of the plan, in the batches that they are written in."""
        keys = sorted(key for key, row in self.wanted.items() if self.before.get(key) != row)
        return [keys[start : start + SIZE] for start in range(0, len(keys), SIZE)]

    def refused(self, batches: int) -> list[int]:
        """Keys that the database refuses, of the first batches."""
        return [key for batch in self.batches[:batches] for key in batch if self.wanted[key][1] < 0]

    def written(self, batches: int) -> dict[int, Row]:
        """Rows of the first batches, without the refused ones."""
        keys = [key for batch in self.batches[:batches] for key in batch]
        return {key: self.wanted[key] for key in keys if self.wanted[key][1] >= 0}

    def table(self, batches: int) -> dict[int, Row]:
        """The table with the first batches in it."""
        return {**self.before, **self.written(batches)}

    @property
    def final(self) -> dict[int, Row]:
        """The table with all of them in it."""
        return self.table(len(self.batches))

    @property
    def bad(self) -> list[int]:
        """Keys of all the records that are kept out in the end."""
        return sorted(self.useless + self.refused(len(self.batches)))

    def counts(self, batches: int) -> Counts:
        """Of a run that ends after the first batches."""
        written = self.written(batches)
        inserted = sum(key not in self.before for key in written)
        kept_out = len(self.useless) + len(self.refused(batches))
        planned = sum(map(len, self.batches))
        return Counts(
            read=len(self.records),
            inserted=inserted,
            updated=len(written) - inserted,
            unchanged=len(self.wanted) - planned,
            duplicates=len(self.records) - len(self.useless) - len(self.wanted),
            quarantined=kept_out,
            rolled_back=planned - len(written) - len(self.refused(batches)),
        )


def table_of(target: Target) -> dict[int, Row]:
    return {key: (name, amount) for key, name, amount in target.rows("SELECT id, name, amount FROM t")}


def runs_of(target: Target) -> list[str]:
    """The ids of all runs in the journal, oldest first; none where there is no journal."""
    if "update_logs" not in target.all_tables():
        return []
    return [run_id for (run_id,) in target.rows("SELECT run_id FROM update_logs ORDER BY run_no")]


def told_truly(target: Target, model: Model, earlier: int = 0) -> int:
    """Compare all that the newest run has written with the model; how many batches of it stand.

    Every batch of the ledger is wholly in the table, and nothing else of the run is. ``earlier``: runs that the
    journal had before; where it has no more, the run was killed before its first line.
    """
    if len(runs_of(target)) == earlier:
        assert table_of(target) == model.before
        return 0
    story = target.story()
    of_run = f"WHERE run_id = '{story.run.run_id}'"
    stand = len(story.batches)

    assert table_of(target) == model.table(stand)
    expected = model.batches[:stand]
    assert [batch.batch_no for batch in story.batches] == list(range(1, stand + 1))
    assert [(batch.first_key, batch.last_key) for batch in story.batches] == [
        (f"id={keys[0]}", f"id={keys[-1]}") for keys in expected
    ]
    refused = [sum(model.wanted[key][1] < 0 for key in keys) for keys in expected]
    assert [batch.quarantined for batch in story.batches] == refused
    applied = [len(keys) - bad for keys, bad in zip(expected, refused, strict=True)]
    assert [batch.applied for batch in story.batches] == applied
    run_no = f"(SELECT run_no FROM update_logs {of_run})"
    undo = f"SELECT batch_no, count(*) FROM update_undo WHERE entry_no / 1099511627776 = {run_no} AND batch_no > 0"
    rows = target.rows(f"{undo} GROUP BY batch_no")
    undoable = {number: count for number, count in enumerate(applied, 1) if count}
    assert dict(rows) == undoable, "whatever stands can be taken back"

    kept_out = [json.loads(text)["id"] for (text,) in target.rows(f"SELECT record FROM update_quarantine {of_run}")]
    counts = story.run.counts
    assert counts.add_up
    if stand:
        assert sorted(kept_out) == sorted(model.useless + model.refused(stand))
        assert counts == model.counts(stand)
    else:  # what it met before the end is told, also where the database was asked in vain
        assert set(kept_out) <= set(model.bad)
        assert counts.quarantined == len(kept_out)
        assert counts.inserted == counts.updated == counts.deleted == 0
    return stand


def standing(target: Target) -> dict[str, int]:
    """How many batches stand of each run, by the ledger."""
    if "update_batches" not in target.all_tables():
        return {}
    return dict(target.rows("SELECT run_id, count(*) FROM update_batches WHERE state = 'committed' GROUP BY run_id"))


def open_entries(target: Target) -> list[int]:
    """Keys of the records in quarantine that nobody has dealt with."""
    rows = target.rows("SELECT record FROM update_quarantine WHERE state = 'open'")
    return sorted(json.loads(text)["id"] for (text,) in rows)
