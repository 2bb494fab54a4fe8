"""What happens to a batch that holds a bad record: taken apart, skipped as a whole, or the end of the update."""

from __future__ import annotations

import pytest

from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, Batched, people, person, rows
from validate_updates import ExitCode, Severity, Verdict
from validate_updates.journal.rows import BatchState, RunState

publishing = pytest.mark.parametrize("publish", ["audited", "progressive"])


@publishing
def test_skip_keeps_out_the_whole_batch(target: Batched, publish: str) -> None:
    target.execute(PEOPLE)
    records = people(60, minors=[13, 41])

    result = target.apply(records, size=10, on_failure="skip", publish=publish, commit_batches=2, **ANY_NUMBER)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    kept_out = [*range(11, 21), *range(41, 51)]
    assert target.people() == rows(record for record in records if record["id"] not in kept_out)
    assert target.kept_out_keys() == [f"id={number}" for number in kept_out]
    states = [batch.state for batch in target.story().batches]
    assert [number for number, state in enumerate(states, 1) if state is BatchState.FAILED] == [2, 5]
    assert (result.metrics["batches.failed"], result.metrics["batches.isolated"]) == (2, 0)


def test_the_reason_of_a_skipped_record_names_the_bad_one(target: Batched) -> None:
    target.execute(PEOPLE)

    target.apply(people(60, minors=[13]), size=10, on_failure="skip", **ANY_NUMBER)

    (reason,) = {entry.kept.message for entry in target.entries()}
    assert reason.startswith("its batch was skipped: the database refused the record id=13: the check ")


def test_a_skipped_batch_that_others_stood_in_the_way_of_lands_as_a_whole(target: Batched) -> None:
    target.execute(PEOPLE)
    records = [person(n, boss=n + 10 if n <= 20 else None) for n in range(1, 31)]

    result = target.apply(records, size=10, on_failure="skip")

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert target.people() == rows(records)
    assert [batch.applied for batch in target.story().batches] == [10, 10, 10]


@pytest.mark.parametrize("size", [1, 10, 100])
def test_reject_rolls_back_the_update_and_names_the_records(target: Batched, size: int) -> None:
    target.execute(PEOPLE)
    target.insert("t", [tuple(person(1, name="old").values())])

    result = target.apply(people(60, minors=[13, 17]), size=size, on_failure="reject")

    assert (result.verdict, result.exit_code) == (Verdict.REJECTED, ExitCode.REJECTED)
    assert target.people() == rows([person(1, name="old")])
    critical = [finding for finding in result.findings if finding.severity is Severity.CRITICAL]
    assert [finding.key for finding in critical] == (["id=13"] if size == 1 else ["id=13", "id=17"])
    assert result.counts.rolled_back == 60
    story = target.story()
    assert (story.run.state, story.run.error_code) == (RunState.REJECTED, "record_refused")
    assert story.batches == ()
    assert story.kept_out == ()
    assert [finding.key for finding in story.findings] == [finding.key for finding in result.findings]


def test_reject_does_not_reject_a_parent_that_comes_later(target: Batched) -> None:
    target.execute(PEOPLE)
    records = [person(n, boss=n + 1 if n < 30 else None) for n in range(1, 31)]

    result = target.apply(records, size=10, on_failure="reject")

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert target.people() == rows(records)


def test_reject_rejects_a_parent_that_never_comes(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(30)
    records[4]["boss"] = 4711

    result = target.apply(records, size=10, on_failure="reject")

    assert result.verdict is Verdict.REJECTED
    assert [finding.key for finding in result.findings] == ["id=5"]


def test_records_that_could_not_be_staged_do_not_fail_a_batch(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(30)
    records[4]["age"] = "many"

    result = target.apply(records, size=10, on_failure="reject")

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert (result.counts.inserted, result.counts.quarantined) == (29, 1)
