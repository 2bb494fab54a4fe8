"""References to rows that are only to be written, in records of which nothing else differs."""

from __future__ import annotations

from typing import Any

from tests.core.engine.target import Target
from tests.core.units.world import unit_tables
from validate_updates import RunResult
from validate_updates.engine import execute
from validate_updates.job import Job
from validate_updates.secret import SecretUrl


def update(target: Target, records: list[dict[str, Any]], **said: Any) -> RunResult:
    tables = unit_tables({"t": said})
    job = Job(source=records, target=SecretUrl(target.url), table="t", key=tables[0].key, tables=tables)
    result = execute(job)
    assert result.counts.add_up
    return result


def test_a_null_becomes_the_key_of_a_row_that_is_made_for_it(target: Target) -> None:
    number = "integer PRIMARY KEY" if target.url.startswith("sqlite") else "serial PRIMARY KEY"
    target.execute(f"CREATE TABLE pl (id {number}, code text UNIQUE)")
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, pl integer REFERENCES pl(id))")
    target.execute("INSERT INTO t VALUES (1, NULL)")
    records = [{"id": 1, "pl": {"code": "NEW"}}]
    said = {"key": ["id"], "references": {"pl": {"to": "pl.code", "missing": "create"}}}

    assert update(target, records, **said).counts.updated == 1
    assert target.rows("SELECT t.id, code FROM t JOIN pl ON pl.id = t.pl") == [(1, "NEW")]
    assert update(target, records, **said).counts.unchanged == 1


def test_a_null_becomes_the_key_of_a_row_that_comes_with_it(target: Target) -> None:
    create_self(target)
    target.execute("INSERT INTO t (code) VALUES ('a')")
    records: list[dict[str, Any]] = [{"code": "a", "up": {"code": "z"}}, {"code": "z"}]

    first = update(target, records, key=["code"], references={"up": "t.code"})
    assert (first.counts.inserted, first.counts.updated) == (1, 1)
    pairs = "SELECT t.code, p.code FROM t JOIN t p ON p.id = t.up"
    assert target.rows(pairs) == [("a", "z")]
    assert update(target, records, key=["code"], references={"up": "t.code"}).counts.unchanged == 2


def test_rows_that_are_made_in_the_records_own_table_are_counted(target: Target) -> None:
    create_self(target)

    made = {"to": "t.code", "missing": "create"}
    result = update(target, [{"code": "a", "up": {"code": "zz"}}], key=["code"], references={"up": made})

    assert (result.rows_before, result.rows_after) == (0, 2)
    assert result.counts.inserted == 1


def create_self(target: Target) -> None:
    number = "integer PRIMARY KEY" if target.url.startswith("sqlite") else "serial PRIMARY KEY"
    target.execute(f"CREATE TABLE t (id {number}, code text NOT NULL UNIQUE, up integer REFERENCES t(id))")
