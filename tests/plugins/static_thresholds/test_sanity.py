from __future__ import annotations

from dataclasses import replace

import pytest

from tests.plugins.static_thresholds.world import World, codes, context, earlier, hearing
from validate_updates import Counts, Severity
from validate_updates_static_thresholds.sanity import (
    count_orphans,
    database_damaged,
    last_run_recent,
    orphans_before,
    table_missing,
    table_too_small,
)
from validate_updates_static_thresholds.settings import StaticThresholds

DEFAULT = StaticThresholds()


def test_a_required_table_that_does_not_exist(world: World) -> None:
    limits = StaticThresholds(required_tables=("hearings", "witnesses"), minimum_rows={"minutes": 0, "committees": 1})
    findings = list(table_missing(world.context(), limits))
    assert [(finding.code, finding.table) for finding in findings] == [
        ("table_missing", "minutes"),
        ("table_missing", "witnesses"),
    ]
    assert all(finding.severity is Severity.CRITICAL for finding in findings)


def test_required_tables_that_exist_pass(world: World) -> None:
    assert not list(table_missing(world.context(), StaticThresholds(required_tables=("hearings", "committees"))))


@pytest.mark.parametrize(("least", "expected"), [(2, []), (3, ["table_too_small"]), (0, [])])
def test_minimum_rows(world: World, least: int, expected: list[str]) -> None:
    world.hold(hearing(1), hearing(2))
    findings = list(table_too_small(world.context(), StaticThresholds(minimum_rows={"hearings": least})))
    assert codes(findings) == expected
    for finding in findings:
        assert finding.message == "the table hearings holds 2 rows before the update; it should hold at least 3"
        assert (finding.observed, finding.expected, finding.severity) == (2, "at least 3", Severity.CRITICAL)


def test_minimum_rows_leaves_a_missing_table_to_the_check_of_tables(world: World) -> None:
    assert not list(table_too_small(world.context(), StaticThresholds(minimum_rows={"minutes": 5})))


def test_damage_is_critical_and_shown_with_examples(world: World) -> None:
    reader = replace(world.reader, damage=[f"row {number} missing from index" for number in range(9)])
    (finding,) = database_damaged(world.context(db=reader), DEFAULT)
    assert (finding.code, finding.severity, finding.observed) == ("database_damaged", Severity.CRITICAL, 9)
    assert "row 0 missing from index" in finding.message
    assert len(finding.samples) == 3


@pytest.mark.parametrize(("most", "asked"), [(3, "full"), (2, "quick"), (0, "quick")])
def test_a_sound_database_passes_and_a_large_one_is_checked_quickly(world: World, most: int, asked: str) -> None:
    world.hold(hearing(1), hearing(2))  # and one committee: three rows
    reader = world.reader
    assert not list(database_damaged(world.context(db=reader), StaticThresholds(full_integrity_rows=most)))
    assert reader.asked == [asked]


def test_orphans_are_counted_in_total_and_by_foreign_key(world: World) -> None:
    assert count_orphans(world.context()) == {"total": 0}
    world.hold(hearing(1), hearing(2, committee_id=7), hearing(3, committee_id=8))
    assert count_orphans(world.context()) == {"total": 2, "hearings.committee_id -> committees": 2}


def test_orphans_of_before_are_a_warning() -> None:
    metrics = {"foreign_key_orphans.total": 2, "foreign_key_orphans.hearings.committee_id -> committees": 2}
    (finding,) = orphans_before(context(metrics=metrics), DEFAULT)
    assert (finding.code, finding.severity, finding.table) == ("orphans_before", Severity.WARNING, "hearings")
    assert finding.message.startswith(
        "before the update 2 rows pointed nowhere by the foreign key hearings.committee_id"
    )


def test_no_orphans_pass_and_uncounted_ones_are_not_taken_for_none() -> None:
    assert not list(orphans_before(context(metrics={"foreign_key_orphans.total": 0}), DEFAULT))
    assert codes(list(orphans_before(context(), DEFAULT))) == ["not_checked"]


@pytest.mark.parametrize(("seconds", "expected"), [(3600, []), (3599, ["last_run_recent"]), (-1, ["not_checked"])])
def test_the_time_since_the_last_update(seconds: float, expected: list[str]) -> None:
    findings = list(last_run_recent(context(history=earlier(Counts(), seconds_ago=seconds)), DEFAULT))
    assert codes(findings) == expected


def test_a_recent_update_is_named() -> None:
    (finding,) = last_run_recent(context(history=earlier(Counts(), Counts(), seconds_ago=90)), DEFAULT)
    assert (finding.severity, finding.runs) == (Severity.WARNING, ("run-1",))
    assert finding.message == "the last update started 90 seconds before this one; 3600 or more are expected"


def test_the_first_update_is_not_too_early() -> None:
    assert not list(last_run_recent(context(), DEFAULT))
