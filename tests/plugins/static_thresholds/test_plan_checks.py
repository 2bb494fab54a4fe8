from __future__ import annotations

import pytest

from tests.plugins.static_thresholds.world import Runs, codes, context, earlier
from validate_updates import Counts, Severity
from validate_updates_static_thresholds.plan_checks import (
    error_rate_above_average,
    error_rate_high,
    every_record_changed,
    rows_added_above_average,
    rows_added_high,
    rows_changed_low,
    source_empty,
)
from validate_updates_static_thresholds.settings import StaticThresholds

DEFAULT = StaticThresholds()


def added(*numbers: int) -> Runs:
    return earlier(*(Counts(read=number, inserted=number) for number in numbers))


def errors(*pairs: tuple[int, int]) -> Runs:
    return earlier(*(Counts(read=read, quarantined=bad, inserted=read - bad) for bad, read in pairs))


@pytest.mark.parametrize(("number", "expected"), [(1000, []), (1001, ["rows_added_high"])])
def test_more_added_than_the_fixed_limit(number: int, expected: list[str]) -> None:
    assert codes(list(rows_added_high(context(counts=Counts(inserted=number)), DEFAULT))) == expected


def test_too_many_added_says_what_and_what_to_do() -> None:
    (finding,) = rows_added_high(context(counts=Counts(inserted=1001)), DEFAULT)
    assert finding.severity is Severity.CRITICAL
    assert finding.message == "the update would add 1001 records; at most 1000 are allowed"
    assert "plugins.static_thresholds.added_most" in finding.hint
    assert (finding.observed, finding.expected, finding.table) == (1001, "at most 1000", "hearings")


@pytest.mark.parametrize(
    ("number", "before", "expected"),
    [
        (60, (20, 20), []),  # exactly 3 times
        (61, (20, 20), ["rows_added_above_average"]),
        (50, (1, 1), []),  # never compared
        (51, (1, 1), ["rows_added_above_average"]),
        (61, (), ["not_checked"]),
        (50, (), []),
    ],
)
def test_more_added_than_usual(number: int, before: tuple[int, ...], expected: list[str]) -> None:
    judged = context(counts=Counts(inserted=number), history=added(*before))
    assert codes(list(rows_added_above_average(judged, DEFAULT))) == expected


def test_the_average_is_of_the_last_ten_updates_that_added() -> None:
    history = earlier(
        *(Counts(updated=9) for _ in range(15)), *(Counts(inserted=20) for _ in range(10)), Counts(inserted=9999)
    )
    (finding,) = rows_added_above_average(context(counts=Counts(inserted=61), history=history), DEFAULT)
    assert finding.runs == tuple(f"run-{number}" for number in range(16, 26))
    assert "3.0 times the average of 20.0 of the last 10 updates that added any" in finding.message
    assert finding.expected == "at most 60"


def test_a_ratio_that_binary_numbers_cannot_hold_is_still_exact_at_the_limit() -> None:
    limits = StaticThresholds(added_ratio=1.1, added_floor=0)
    assert not list(rows_added_above_average(context(counts=Counts(inserted=11), history=added(10)), limits))
    assert list(rows_added_above_average(context(counts=Counts(inserted=12), history=added(10)), limits))


@pytest.mark.parametrize(
    ("number", "before", "expected"),
    [
        (3, (10,) * 5, []),  # exactly 0.3 of it
        (2, (10,) * 5, ["rows_changed_low"]),
        (0, (10,) * 5, ["rows_changed_low"]),
        (0, (10,) * 4, ["not_checked"]),
        (2, (10,) * 10 + (1,) * 90, ["rows_changed_low"]),  # only the last ten count
    ],
)
def test_far_fewer_changed_than_usual(number: int, before: tuple[int, ...], expected: list[str]) -> None:
    judged = context(counts=Counts(inserted=number), history=added(*before))
    assert codes(list(rows_changed_low(judged, DEFAULT))) == expected


