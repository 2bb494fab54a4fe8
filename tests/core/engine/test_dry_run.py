"""A dry run says what a real run would, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.core.engine.target import Target
from validate_updates import Context, Finding, Moment, RunResult, Severity, Validator, Verdict, hookimpl, plan
from validate_updates.job import DeletePolicy, Deletes

TABLE = (
    "CREATE TABLE t (id integer PRIMARY KEY, name text CHECK (name <> 'bad'))",
    "INSERT INTO t VALUES (1, 'same'), (2, 'old'), (3, 'gone')",
)
RECORDS: list[dict[str, Any]] = [
    {"id": 1, "name": "same"},
    {"id": 2, "name": "older"},
    {"id": 2, "name": "new"},
    {"id": 4, "name": "added"},
]
DELETING = DeletePolicy(mode=Deletes.MISSING, most_rows=5, most_percent=100)


class Watching:
    """A plugin that reports what it sees at each moment."""

    @hookimpl
    def vu_validators(self) -> Iterator[Validator]:
        for moment in Moment:
            yield Validator(name=f"at_{moment}", moment=moment, check=seen, summary="what there is")


def seen(context: Context) -> Iterator[Finding]:
    rows = context.db.scalar(sa.select(sa.func.count()).select_from(context.db.table("t")))
    yield Finding(code="rows", severity=Severity.INFO, message=f"{rows} rows at {context.moment}", observed=rows)


def essence(result: RunResult) -> tuple[Any, ...]:
    findings = [replace(finding, runs=()) for finding in result.findings]
    judged = [replace(one, seconds=0.0) for one in result.judged]
    numbers = {name: value for name, value in result.metrics.items() if name != "duration"}
    return result.verdict, result.counts, findings, judged, result.changes, result.kept_out, numbers, result.rows_after


def snapshot(target: Target) -> tuple[Any, ...]:
    """The whole database: of SQLite the very bytes."""
    content = target.path.read_bytes() if target.is_sqlite else target.dump()
    return content, target.all_tables()


def test_a_dry_run_says_what_the_real_one_then_does(target: Target) -> None:
    target.execute(*TABLE)
    before = snapshot(target)

    dry = target.judged(RECORDS, Watching(), dry_run=True, deletes=DELETING)

    assert snapshot(target) == before, "not even the journal's tables"
    assert dry.dry_run
    assert (dry.counts.inserted, dry.counts.updated, dry.counts.deleted) == (1, 1, 1)

    real = target.judged(RECORDS, Watching(), deletes=DELETING)

    assert essence(real) == essence(dry)
    assert sorted(target.rows("SELECT * FROM t")) == [(1, "same"), (2, "new"), (4, "added")]


def test_a_dry_run_of_a_bad_update_is_rejected_as_the_real_one(target: Target) -> None:
    target.execute(*TABLE)
    before = snapshot(target)
    records = [*RECORDS, {"id": 9, "name": "bad"}, {"id": "x"}]

    dry = target.judged(records, Watching(), dry_run=True)

    assert snapshot(target) == before
    assert dry.verdict is Verdict.REJECTED

    real = target.judged(records, Watching())

    assert essence(real) == essence(dry)


def test_a_dry_run_leaves_an_existing_journal_alone(target: Target) -> None:
    target.execute(*TABLE)
    target.update(RECORDS)
    before = snapshot(target)

    again = plan(RECORDS, target=target.url, table="t", plugins=())

    assert snapshot(target) == before
    assert again.counts.unchanged == 3
    assert target.states() == ["committed"]


def test_a_large_dry_run_leaves_the_file_as_it_was(sqlite: Target, tmp_path: Path) -> None:
    """More than the page cache holds: pages are written out early and have to come back."""
    sqlite.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    with sqlite.connect() as connection:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(number, "x" * 500) for number in range(8000)])
        connection.execute("COMMIT")
    before = sqlite.dump()

    result = sqlite.update(({"id": number, "name": "y" * 500} for number in range(8000)), dry_run=True)

    assert result.counts.updated == 8000
    assert sqlite.dump() == before
    assert sqlite.rows("PRAGMA integrity_check") == [("ok",)]
    assert [path.name for path in tmp_path.iterdir() if path.suffix not in {".db", ".lock"}] == []
