"""Records that need each other in a circle, and rules that the database would check only at the commit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.undo.taking_back import DELETING, taken_back
from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, Batched, Record, people, person, rows
from validate_updates import Severity, Verdict

IMMEDIATE = "REFERENCES t (id)"
DEFERRED = "REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED"
SOURCE = [person(1, boss=9), *people(8)[1:], person(9, boss=1)]
"""The first and the last refer to each other."""
keys = pytest.mark.parametrize("key", [IMMEDIATE, DEFERRED])
publishing = pytest.mark.parametrize("publish", ["audited", "progressive"])


def table(target: Batched, key: str) -> None:
    target.execute(PEOPLE.replace(IMMEDIATE, key))


@keys
@pytest.mark.parametrize(
    ("publish", "on_failure", "size"),
    [
        ("audited", "isolate", 2),
        ("audited", "reject", 3),
        ("audited", "isolate", 20),
        ("progressive", "isolate", 1),
        ("progressive", "skip", 2),
    ],
)
def test_new_records_of_different_batches_that_refer_to_each_other_land(
    target: Batched, key: str, publish: str, on_failure: str, size: int
) -> None:
    table(target, key)
    ways: dict[str, Any] = {"size": size, "publish": publish, "commit_batches": 1, "on_failure": on_failure}

    result = target.apply(SOURCE, **ways)

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert target.people() == rows(SOURCE)
    assert [batch.applied for batch in target.story().batches] == [
        len(SOURCE[start : start + size]) for start in range(0, len(SOURCE), size)
    ]
    assert taken_back(target).conflicts == 0
    assert target.people() == []


@keys
def test_a_circle_lands_however_many_there_are_and_whatever_hangs_on_them(target: Batched, key: str) -> None:
    """Two circles, one of which needs the other, a chain that ends in one, and one that ends in nothing."""
    table(target, key)
    bosses = {1: 12, 12: 6, 6: 1} | {2: 11, 11: 2} | {3: 10, 10: 11} | {4: 9, 9: 99}
    good = [person(number, boss=bosses.get(number)) for number in range(1, 13) if number not in {4, 9}]
    triangle = next(record for record in good if record["id"] == 6)
    triangle["boss"] = 1
    bad = [person(number, boss=bosses[number]) for number in (4, 9)]

    result = target.apply([*good, *bad], size=2, **ANY_NUMBER)

    assert target.people() == rows(good)
    assert target.kept_out_keys() == ["id=4", "id=9"]
    assert result.counts.inserted == len(good)


@keys
def test_a_circle_with_a_bad_record_in_it_is_kept_out_with_it(target: Batched, key: str) -> None:
    table(target, key)

    target.apply([person(1, boss=9), *people(8)[1:], person(9, boss=1, age=17)], size=2, **ANY_NUMBER)

    assert target.people() == rows(people(8)[1:])
    assert target.kept_out_keys() == ["id=9", "id=1"]
    assert "foreign key" in target.entries()[1].kept.message


def test_rows_that_exchange_a_unique_value_land_where_the_rule_can_wait(postgres: Batched) -> None:
    """As the server's own DEFERRABLE says; in different batches, and with one that wants what nobody gives up."""
    postgres.execute("CREATE TABLE t (id integer PRIMARY KEY, place integer UNIQUE DEFERRABLE, note text)")
    postgres.insert("t", [(number, number, None) for number in range(1, 11)])
    moved: list[Record] = [{"id": number, "place": number % 9 + 1} for number in range(1, 10)]

    result = postgres.apply([*moved, {"id": 20, "place": 10}], size=2, **ANY_NUMBER)

    assert result.counts.updated == 9
    assert postgres.kept_out_keys() == ["id=20"]
    assert sorted(postgres.rows("SELECT id, place FROM t")) == [
        *((number, number % 9 + 1) for number in range(1, 10)),
        (10, 10),
    ]
    assert taken_back(postgres).conflicts == 0
    assert sorted(postgres.rows("SELECT id, place FROM t")) == [(number, number) for number in range(1, 11)]


# Rules that are checked at the commit


@publishing
@pytest.mark.parametrize("at", [2, 7, 10])
def test_a_record_that_only_the_commit_would_refuse_is_kept_out_alone(target: Batched, publish: str, at: int) -> None:
    table(target, DEFERRED)
    good = [record for record in people(10) if record["id"] != at]

    result = target.apply([*good, person(at, boss=99)], size=3, publish=publish, commit_batches=1)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert target.people() == rows(good)
    [entry] = target.entries()
    assert entry.kept.key == f"id={at}"
    assert "foreign key" in entry.kept.message
    assert "does not exist" in entry.kept.message


@pytest.mark.parametrize("plugins", [(), ("batch",)])
def test_without_isolation_the_record_is_named(target: Batched, plugins: tuple[str, ...]) -> None:
    """And none that merely refers to a later one."""
    table(target, DEFERRED)
    records = [person(1, boss=12), *people(11)[1:], person(12), person(13, boss=99)]
    settings: dict[str, Any] = {"batch": {"on_failure": "reject", "size": 4}} if plugins else {}

    result = target.update(records, plugins=plugins, settings=settings)

    assert result.verdict is Verdict.REJECTED
    assert [finding.key for finding in result.findings if finding.severity is Severity.CRITICAL] == ["id=13"]
    assert target.people() == []


def test_a_dry_run_finds_it_too(target: Batched) -> None:
    table(target, DEFERRED)

    result = target.update([person(1, boss=99)], dry_run=True)

    assert result.verdict is Verdict.REJECTED
    assert "id=1" in result.reason


def test_rows_that_point_nowhere_already_are_nobodys_fault(sqlite: Batched) -> None:
    """Written by a program that does not switch foreign keys on."""
    table(sqlite, DEFERRED)
    with sqlite.connect() as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("INSERT INTO t VALUES (1, NULL, 'old', 40, 99)")

    assert sqlite.apply([{"id": 1, "name": "new"}, {"id": 2, "name": "two"}], size=5).verdict is Verdict.COMMITTED
    assert [(row[2], row[4]) for row in sqlite.people()] == [("new", 99), ("two", None)]


def test_a_row_that_others_refer_to_stays(target: Batched) -> None:
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text)",
        "CREATE TABLE child (t integer REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    target.insert("t", [(number, "old") for number in range(1, 10)])
    target.insert("child", [(3,), (None,)])

    result = target.apply([{"id": 1, "name": "new"}], options={"deletes": DELETING}, size=2, **ANY_NUMBER)

    assert sorted(target.rows("SELECT id FROM t")) == [(1,), (3,)]
    assert [finding.code for finding in result.findings] == ["rows_not_deleted"]


def test_names_of_columns_are_spelt_as_anybody_likes(sqlite: Batched) -> None:
    sqlite.execute(
        "CREATE TABLE t (Id integer PRIMARY KEY, Boss integer REFERENCES T (ID) DEFERRABLE INITIALLY DEFERRED)"
    )

    sqlite.apply([{"Id": 1, "Boss": 5}, {"Id": 2, "Boss": 9}, {"Id": 5, "Boss": 1}], size=1, **ANY_NUMBER)

    assert sorted(sqlite.rows("SELECT * FROM t")) == [(1, 5), (5, 1)]