def test_changed_are_inserts_updates_and_deletes_and_quiet_runs_are_left_out() -> None:
    busy, quiet = Counts(inserted=2, updated=3, deleted=5, unchanged=70), Counts(read=70, unchanged=70)
    history = earlier(*(run for _ in range(5) for run in (quiet, busy)))
    assert not list(
        rows_changed_low(context(counts=Counts(inserted=1, updated=1, deleted=1), history=history), DEFAULT)
    )
    (finding,) = rows_changed_low(context(counts=Counts(updated=2), history=history), DEFAULT)
    assert finding.runs == ("run-2", "run-4", "run-6", "run-8", "run-10")
    assert (finding.observed, finding.expected) == (2, "at least 3")
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("bad", "read", "expected"),
    [
        (5, 100, []),  # exactly 5 %
        (6, 100, ["error_rate_high"]),
        (1, 20, []),
        (1, 19, ["error_rate_high"]),
        (0, 0, []),
    ],
)
def test_error_rate_above_the_fixed_limit(bad: int, read: int, expected: list[str]) -> None:
    assert codes(list(error_rate_high(context(counts=Counts(read=read, quarantined=bad)), DEFAULT))) == expected


@pytest.mark.parametrize("percent", [7.0, 29.0, 57.0, 58.0])
def test_a_rate_exactly_at_the_limit_passes_whatever_the_rounding(percent: float) -> None:
    limits = StaticThresholds(errors_percent=percent)
    assert not list(error_rate_high(context(counts=Counts(read=100, quarantined=int(percent))), limits))
    assert list(error_rate_high(context(counts=Counts(read=100, quarantined=int(percent) + 1)), limits))


def test_error_rate_says_both_numbers_and_the_limit() -> None:
    (finding,) = error_rate_high(context(counts=Counts(read=30, quarantined=2)), DEFAULT)
    assert finding.message == "2 of 30 records cannot be used, 6.667 %; at most 5 % is allowed"
    assert finding.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("bad", "read", "before", "expected"),
    [
        (4, 100, [(2, 100)], []),  # exactly twice
        (5, 100, [(2, 100)], ["error_rate_above_average"]),
        (2, 100, [(0, 100)], ["error_rate_above_average"]),  # twice nothing is nothing
        (1, 100, [(0, 100)], []),  # one record is no rate
        (2, 100, [], ["not_checked"]),
        (1, 100, [], []),
        (5, 100, [(2, 100)] * 10 + [(90, 100)] * 10, ["error_rate_above_average"]),  # only the last ten count
        (4, 100, [(0, 900), (20, 100)], []),  # pooled: a small bad run weighs little, not half
        (5, 100, [(0, 900), (20, 100)], ["error_rate_above_average"]),
    ],
)
def test_error_rate_above_the_average(bad: int, read: int, before: list[tuple[int, int]], expected: list[str]) -> None:
    judged = context(counts=Counts(read=read, quarantined=bad), history=errors(*before))
    assert codes(list(error_rate_above_average(judged, DEFAULT))) == expected


def test_error_rate_above_the_average_names_its_runs() -> None:
    judged = context(counts=Counts(read=100, quarantined=5), history=errors((2, 100), (2, 100)))
    (finding,) = error_rate_above_average(judged, DEFAULT)
    assert finding.runs == ("run-1", "run-2")
    assert "5 % of the records cannot be used; in the last 2 updates it was 2 % on average" in finding.message
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(("read", "expected"), [(0, ["source_empty"]), (1, [])])
def test_empty_source(read: int, expected: list[str]) -> None:
    findings = list(source_empty(context(counts=Counts(read=read)), DEFAULT))
    assert codes(findings) == expected
    assert all(finding.severity is Severity.WARNING for finding in findings)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(read=20, updated=20), ["every_record_changed"]),
        (Counts(read=19, updated=19), []),
        (Counts(read=21, updated=20, unchanged=1), []),
        (Counts(read=40, updated=20, inserted=20), ["every_record_changed"]),
        (Counts(read=20, inserted=20), []),
    ],
)
def test_every_record_changed(counts: Counts, expected: list[str]) -> None:
    assert codes(list(every_record_changed(context(counts=counts), DEFAULT))) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ([Counts(read=30, updated=30)], []),  # a source that sends only what has changed
        ([Counts(read=30, updated=29, unchanged=1)], ["every_record_changed"]),
        ([Counts(read=30, inserted=30)], ["every_record_changed"]),  # the first load tells nothing
        ([Counts(updated=30)] * 10 + [Counts(updated=1, unchanged=29)], []),  # nor what is long ago
        ([Counts(updated=30)] * 9 + [Counts(updated=1, unchanged=29)], ["every_record_changed"]),
    ],
)
def test_a_source_of_changes_only_may_change_every_record(before: list[Counts], expected: list[str]) -> None:
    judged = context(counts=Counts(read=20, updated=20), history=earlier(*before))
    assert codes(list(every_record_changed(judged, DEFAULT))) == expected
