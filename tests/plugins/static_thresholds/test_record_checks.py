from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from tests.plugins.static_thresholds.world import PLANNED, TARGET, World, codes, hearing
from validate_updates import Context, Counts, Finding, Severity
from validate_updates_static_thresholds.record_checks import (
    LOOKED_AT,
    dates_out_of_range,
    measure_values,
    text_repeated,
    values_missing,
)
from validate_updates_static_thresholds.settings import StaticThresholds

DEFAULT = StaticThresholds()
PLACEHOLDER = "To receive a closed briefing on certain matters."


def findings_of(
    check: Callable[[Context, StaticThresholds], Iterable[Finding]],
    world: World,
    limits: StaticThresholds = DEFAULT,
    **options: Any,
) -> list[Finding]:
    """What a check finds, after the metric that it rests on was measured."""
    numbers = measure_values(limits, world.context(**options))
    metrics = {f"values.{name}": value for name, value in numbers.items()}
    return list(check(world.context(metrics=metrics, **options), limits))


def at(day: str) -> datetime:
    return datetime.fromisoformat(day)


# Dates. Now is noon of 2025-07-08, so that 2023-07-08 to 2027-07-08 are in range, as whole days.


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"hearing_date": date(2023, 7, 8), "update_date": at("2023-07-08T00:00:00")}, None),
        ({"hearing_date": date(2027, 7, 8), "update_date": at("2027-07-08T23:59:59.999999")}, None),
        ({"hearing_date": None, "update_date": None}, None),
        ({"hearing_date": date(2023, 7, 7)}, "hearing_date"),
        ({"hearing_date": date(2027, 7, 9)}, "hearing_date"),
        ({"update_date": at("2023-07-07T23:59:59")}, "update_date"),
        ({"update_date": at("2027-07-09T00:00:00")}, "update_date"),
        ({"hearing_date": date(1, 1, 1)}, "hearing_date"),
        ({"hearing_date": date(9999, 12, 31)}, "hearing_date"),
    ],
)
def test_dates_out_of_range(world: World, cells: dict[str, object], column: str | None) -> None:
    world.stage(hearing(1), hearing(2, **cells))
    findings = findings_of(dates_out_of_range, world)
    assert [finding.column for finding in findings] == ([column] if column else [])


def test_dates_out_of_range_are_shown_with_the_keys_of_their_records(world: World) -> None:
    world.stage(hearing(1), *(hearing(number, hearing_date=date(2250, 1, number)) for number in range(2, 7)))
    (finding,) = findings_of(dates_out_of_range, world)
    assert (finding.code, finding.severity, finding.observed) == ("dates_out_of_range", Severity.WARNING, 5)
    assert finding.samples == ("2250-01-02 (event_id=e2)", "2250-01-03 (event_id=e3)", "2250-01-04 (event_id=e4)")
    assert finding.expected == "2023-07-08 to 2027-07-08"
    assert finding.message.startswith(
        "5 of 6 records written have a hearing_date before 2023-07-08 or after 2027-07-08"
    )


def test_the_years_can_be_set_and_counted_from_a_leap_day(world: World) -> None:
    world.stage(hearing(1, hearing_date=date(2023, 2, 28)), hearing(2, hearing_date=date(2024, 3, 1)))
    limits = StaticThresholds(years_back=1, years_ahead=0, date_columns=("hearing_date",))
    (finding,) = findings_of(dates_out_of_range, world, limits, as_of=datetime(2024, 2, 29, tzinfo=UTC))
    assert finding.samples == ("2024-03-01 (event_id=e2)",)


def test_only_the_chosen_date_columns_are_looked_at(world: World) -> None:
    world.stage(hearing(1, hearing_date=date(2250, 1, 1)))
    limits = StaticThresholds(date_columns=("update_date", "birthday"))
    findings = findings_of(dates_out_of_range, world, limits)
    assert codes(findings) == ["not_checked"]
    assert "birthday" in findings[0].message


def test_dates_of_records_that_change_nothing_are_not_looked_at(world: World) -> None:
    world.stage(hearing(1, hearing_date=date(2250, 1, 1)), write=False)
    world.delete(row=1)
    assert codes(findings_of(dates_out_of_range, world)) == ["not_checked"]


