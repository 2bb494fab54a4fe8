"""Deleting what a source no longer has: only where it is asked for, never by accident, never more than allowed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.engine.target import Target
from validate_updates import Severity, Verdict
from validate_updates.job import DeletePolicy, Deletes

TABLE = (
    "CREATE TABLE t (id integer PRIMARY KEY, name text)",
    "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four')",
)
KEPT = [{"id": 1, "name": "one"}, {"id": 2, "name": "zwei"}, {"id": 5, "name": "new"}]


def allowing(rows: int = 100, percent: float = 100) -> DeletePolicy:
    return DeletePolicy(mode=Deletes.MISSING, most_rows=rows, most_percent=percent)


def test_nothing_is_deleted_unless_asked_for(target: Target) -> None:
    target.execute(*TABLE)

    result = target.update(KEPT)

    assert result.counts.deleted == 0
    assert len(target.rows("SELECT * FROM t")) == 5


def test_what_the_source_no_longer_has_goes(target: Target) -> None:
    target.execute(*TABLE)
    target.watch()

    result = target.update(KEPT, deletes=allowing())

    assert (result.counts.inserted, result.counts.updated, result.counts.unchanged, result.counts.deleted) == (
        1,
        1,
        1,
        2,
    )
    assert result.counts.add_up
    assert sorted(target.rows("SELECT * FROM t")) == [(1, "one"), (2, "zwei"), (5, "new")]
    assert target.written() == ["DELETE", "DELETE", "INSERT", "UPDATE"]
    assert {change.key for change in result.changes if change.action == "delete"} == {"id=3", "id=4"}

    again = target.update(KEPT, deletes=allowing())

    assert (again.counts.unchanged, again.counts.deleted) == (3, 0)
    assert target.written() == []


@pytest.mark.parametrize("policy", [allowing(rows=1), allowing(percent=49.9)], ids=["rows", "percent"])
def test_more_than_allowed_rejects_the_update(target: Target, policy: DeletePolicy) -> None:
    target.execute(*TABLE)
    before = target.dump()

    result = target.update(KEPT, deletes=policy)

    assert result.verdict is Verdict.REJECTED
    (finding,) = result.findings
    assert (finding.code, finding.observed) == ("too_many_deletes", 2)
    assert target.dump() == before
    assert result.counts.add_up


def test_exactly_what_is_allowed_passes(target: Target) -> None:
    target.execute(*TABLE)

    assert target.update(KEPT, deletes=allowing(rows=2, percent=50)).counts.deleted == 2


@pytest.mark.parametrize("source", [[], [{"id": "x"}], [*KEPT, {"id": "x"}]], ids=["empty", "unreadable", "in part"])
def test_where_it_is_not_known_what_is_missing_nothing_is_deleted(target: Target, source: list[dict[str, Any]]) -> None:
    target.execute(*TABLE)

    result = target.update(source, deletes=allowing(), key="id")

    assert result.counts.deleted == 0
    assert len(target.rows("SELECT * FROM t WHERE id < 5")) == 4
    assert "deletes_skipped" in [finding.code for finding in result.findings if finding.severity is Severity.WARNING]


def test_rows_without_a_key_are_not_missing(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (id integer UNIQUE, name text)", "INSERT INTO t VALUES (null, 'x'), (1, 'a'), (2, 'b')"
    )

    result = target.update([{"id": 1, "name": "a"}], key="id", deletes=allowing())

    assert result.counts.deleted == 1
    assert sorted(map(str, target.rows("SELECT * FROM t"))) == ["(1, 'a')", "(None, 'x')"]


def test_a_row_that_others_point_to_is_not_deleted(target: Target) -> None:
    target.execute(*TABLE, "CREATE TABLE notes (t integer REFERENCES t (id))", "INSERT INTO notes VALUES (4)")
    before = target.dump()

    result = target.update(KEPT, deletes=allowing())

    assert result.verdict is Verdict.REJECTED
    assert "foreign key" in result.reason
    assert "id=4" in result.reason
    assert target.dump() == before


def test_a_key_of_two_columns(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (a integer, b text, PRIMARY KEY (a, b))", "INSERT INTO t VALUES (1, 'x'), (1, 'y'), (2, 'x')"
    )

    target.update([{"a": 1, "b": "x"}], deletes=allowing())

    assert target.rows("SELECT * FROM t") == [(1, "x")]


def test_a_value_may_move_from_a_deleted_row_to_a_new_one(target: Target) -> None:
    """Deletes come first: the unique value is free by then."""
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE)", "INSERT INTO t VALUES (1, 'name'), (2, 'x')"
    )

    result = target.update([{"id": 2, "name": "x"}, {"id": 3, "name": "name"}], key="id", deletes=allowing())

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert sorted(target.rows("SELECT * FROM t")) == [(2, "x"), (3, "name")]


def test_keys_that_differ_in_case_alone_are_deleted_one_by_one(sqlite: Target) -> None:
    """The column compares without case, its unique index with."""
    sqlite.execute(
        "CREATE TABLE t (k text COLLATE NOCASE, v integer)",
        "CREATE UNIQUE INDEX exact ON t (k COLLATE BINARY)",
        "INSERT INTO t VALUES ('a', 1), ('A', 2)",
    )

    result = sqlite.update([{"k": "a", "v": 1}], key="k", deletes=allowing())

    assert result.counts.deleted == 1
    assert sqlite.rows("SELECT * FROM t") == [("a", 1)]
