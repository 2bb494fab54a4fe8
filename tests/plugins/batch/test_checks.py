"""Validators of the moment ``batch``: what they find critical is kept out, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, Batched, people, rows
from validate_updates import Context, Finding, Moment, RunResult, Severity, Validator, Verdict, hookimpl
from validate_updates.journal.rows import RunState

Check = Callable[[Context], Any]


class Plugin:
    """A plugin given as an object."""

    def __init__(self, check: Check) -> None:
        self.check = check

    @hookimpl
    def vu_validators(self) -> Iterator[Validator]:
        yield Validator(name="check", moment=Moment.BATCH, check=self.check, summary="a check of batches")


def names(severity: Severity, *unwanted: str) -> Check:
    """Finds records of these names in a batch."""

    def check(context: Context) -> Iterator[Finding]:
        staged, planned, batch = context.staged.c, context.planned.c, context.batch
        assert batch is not None
        query = sa.select(staged.name).join(context.planned, planned.row == staged.vu_row)
        query = query.where(staged.name.in_(unwanted), planned.pos.between(batch.first, batch.last))
        for (name,) in context.db.rows(query):
            yield Finding(code="unwanted", severity=severity, message=f"nobody wants {name}", column="name")

    return check


def judged(target: Batched, check: Check, total: int = 60, **settings: object) -> RunResult:
    before = target.dump()
    result = target.update(
        people(total), plugins=("batch",), settings={"batch": settings}, extra={"given": Plugin(check)}
    )
    target.tells_the_truth(result)
    if result.verdict is Verdict.REJECTED:
        assert target.dump() == before
    return result


@pytest.mark.parametrize("size", [1, 10, 100])
@pytest.mark.parametrize("publish", ["audited", "progressive"])
def test_only_the_record_that_is_found_critical_is_kept_out(target: Batched, size: int, publish: str) -> None:
    target.execute(PEOPLE)

    result = judged(target, names(Severity.CRITICAL, "n7", "n33"), size=size, publish=publish, commit_batches=2)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE, result.reason
    assert target.people() == rows(record for record in people(60) if record["id"] not in (7, 33))
    reasons = [(entry.kept.key, entry.kept.code, entry.kept.message) for entry in target.entries()]
    assert reasons == [("id=7", "unwanted", "nobody wants n7"), ("id=33", "unwanted", "nobody wants n33")]
    assert {entry.kept.column for entry in target.entries()} == {"name"}
    assert result.findings == (), "it cost the records; it does not speak against the update"


def test_records_refused_by_a_check_and_by_the_database(target: Batched) -> None:
    target.execute(PEOPLE)

    result = target.apply(
        people(60, minors=[8]), size=10, options={"extra": {"given": Plugin(names(Severity.CRITICAL, "n7"))}}
    )

    assert target.kept_out_keys() == ["id=7", "id=8"]
    assert result.counts.inserted == 58


def test_a_warning_keeps_nothing_out_and_is_told_once(target: Batched) -> None:
    target.execute(PEOPLE)

    result = judged(target, names(Severity.WARNING, "n7"), size=10)

    assert result.verdict is Verdict.COMMITTED
    assert [(finding.message, finding.moment) for finding in result.findings] == [("nobody wants n7", "batch")]
    (judgement,) = result.judged
    assert (judgement.outcome, judgement.findings) == ("found", 1)


def test_a_skipped_batch_names_the_finding(target: Batched) -> None:
    target.execute(PEOPLE)

    judged(target, names(Severity.CRITICAL, "n7"), size=10, on_failure="skip")

    assert {entry.kept.message for entry in target.entries()} == {"its batch was skipped: nobody wants n7"}
    assert target.kept_out_keys() == [f"id={number}" for number in range(1, 11)]


def test_a_rejected_update_has_all_findings(target: Batched) -> None:
    target.execute(PEOPLE)

    result = judged(target, names(Severity.CRITICAL, "n7", "n9"), size=10, on_failure="reject")

    assert result.verdict is Verdict.REJECTED
    assert {finding.message for finding in result.findings} == {"nobody wants n7", "nobody wants n9"}


def test_a_finding_about_the_batch_as_a_whole_is_asked_again_of_its_parts(target: Batched) -> None:
    """More than five at once are too many: the parts are small enough."""

    def crowded(context: Context) -> Iterator[Finding]:
        if context.batch and context.batch.size > 5:
            yield Finding(code="crowded", severity=Severity.CRITICAL, message="too many at once")

    target.execute(PEOPLE)

    result = judged(target, crowded, size=20)

    assert result.verdict is Verdict.COMMITTED
    assert result.counts.inserted == 60


def broken(_context: Context) -> object:
    raise RuntimeError("no idea")


def leaving(_context: Context) -> object:
    raise SystemExit(0)


def rubbish(_context: Context) -> object:
    return 7


@pytest.mark.parametrize("check", [broken, leaving, rubbish])
@pytest.mark.parametrize("on_failure", ["isolate", "skip", "reject"])
def test_a_check_that_fails_rejects_the_update_and_blames_no_record(
    target: Batched, check: Check, on_failure: str
) -> None:
    target.execute(PEOPLE)

    result = judged(target, check, on_failure=on_failure, **ANY_NUMBER)

    assert result.verdict is Verdict.REJECTED
    assert [finding.code for finding in result.findings] == ["validator_failed"]
    assert "given.check" in result.reason
    assert target.entries() == []
    assert target.story().run.state is RunState.REJECTED


def test_a_check_that_fails_at_a_later_batch(target: Batched) -> None:
    def at_the_third(context: Context) -> list[Finding]:
        if context.batch and context.batch.number == 3:
            raise RuntimeError("no idea")
        return []

    target.execute(PEOPLE)

    result = judged(target, at_the_third, size=10)

    assert result.verdict is Verdict.REJECTED
    assert result.findings[0].batch == 3
    assert (result.counts.rolled_back, result.counts.quarantined) == (60, 0)


def test_each_batch_is_judged_before_it_is_written_and_sees_those_before_it(target: Batched) -> None:
    seen: list[tuple[int, int, int, int]] = []

    def look(context: Context) -> list[Finding]:
        batch = context.batch
        assert batch is not None
        there = context.db.scalar(sa.select(sa.func.count()).select_from(context.db.table("t")))
        seen.append((batch.number, batch.first, batch.last, there))
        return []

    target.execute(PEOPLE)

    judged(target, look, total=25, size=10)

    assert seen == [(1, 1, 10, 0), (2, 11, 20, 10), (3, 21, 25, 20)]


def test_a_check_that_writes_is_refused_and_the_update_rejected(target: Batched) -> None:
    def write(context: Context) -> list[Finding]:
        context.db.scalar(sa.insert(context.db.table("t")).values(id=1000, name="x"))
        return []

    target.execute(PEOPLE)

    result = judged(target, write)

    assert result.verdict is Verdict.REJECTED
    assert target.people() == []
