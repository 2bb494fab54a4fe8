"""The law of the engine: for any table and any records the update does what a plain model in Python says, and the same
source again does nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.core.engine.target import Target, quoted
from tests.strategies import ColumnPlan, Row, World, as_kept, worlds
from validate_updates import Counts, Kind, Verdict

one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True, slots=True)
class Expected:
    """What the model says."""

    rows: list[Row]
    counts: Counts
    written: list[str]
    refused: bool


def model(world: World) -> Expected:
    """The update in a few lines of plain Python."""
    good = [record.kept for record in world.records if record.kept is not None]
    last = {_key(world, kept): kept for kept in good}
    before = {_key(world, row): row for row in world.rows}
    absent = {column.name: column.when_absent for column in world.columns}
    after = {key: {**before.get(key, absent), **kept} for key, kept in last.items()}
    changed = {key: row for key, row in after.items() if row != before.get(key)}
    inserted = len(changed.keys() - before.keys())
    needed = [column.name for column in world.columns if column.rule != "nullable"]
    refused = any(row[name] is None for row in changed.values() for name in needed)
    return Expected(
        rows=list((before if refused else before | changed).values()),
        counts=Counts(
            read=len(world.records),
            inserted=0 if refused else inserted,
            updated=0 if refused else len(changed) - inserted,
            unchanged=len(last) - len(changed),
            duplicates=len(good) - len(last),
            quarantined=len(world.records) - len(good),
            rolled_back=len(changed) if refused else 0,
        ),
        written=[] if refused else ["INSERT"] * inserted + ["UPDATE"] * (len(changed) - inserted),
        refused=refused,
    )


def _key(world: World, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in world.key)


@one_database
@given(world=worlds(), lines=st.booleans(), without_rowid=st.booleans())
def test_an_update_does_what_the_model_says_and_the_same_again_does_nothing(
    target: Target, tmp_path: Path, world: World, *, lines: bool, without_rowid: bool
) -> None:
    make(target, world, without_rowid=without_rowid)
    expected = model(world)
    records = [record.raw for record in world.records]
    source = as_lines(tmp_path, records) if lines else records

    first = target.update(source, key=world.key)

    assert first.verdict is verdict(expected), first.reason
    assert first.counts == expected.counts
    assert first.counts.add_up
    assert same(contents(target, world), expected.rows)
    assert target.written() == expected.written

    again = target.update(source, key=world.key)

    assert again.verdict is first.verdict
    if not expected.refused:
        assert (again.counts.inserted, again.counts.updated) == (0, 0)
        assert again.counts.add_up
    assert target.written() == []
    assert same(contents(target, world), expected.rows)


def make(target: Target, world: World, *, without_rowid: bool) -> None:
    """The table ``t`` of a world, with its rows, watched."""
    columns = [f"{quoted(column.name)} {declared(column, sqlite=target.is_sqlite)}" for column in world.columns]
    key = ", ".join(map(quoted, world.key))
    tail = " WITHOUT ROWID" if without_rowid and target.is_sqlite else ""
    target.execute("DROP TABLE IF EXISTS t", f"CREATE TABLE t ({', '.join(columns)}, PRIMARY KEY ({key})){tail}")
    target.insert(
        "t", [tuple(as_stored(target, column, row[column.name]) for column in world.columns) for row in world.rows]
    )
    target.watch()


def declared(column: ColumnPlan, *, sqlite: bool) -> str:
    kind = column.sort.sqlite if sqlite else column.sort.postgresql
    rule = {"nullable": "", "not null": " NOT NULL", "default": f" NOT NULL DEFAULT {column.sort.default_sql}"}
    return kind + rule[column.rule]


def as_stored(target: Target, column: ColumnPlan, kept: Any) -> Any:
    """A value for the bare driver."""
    if kept is not None and column.kind is Kind.JSON:
        text = json.dumps(json.loads(kept), ensure_ascii=False, separators=(",", ":"))
        return text if target.is_sqlite else Jsonb(json.loads(kept))
    return float(kept) if kept is not None and column.kind is Kind.NUMERIC and target.is_sqlite else kept


def contents(target: Target, world: World) -> list[Row]:
    names = [column.name for column in world.columns]
    rows = target.rows(f"SELECT {', '.join(map(quoted, names))} FROM t")
    return [
        {column.name: read(target, column, cell) for column, cell in zip(world.columns, row, strict=True)}
        for row in rows
    ]


def read(target: Target, column: ColumnPlan, cell: Any) -> Any:
    if column.kind is Kind.JSON and cell is not None and target.is_sqlite:
        cell = json.loads(cell)
    return as_kept(column.kind, cell)


def same(one: list[Row], other: list[Row]) -> bool:
    return sorted(map(in_words, one)) == sorted(map(in_words, other))


def in_words(row: Row) -> str:
    numbers = (float, Decimal)  # 1.50 and 1.5 are one number
    return repr(sorted((name, float(cell) if isinstance(cell, numbers) else str(cell)) for name, cell in row.items()))


def verdict(expected: Expected) -> Verdict:
    if expected.refused:
        return Verdict.REJECTED
    return Verdict.COMMITTED_WITH_QUARANTINE if expected.counts.quarantined else Verdict.COMMITTED


def as_lines(folder: Path, records: list[dict[str, Any]]) -> Path:
    path = folder / "records.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_the_model_can_fail() -> None:
    """Were the comparison blind, the law would hold for any engine."""
    assert not same([{"a": 1}], [{"a": 2}])
    assert not same([{"a": None}], [{"a": "x"}])
    assert same([{"a": 1}, {"a": 2}], [{"a": 2}, {"a": 1}])
