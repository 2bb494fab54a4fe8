"""Batches of all sizes, with bad records anywhere: the good ones land, the bad ones are listed, all of it adds up."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, Batched, people, person, rows
from validate_updates import ExitCode, Verdict
from validate_updates.journal.rows import BatchState

BAD = {
    "none": [],
    "first batch": [1],
    "end of the first batch": [50],
    "middle batch": [226],
    "last batch": [500],
    "two in a batch": [101, 149],
    "neighbours": [200, 201],
    "all batches": [batch * 50 + 7 + batch for batch in range(10)],
}
publishing = pytest.mark.parametrize("publish", ["audited", "progressive"])


@publishing
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_all_good_records_are_committed_and_the_bad_ones_listed(
    target: Batched, bad: Sequence[int], publish: str
) -> None:
    target.execute(PEOPLE)
    records = people(500, minors=bad)

    result = target.apply(records, publish=publish, commit_batches=3)

    assert result.verdict is (Verdict.COMMITTED_WITH_QUARANTINE if bad else Verdict.COMMITTED), result.reason
    assert result.exit_code == (ExitCode.PARTIAL if bad else ExitCode.OK)
    assert target.people() == rows(record for record in records if record["id"] not in bad)
    assert target.kept_out_keys() == [f"id={number}" for number in bad]
    assert (result.counts.inserted, result.counts.quarantined) == (500 - len(bad), len(bad))
    batches = {(number - 1) // 50 + 1 for number in bad}
    troubled = {batch.batch_no for batch in target.story().batches if batch.quarantined}
    assert troubled == {one.number for one in result.troubled_batches} == batches


@pytest.mark.parametrize("total", [0, 1, 10, 100, 500, 1000])
@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_any_number_of_records_in_batches_of_any_size(target: Batched, total: int, size: int) -> None:
    target.execute(PEOPLE)
    bad = sorted({1, total // 2, total} - {0}) if total > 1 else []
    records = people(total, minors=bad)

    result = target.apply(records, size=size, **ANY_NUMBER)

    assert target.people() == rows(record for record in records if record["id"] not in bad)
    assert target.kept_out_keys() == [f"id={number}" for number in bad]
    sizes = [batch.applied + batch.quarantined + batch.unchanged for batch in target.story().batches]
    assert sizes == [size] * (total // size) + [total % size] * (total % size > 0)
    assert result.metrics["batches.planned"] == len(sizes)


def test_nothing_but_one_bad_record(target: Batched) -> None:
    target.execute(PEOPLE)

    result = target.apply(people(1, minors=[1]), **ANY_NUMBER)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert target.people() == []
    (batch,) = target.story().batches
    assert (batch.state, batch.applied, batch.quarantined) == (BatchState.FAILED, 0, 1)


def test_nothing_but_bad_records(target: Batched) -> None:
    target.execute(PEOPLE)

    result = target.apply(people(30, minors=range(1, 31)), size=10, **ANY_NUMBER)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert target.people() == []
    assert [batch.state for batch in target.story().batches] == [BatchState.FAILED] * 3
    assert result.metrics["batches.failed"] == 3


def test_every_record_is_there_twice(target: Batched) -> None:
    """The last of a key counts. Batches are made of the plan, and so of different keys."""
    target.execute(PEOPLE)
    good = people(20, minors=[3])

    result = target.apply([*people(20, minors=[5]), *good], size=7)

    assert target.people() == rows(record for record in good if record["id"] != 3)
    assert (result.counts.duplicates, result.counts.inserted, result.counts.quarantined) == (20, 19, 1)


def test_everything_is_there_already(target: Batched) -> None:
    target.execute(PEOPLE)
    target.apply(people(20), size=7)
    target.watch()

    again = target.apply(people(20), size=7)

    assert again.verdict is Verdict.COMMITTED
    assert again.counts.unchanged == 20
    assert target.written() == []
    assert target.story().batches == ()
    assert again.sections == (), "there is nothing to say about batches where there were none"


def test_batches_are_made_of_what_differs(target: Batched) -> None:
    """Of 100 records of which 10 differ, one batch of 50 is made, not two."""
    target.execute(PEOPLE)
    target.apply(people(100))
    target.watch()

    result = target.apply([person(n, name="new") if n % 10 == 0 else person(n) for n in range(1, 101)])

    assert (result.counts.updated, result.counts.unchanged) == (10, 90)
    assert target.written() == ["UPDATE"] * 10
    (batch,) = target.story().batches
    assert (batch.applied, batch.first_key, batch.last_key) == (10, "id=10", "id=100")


def test_changes_and_additions_in_one_batch_fall_together_and_are_told_apart(target: Batched) -> None:
    target.execute(PEOPLE)
    target.insert("t", [tuple(person(n, name="old").values()) for n in range(1, 6)])
    records = people(10, minors=[2, 7])

    result = target.apply(records, **ANY_NUMBER)

    kept = [person(2, name="old"), *(record for record in records if record["id"] not in (2, 7))]
    assert target.people() == rows(kept)
    assert (result.counts.updated, result.counts.inserted, result.counts.quarantined) == (4, 4, 2)


def test_a_failed_batch_leaves_no_trace_in_the_others(target: Batched) -> None:
    """The database itself says how often rows were written; the undo log has no more (`L` tells its layout)."""
    target.execute(PEOPLE)
    target.watch()

    target.apply(people(30, minors=[15]), size=10)

    assert target.written() == ["INSERT"] * 29
    assert target.rows("SELECT count(*) FROM update_undo WHERE action <> 'L'") == [(29,)]


@pytest.mark.parametrize("json", ["", "5", "null", "{", 5, None, {"a": [None]}, ["a"]])
def test_a_record_kept_out_has_its_json_as_it_came(target: Batched, json: object) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, json json, name text NOT NULL)")
    record = {"id": 1, "json": json, "name": None}

    target.apply([record], **ANY_NUMBER)

    assert target.kept_out_records() == [record]


def test_without_the_undo_log_too(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(30, minors=[15])

    target.apply(records, size=10, options={"undo_retention_days": 0})

    assert target.people() == rows(record for record in records if record["id"] != 15)
    assert target.rows("SELECT count(*) FROM update_undo WHERE action <> 'L'") == [(0,)]


def test_the_ledger_says_what_was_in_each_batch(target: Batched) -> None:
    target.execute(PEOPLE)

    result = target.apply(people(25, minors=[11, 21, 22, 23, 24, 25]), size=10, **ANY_NUMBER)

    told = [
        (batch.batch_no, batch.state, batch.applied, batch.quarantined, batch.first_key, batch.last_key)
        for batch in target.story().batches
    ]
    assert told == [
        (1, BatchState.COMMITTED, 10, 0, "id=1", "id=10"),
        (2, BatchState.COMMITTED, 9, 1, "id=11", "id=20"),
        (3, BatchState.FAILED, 0, 5, "id=21", "id=25"),
    ]
    first, second, third = target.story().batches
    assert first.committed_at
    assert second.committed_at
    assert third.committed_at is None
    assert second.attempts > 1
    assert (result.metrics["batches.isolated"], result.metrics["batches.failed"]) == (1, 1)


def test_more_batches_than_the_ledger_takes_at_a_time(target: Batched) -> None:
    target.execute(PEOPLE)

    result = target.apply(people(1100), size=1, publish="progressive", commit_batches=700, commit_seconds=3600)

    assert result.metrics["batches.planned"] == len(target.story().batches) == 1100


@pytest.mark.parametrize(("total", "size", "group"), [(1100, 2, 3), (999, 2, 700), (7, 5, 1), (450, 1, 20)])
def test_the_ledger_names_the_first_and_the_last_record_of_each_batch(
    target: Batched, total: int, size: int, group: int
) -> None:
    target.execute(PEOPLE)

    target.apply(people(total), size=size, publish="progressive", commit_batches=group, commit_seconds=3600)

    named = [(batch.first_key, batch.last_key) for batch in target.story().batches]
    firsts = range(1, total + 1, size)
    assert named == [(f"id={first}", f"id={min(first + size - 1, total)}") for first in firsts]


def test_a_lone_bad_record_costs_few_tries(target: Batched) -> None:
    target.execute(PEOPLE)

    target.apply(people(50, minors=[33]), **ANY_NUMBER)

    (batch,) = target.story().batches
    assert 1 < batch.attempts <= 13, "halving, not one after the other"


def test_the_section_says_which_batches_failed_and_what_was_saved(target: Batched) -> None:
    target.execute(PEOPLE)

    result = target.apply(people(500, minors=[7, *range(101, 107)]))

    (section,) = result.sections
    rule = "the check 'grown_up' failed" if target.is_sqlite else "the check grown_up failed"
    assert section.title == "Batches"
    assert section.header == ("batch", "records", "written", "kept out", "why")
    assert section.rows == (("1", "50", "49", "1", rule), ("3", "50", "44", "6", rule))
    assert section.lines == (
        "10 in all, 2 taken apart, 0 failed",
        "7 of 500 records kept out, 493 let through",
    )
    assert result.reason == "493 added; nothing critical was found; 7 of 500 records are kept out"


def test_the_next_run_over_the_same_records_tries_only_those_kept_out(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(120, minors=[20, 80])
    target.apply(records)
    target.watch()

    again = target.apply(records)

    assert (again.counts.unchanged, again.counts.quarantined) == (118, 2)
    assert again.metrics["batches.planned"] == 1
    assert target.written() == []
    assert target.entry_states() == ["superseded", "superseded", "open", "open"]


def test_a_dry_run_says_the_same_and_writes_nothing(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(120, minors=[20, 80])

    for publish in ("audited", "progressive"):
        tried = target.update(
            records,
            plugins=("batch",),
            settings={"batch": {"publish": publish, "commit_batches": 1}},
            dry_run=True,
        )

        assert target.all_tables() == ["t"]
        assert target.people() == []
        assert (tried.counts.inserted, tried.counts.quarantined) == (118, 2)
        assert [entry.key for entry in tried.kept_out] == ["id=20", "id=80"]
        assert tried.verdict is Verdict.COMMITTED_WITH_QUARANTINE

    done = target.apply(records)

    numbers, tried_numbers = ({**one.metrics, "duration": 0.0} for one in (done, tried))
    assert (done.counts, numbers, done.sections) == (tried.counts, tried_numbers, tried.sections)