def test_records_without_dates_are_reported_as_such(world: World) -> None:
    world.stage(hearing(1, hearing_date=date(2250, 1, 1)))
    assert codes(findings_of(dates_out_of_range, world, columns=("event_id", "title"))) == ["not_checked"]


# Repeated texts.


@pytest.mark.parametrize(("times", "expected"), [(5, []), (6, ["text_repeated"])])
@pytest.mark.parametrize("text", [PLACEHOLDER, ""])
def test_a_text_in_many_records(world: World, times: int, expected: list[str], text: str) -> None:
    world.stage(
        *(hearing(number) for number in range(5)), *(hearing(10 + number, title=text) for number in range(times))
    )
    findings = findings_of(text_repeated, world)
    assert codes(findings) == expected
    for finding in findings:
        assert (finding.severity, finding.column, finding.observed) == (Severity.WARNING, "title", 6)
        assert finding.message == f"6 of 11 records written have the same title, {text!r}; at most 5 are expected"


def test_short_texts_and_missing_ones_may_repeat(world: World) -> None:
    world.stage(*(hearing(number, title=None, location="Room 1") for number in range(9)))
    assert not findings_of(text_repeated, world)


def test_long_texts_are_those_of_twenty_characters_on_average_without_the_empty(world: World) -> None:
    columns = ("event_id", "title")
    for length, expected in ((20, ["text_repeated"]), (19, [])):
        world.stage(*(hearing(length * 100 + number, title="x" * length) for number in range(6)))
        world.stage(*(hearing(length * 100 + 50 + number, title="") for number in range(3)))
        assert codes(findings_of(text_repeated, world, columns=columns)) == expected
        world.connection.exec_driver_sql("delete from planned")


def test_chosen_columns_are_looked_at_whatever_their_length(world: World) -> None:
    world.stage(*(hearing(number, location="Room 1", title=PLACEHOLDER) for number in range(9)))
    findings = findings_of(text_repeated, world, StaticThresholds(repeated_text_columns=("location", "room")))
    assert [(finding.code, finding.column) for finding in findings] == [
        ("not_checked", None),
        ("text_repeated", "location"),
    ]


def test_the_commonest_texts_are_shown_bounded(world: World) -> None:
    texts = ["long " * 200, *(f"{PLACEHOLDER} {number}" for number in range(4))]
    world.stage(*(hearing(number, title=texts[number % 5 if number < 30 else 0]) for number in range(31)))
    (finding,) = findings_of(text_repeated, world)
    assert finding.observed == 7
    assert len(finding.samples) == 3
    assert f"'{('long ' * 16)}…'" in finding.message


def test_unique_columns_choices_and_numbers_are_no_free_text(world: World) -> None:
    enum = tuple(
        replace(column, choices=("Scheduled",)) if column.name == "status" else column for column in TARGET.columns
    )
    target = replace(TARGET, columns=enum, unique=(("title",),))
    world.stage(*(hearing(number, title=PLACEHOLDER, status="Scheduled since a long time") for number in range(9)))
    columns = ("title", "status", "seats", "hearing_date")
    findings = findings_of(text_repeated, world, target=target, columns=columns)
    assert codes(findings) == ["not_checked"]


def test_texts_of_no_records_are_reported_as_not_looked_at(world: World) -> None:
    world.stage(*(hearing(number, title=PLACEHOLDER) for number in range(9)), write=False)
    assert codes(findings_of(text_repeated, world)) == ["not_checked"]


# Missing values.


def stage_missing(world: World, missing: int, total: int, **cells: object) -> None:
    world.stage(*(hearing(number, **(cells if number < missing else {})) for number in range(total)))


@pytest.mark.parametrize(("missing", "expected"), [(6, []), (7, ["values_missing"])])
@pytest.mark.parametrize("cells", [{"location": None}, {"location": ""}, {"seats": None}, {"hearing_date": None}])
def test_missing_values(world: World, missing: int, expected: list[str], cells: dict[str, object]) -> None:
    stage_missing(world, missing, 20, **cells)
    findings = findings_of(values_missing, world)
    assert codes(findings) == expected
    assert [finding.column for finding in findings] == list(cells) * len(expected)


