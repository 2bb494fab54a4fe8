from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.plugins.static_thresholds.world import World, codes, context, hearing
from validate_updates import Finding, Severity
from validate_updates_static_thresholds.settings import SqlCheck
from validate_updates_static_thresholds.sql_checks import as_number, judge, measure

COUNT = "select count(*) from hearings where committee_id is null"


def judged(value: float, **limits: float) -> list[Finding]:
    check = SqlCheck(name="lonely", sql=COUNT, **limits)  # type: ignore[arg-type]  # keys are checked at run time
    return list(judge(check, context(metrics={"check.lonely": value})))


@pytest.mark.parametrize(
    ("value", "severity"),
    [
        (0, Severity.CRITICAL),
        (1, Severity.WARNING),
        (2, None),
        (10, None),
        (10.5, Severity.WARNING),
        (20, Severity.WARNING),
        (20.01, Severity.CRITICAL),
    ],
)
def test_both_sides_of_every_limit(value: float, severity: Severity | None) -> None:
    findings = judged(value, critical_below=1, warn_below=2, warn_above=10, critical_above=20)
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"warn_above": 2}, "at most 2"),
        ({"warn_above": 0}, "at most 0"),
        ({"warn_below": 9.5}, "at least 9.5"),
        ({"critical_below": 5, "critical_above": 6}, "5 to 6"),
    ],
)
def test_the_expected_range_is_that_of_the_limit_crossed(limits: dict[str, float], expected: str) -> None:
    (finding,) = judged(7, **limits)
    assert finding.expected == expected
    assert (finding.code, finding.metric, finding.observed) == ("sql_check_outside_limits", "check.lonely", 7)


def test_the_owner_s_message_leads(world: World) -> None:
    world.hold(hearing(1, committee_id=None), hearing(2))
    check = SqlCheck(name="lonely", sql=COUNT, warn_above=0, message="Hearings without a committee.")
    assert measure(check, world.context()) == 1
    (finding,) = judge(check, world.context())
    assert finding.message == "Hearings without a committee: 1, at most 0 is expected"


def test_a_number_that_was_measured_is_not_asked_for_again(world: World) -> None:
    reader = world.reader
    check = SqlCheck(name="lonely", sql=COUNT, warn_above=0)
    assert codes(list(judge(check, world.context(db=reader, metrics={"check.lonely": 1})))) == [
        "sql_check_outside_limits"
    ]
    assert reader.asked == []


@pytest.mark.parametrize("sql", ["select null", "select 1 where 1 = 0", "select max(seats) from hearings"])
def test_null_is_not_checked_and_never_a_pass(world: World, sql: str) -> None:
    check = SqlCheck(name="lonely", sql=sql, warn_above=0)
    assert measure(check, world.context()) is None
    (finding,) = judge(check, world.context())
    assert (finding.code, finding.severity) == ("not_checked", Severity.WARNING)


def test_text_is_critical(world: World) -> None:
    check = SqlCheck(name="lonely", sql="select 'many'", warn_above=0)
    assert measure(check, world.context()) is None
    (finding,) = judge(check, world.context())
    assert (finding.code, finding.severity) == ("sql_check_not_a_number", Severity.CRITICAL)
    assert "'many' (str)" in finding.message


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (3, 3.0),
        (2.5, 2.5),
        (Decimal("0.25"), 0.25),
        (True, 1.0),
        (None, None),
        ("3", None),
        (b"3", None),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (10**400, None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_counts_as_a_number(answer: Any, value: float | None) -> None:
    assert as_number(answer) == value


def test_what_counts_as_a_number_in_a_database(world: World) -> None:
    world.hold(hearing(1, seats=1), hearing(2, seats=2))
    value = partial(measure, context=world.context())
    assert value(SqlCheck(name="mean", sql="select avg(seats) from hearings", warn_above=0)) == 1.5
    assert value(SqlCheck(name="many", sql="select count(*) > 1 from hearings", warn_above=0)) == 1
    assert codes(list(judge(SqlCheck(name="n", sql="select 2 > 1", critical_below=2), world.context()))) == [
        "sql_check_outside_limits"
    ]
