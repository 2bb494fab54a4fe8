"""The failure budget: a feed that is mostly broken does not half-land."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.batch.world import PEOPLE, Batched, people
from validate_updates import ExitCode, SettingsError, Severity, Verdict
from validate_updates.journal.rows import RunState
from validate_updates_batch.budget import allowed


@pytest.mark.parametrize(
    ("limit", "total", "let_pass"),
    [
        (0, 1000, 0),
        (7, 1000, 7),
        (7, 3, 7),
        ("20 %", 500, 100),
        ("20%", 500, 100),
        ("20 %", 9, 1),
        ("20 %", 1, 1),
        ("0.5 %", 1000, 5),
        ("0.29 %", 10_000, 29),
        ("0 %", 1000, 0),
        ("0.0 %", 1000, 0),
        ("100 %", 3, 3),
    ],
)
def test_what_a_limit_lets_pass(limit: int | str, total: int, let_pass: int) -> None:
    assert allowed(limit, total) == let_pass


@given(hundredths=st.integers(1, 10_000), total=st.integers(0, 10**9))
def test_a_share_is_exact_and_lets_one_pass_at_least(hundredths: int, total: int) -> None:
    limit = f"{hundredths // 100}.{hundredths % 100:02} %"

    assert allowed(limit, total) == max(floor(Fraction(hundredths, 10_000) * total), 1)


@pytest.mark.parametrize("limit", ["20", "-1 %", "x %", "1000.5 %", -1, 1.5, "5 %\n", "%", ""])
def test_what_is_no_limit(sqlite: Batched, limit: object) -> None:
    sqlite.execute(PEOPLE)

    with pytest.raises(SettingsError, match="max_quarantined"):
        sqlite.update([], plugins=("batch",), settings={"batch": {"max_quarantined": limit}})


@pytest.mark.parametrize(
    ("limit", "bad", "verdict"),
    [
        (3, 3, Verdict.COMMITTED_WITH_QUARANTINE),
        (3, 4, Verdict.REJECTED),
        (0, 1, Verdict.REJECTED),
        ("10 %", 5, Verdict.COMMITTED_WITH_QUARANTINE),
        ("10 %", 6, Verdict.REJECTED),
        ("0.1 %", 1, Verdict.COMMITTED_WITH_QUARANTINE),
        ("0.1 %", 2, Verdict.REJECTED),
    ],
)
def test_records_kept_out(target: Batched, limit: int | str, bad: int, verdict: Verdict) -> None:
    target.execute(PEOPLE)
    records = people(50, minors=range(1, 10 * bad, 10) if bad <= 5 else range(1, bad + 1))

    result = target.apply(records, size=10, max_quarantined=limit, max_failed_batches="100 %")

    assert result.verdict is verdict, result.reason
    if verdict is Verdict.REJECTED:
        assert [finding.code for finding in result.findings] == ["too_many_quarantined"]
        assert f"{bad} of 50 records had to be kept out" in result.reason


def test_records_that_could_not_be_staged_count(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(50, minors=[30])
    for number in range(5):
        records[number]["age"] = "many"

    result = target.apply(records, max_quarantined=5)

    assert result.verdict is Verdict.REJECTED
    assert "6 of 50 records" in result.reason


@pytest.mark.parametrize("fault", [{"age": 17}, {"boss": 4711}, {"email": "taken@example.org"}], ids=str)
@pytest.mark.parametrize("on_failure", ["isolate", "skip"])
@pytest.mark.parametrize(("limit", "verdict"), [(1, Verdict.REJECTED), (2, Verdict.COMMITTED_WITH_QUARANTINE)])
def test_failed_batches(
    target: Batched, fault: dict[str, object], on_failure: str, limit: int, verdict: Verdict
) -> None:
    """Also where each record was refused for the sake of other rows, and so was tried twice."""
    target.execute(PEOPLE, "INSERT INTO t VALUES (900, 'taken@example.org', 'n', 30, NULL)")
    records = people(25)
    for number in (*range(6, 11), *range(21, 26)):
        records[number - 1] |= fault

    result = target.apply(records, size=5, on_failure=on_failure, max_failed_batches=limit, max_quarantined="100 %")

    assert result.verdict is verdict, result.reason
    if verdict is Verdict.REJECTED:
        assert [finding.code for finding in result.findings] == ["too_many_failed_batches"]
        assert "2 of 5 batches could not be written at all" in result.reason


def test_a_batch_of_which_anything_was_written_has_not_failed(target: Batched) -> None:
    target.execute(PEOPLE)

    result = target.apply(people(10, minors=[1, 2, 3, 4, 6]), size=5, max_failed_batches=0, max_quarantined="100 %")

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE


def test_the_default_lets_one_bad_record_of_three_pass(target: Batched) -> None:
    target.execute(PEOPLE)

    assert target.apply(people(3, minors=[2])).verdict is Verdict.COMMITTED_WITH_QUARANTINE


def test_a_mostly_broken_feed_ends_early_and_is_told_in_full(target: Batched) -> None:
    """What was kept out until then is in the quarantine, to be looked at; nothing of the update is in the table."""
    target.execute(PEOPLE)
    records = people(100, minors=range(1, 61))

    result = target.apply(records, size=5, commit_batches=4)

    assert (result.verdict, result.exit_code) == (Verdict.REJECTED, ExitCode.REJECTED)
    assert target.people() == []
    assert (result.counts.quarantined, result.counts.rolled_back) == (40, 60)
    assert target.kept_out_keys() == [f"id={number}" for number in range(1, 41)]
    assert [finding.code for finding in result.findings] == ["too_many_quarantined", "too_many_failed_batches"]
    assert {finding.severity for finding in result.findings} == {Severity.CRITICAL}
    assert "max_quarantined" in result.findings[0].hint
    story = target.story()
    assert (story.run.state, story.run.error_code) == (RunState.REJECTED, "too_many_quarantined")
    assert story.findings == result.findings
    assert story.batches == ()
    (section,) = result.sections
    assert section.lines == ("8 tried, 0 taken apart, 8 failed", "40 of 100 records kept out")
    assert section.header == ("batch", "records", "rolled back", "kept out", "why")
    assert len(section.rows) == 8


def test_a_dry_run_is_rejected_alike(target: Batched) -> None:
    target.execute(PEOPLE)

    result = target.update(people(10, minors=range(1, 9)), plugins=("batch",), dry_run=True)

    assert result.verdict is Verdict.REJECTED
    assert target.all_tables() == ["t"]