def test_missing_values_say_how_it_is_in_the_table(world: World) -> None:
    world.hold(hearing(1), hearing(2), hearing(3), hearing(4, location=""))
    stage_missing(world, 10, 20, location=None)
    (finding,) = findings_of(values_missing, world)
    assert finding.severity is Severity.WARNING
    assert finding.message == (
        "50 % of the records to be written have no location; at most 30 % is expected, and in the table it is 25 %"
    )


@pytest.mark.parametrize(("held", "expected"), [(1, []), (2, ["values_missing"])])
def test_a_column_as_empty_in_the_table_is_left_alone(world: World, held: int, expected: list[str]) -> None:
    """Ten of twenty records are without a location; of the rows in the table one in two, or one in three."""
    world.hold(hearing(100, location=None), *(hearing(101 + number) for number in range(held)))
    stage_missing(world, 10, 20, location=None)
    assert codes(findings_of(values_missing, world)) == expected


def test_a_few_records_are_no_share(world: World) -> None:
    stage_missing(world, 19, 19, location=None)
    findings = findings_of(values_missing, world)
    assert codes(findings) == ["not_checked"]
    assert "19 records to be written, 20 are needed" in findings[0].message


def test_columns_that_are_exempt_or_not_carried_may_be_empty(world: World) -> None:
    stage_missing(world, 20, 20, location=None, title="")
    columns = ("event_id", "location")
    assert not findings_of(values_missing, world, StaticThresholds(missing_exempt=("location",)), columns=columns)
    assert codes(findings_of(values_missing, world, columns=columns)) == ["values_missing"]


def test_the_order_of_moments_matters_an_update_of_all_rows_cannot_excuse_itself(world: World) -> None:
    """The table before is the measure: all its titles are there, and the update would empty every one."""
    world.hold(*(hearing(number) for number in range(20)))
    stage_missing(world, 20, 20, title="")
    (finding,) = findings_of(values_missing, world, counts=Counts(updated=20))
    assert finding.column == "title"


@pytest.mark.parametrize("check", [dates_out_of_range, text_repeated, values_missing])
def test_what_could_not_be_measured_is_not_taken_for_nothing_found(
    world: World, check: Callable[[Context, StaticThresholds], Iterable[Finding]]
) -> None:
    world.stage(hearing(1))
    (finding,) = check(world.context(), DEFAULT)
    assert finding.code == "not_checked"
    assert "the metric values could not be measured" in finding.message


def test_the_metric_tells_how_full_the_columns_are(world: World) -> None:
    world.stage(
        hearing(1, title="x" * 30, location=None), hearing(2, title="", location=""), hearing(3, title="x" * 40)
    )
    world.stage(hearing(4, title=None, hearing_date=date(2250, 1, 1)))
    numbers = measure_values(DEFAULT, world.context())
    assert (numbers["records"], numbers["missing.title"], numbers["missing.location"]) == (4, 50, 50)
    assert (numbers["text_length.title"], numbers["dates_outside.hearing_date"], numbers["missing.seats"]) == (35, 1, 0)
    assert {type(number) for number in numbers.values()} == {float}


def test_of_no_records_there_is_only_their_number(world: World) -> None:
    assert measure_values(DEFAULT, world.context()) == {"records": 0}


def test_a_bulk_load_is_searched_for_repeated_texts_only_in_part_and_says_so(world: World) -> None:
    world.stage(*(hearing(number, title=PLACEHOLDER) for number in range(9)))
    world.connection.execute(sa.update(PLANNED).where(PLANNED.c.pos > 3).values(pos=PLANNED.c.pos + LOOKED_AT))
    numbers = measure_values(DEFAULT, world.context())
    metrics = {f"values.{name}": value for name, value in numbers.items()} | {"values.records": LOOKED_AT + 1.0}
    (finding,) = text_repeated(world.context(metrics=metrics), DEFAULT)
    assert finding.message == "repeated texts are looked for in the first 10000 of 10001 records only"
    world.connection.execute(sa.update(PLANNED).where(PLANNED.c.pos > LOOKED_AT).values(pos=PLANNED.c.pos - LOOKED_AT))
    assert codes(list(text_repeated(world.context(metrics=metrics), DEFAULT))) == ["not_checked", "text_repeated"]
