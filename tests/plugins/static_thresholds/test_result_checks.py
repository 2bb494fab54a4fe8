from __future__ import annotations

from dataclasses import replace

import pytest

from tests.plugins.static_thresholds.world import NO_DATABASE, TARGET, World, codes, context, hearing
from validate_updates import Counts, Moment, Severity
from validate_updates_static_thresholds.result_checks import foreign_keys_violated, keys_duplicated, table_left_empty
from validate_updates_static_thresholds.sanity import count_orphans
from validate_updates_static_thresholds.settings import StaticThresholds

DEFAULT = StaticThresholds()


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(read=3, quarantined=3), ["table_left_empty"]),
        (Counts(deleted=3), ["table_left_empty"]),
        (Counts(), []),  # empty before, nothing came
    ],
)
def test_a_table_left_empty(world: World, counts: Counts, expected: list[str]) -> None:
    findings = list(table_left_empty(world.context(moment=Moment.RESULT, counts=counts), DEFAULT))
    assert codes(findings) == expected
    assert all(finding.severity is Severity.CRITICAL for finding in findings)


def test_one_row_is_not_empty(world: World) -> None:
    world.hold(hearing(1))
    assert not list(table_left_empty(world.context(counts=Counts(read=3, quarantined=3, deleted=2)), DEFAULT))


def test_orphans_that_the_update_brings_are_critical_and_those_of_before_are_not(world: World) -> None:
    world.hold(hearing(1, committee_id=7))
    before = {f"foreign_key_orphans.{name}": count for name, count in count_orphans(world.context()).items()}
    result = world.context(moment=Moment.RESULT, metrics=before)
    assert not list(foreign_keys_violated(result, DEFAULT))
    world.hold(hearing(2, committee_id=8))
    (finding,) = foreign_keys_violated(result, DEFAULT)
    assert (finding.code, finding.severity) == ("foreign_keys_violated", Severity.CRITICAL)
    assert (finding.observed, finding.expected, finding.table) == (2, "at most 1", "hearings")
    assert "2 rows of hearings would point nowhere" in finding.message


def test_fewer_orphans_than_before_pass(world: World) -> None:
    world.hold(hearing(1, committee_id=7))
    metrics = {"foreign_key_orphans.hearings.committee_id -> committees": 2.0}
    assert not list(foreign_keys_violated(world.context(metrics=metrics), DEFAULT))


def test_orphans_whose_number_before_is_unknown_count_as_new(world: World) -> None:
    world.hold(hearing(1, committee_id=7))
    assert codes(list(foreign_keys_violated(world.context(), DEFAULT))) == ["foreign_keys_violated"]


def test_duplicated_keys(world: World) -> None:
    world.hold(hearing(1), hearing(2), hearing(2), hearing(3), hearing(3), hearing(3))
    world.hold(hearing(0, event_id=None), hearing(0, event_id=None))  # without a key there is none to repeat
    (finding,) = keys_duplicated(world.context(), DEFAULT)
    assert (finding.code, finding.severity, finding.observed) == ("keys_duplicated", Severity.CRITICAL, 2)
    assert sorted(finding.samples) == ["event_id=e2", "event_id=e3"]


def test_single_keys_pass(world: World) -> None:
    world.hold(hearing(1), hearing(2))
    assert not list(keys_duplicated(world.context(), DEFAULT))


def test_a_key_of_several_columns_is_duplicated_only_as_a_whole(world: World) -> None:
    target = replace(TARGET, key=("event_id", "seats"))
    world.hold(hearing(1, seats=1), hearing(1, seats=2))
    assert not list(keys_duplicated(world.context(target=target), DEFAULT))
    world.hold(hearing(1, seats=2))
    (finding,) = keys_duplicated(world.context(target=target), DEFAULT)
    assert finding.samples == ("event_id=e1, seats=2",)
    assert finding.message == "1 key stands in more than one row of hearings, such as event_id=e1, seats=2"


def test_what_a_constraint_forbids_is_not_asked_for_again() -> None:
    target = replace(TARGET, key=("event_id", "seats"), unique=(("event_id",),))
    assert not list(keys_duplicated(context(target=target, db=NO_DATABASE), DEFAULT))
