"""Rows that the source no longer has, deleted in batches: after all records, and not where something holds them."""

from __future__ import annotations

import pytest

from tests.plugins.batch.world import PEOPLE, Batched, people, person, row, rows
from validate_updates import Verdict
from validate_updates.job import DeletePolicy, Deletes

ALL_MISSING = {"deletes": DeletePolicy(mode=Deletes.MISSING, most_rows=1000, most_percent=100)}
HELD = """CREATE TABLE held (id integer REFERENCES t (id))"""


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("publish", ["audited", "progressive"])
def test_missing_rows_go_with_the_bad_records_kept_out(target: Batched, size: int, publish: str) -> None:
    target.execute(PEOPLE)
    target.insert("t", [row(person(n, name="old")) for n in range(1, 31)])
    records = people(20, minors=[5, 15])

    result = target.apply(records, size=size, publish=publish, commit_batches=2, options=ALL_MISSING)

    stay = [person(n, name="old") for n in (5, 15)]
    assert target.people() == rows([*stay, *(record for record in records if record["id"] not in (5, 15))])
    assert (result.counts.updated, result.counts.deleted, result.counts.quarantined) == (18, 10, 2)
    assert [finding.code for finding in result.findings] == []


@pytest.mark.parametrize("size", [1, 4, 50])
def test_rows_that_something_refers_to_stay_and_are_counted(target: Batched, size: int) -> None:
    target.execute(PEOPLE, HELD)
    target.insert("t", [row(person(n)) for n in range(1, 31)])
    target.insert("held", [(23,), (24,), (29,)])

    result = target.apply(people(20), size=size, options=ALL_MISSING)

    assert result.verdict is Verdict.COMMITTED
    assert [one[0] for one in target.people()] == [*range(1, 21), 23, 24, 29]
    assert (result.counts.deleted, result.counts.quarantined) == (7, 0)
    (finding,) = result.findings
    assert finding.code == "rows_not_deleted"
    assert finding.message.startswith("3 rows that the source no longer has could not be deleted: ")
    assert "foreign key" in finding.message
    assert target.entries() == []


def test_a_row_whose_children_go_later_goes_at_the_second_try(target: Batched) -> None:
    target.execute(PEOPLE)
    target.insert("t", [row(person(n)) for n in range(1, 5)])
    target.insert("t", [row(person(n, boss=n - 4)) for n in range(5, 9)])

    result = target.apply(people(2), size=1, options=ALL_MISSING)

    assert [one[0] for one in target.people()] == [1, 2]
    assert (result.counts.deleted, result.findings) == (6, ())


def test_deletes_that_a_skipped_batch_holds(target: Batched) -> None:
    target.execute(PEOPLE, HELD)
    target.insert("t", [row(person(n)) for n in range(1, 9)])
    target.insert("held", [(6,)])

    result = target.apply(people(2), size=3, on_failure="skip", max_failed_batches="100 %", options=ALL_MISSING)

    assert [one[0] for one in target.people()] == [1, 2, 6, 7, 8]
    assert [finding.code for finding in result.findings] == ["rows_not_deleted"]
    assert result.findings[0].message.startswith("3 rows ")


def test_a_delete_that_is_refused_rejects_where_that_is_asked_for(target: Batched) -> None:
    target.execute(PEOPLE, HELD)
    target.insert("t", [row(person(n)) for n in range(1, 9)])
    target.insert("held", [(6,)])

    result = target.apply(people(2), size=3, on_failure="reject", options=ALL_MISSING)

    assert result.verdict is Verdict.REJECTED
    assert "id=6" in result.reason


def test_nothing_is_deleted_where_the_source_could_not_be_read_in_full(target: Batched) -> None:
    target.execute(PEOPLE)
    target.insert("t", [row(person(n)) for n in range(1, 31)])
    records = people(20)
    records[3]["age"] = "many"

    result = target.apply(records, size=5, options=ALL_MISSING)

    assert result.counts.deleted == 0
    assert [finding.code for finding in result.findings] == ["deletes_skipped"]
