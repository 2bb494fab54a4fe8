"""Days that come again, by rules that calendars in use hold; the dates are those of the calendar on the wall."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates_historical.recurrence import WEEKDAYS, rule, starts


def days(text: str, first: str, year: int) -> list[str]:
    return [str(day) for day in starts(rule(text), datetime.fromisoformat(first), year)]


@pytest.mark.parametrize(
    ("text", "first", "year", "expected"),
    [
        ("FREQ=YEARLY", "2022-07-04", 2024, "2022-07-04 2023-07-04 2024-07-04"),
        ("FREQ=YEARLY", "2020-02-29", 2024, "2020-02-29 2024-02-29"),
        ("FREQ=YEARLY;INTERVAL=4", "2016-11-08", 2026, "2016-11-08 2020-11-08 2024-11-08"),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "2023-11-23", 2025, "2023-11-23 2024-11-28 2025-11-27"),
        ("FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", "2023-05-29", 2025, "2023-05-29 2024-05-27 2025-05-26"),
        ("FREQ=YEARLY;BYDAY=-1SU", "2023-12-31", 2025, "2023-12-31 2024-12-29 2025-12-28"),
        ("FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR", "2023-01-13", 2024, "2023-01-13 2023-10-13 2024-09-13 2024-12-13"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=4", "2023-11-30", 2025, "2023-11-30 2023-12-31 2024-01-31 2024-02-29"),
        ("FREQ=MONTHLY;COUNT=3", "2024-01-31", 2025, "2024-01-31 2024-03-31 2024-05-31"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYMONTH=1,2", "2024-01-01", 2024, "2024-01-01 2024-02-05"),
        ("FREQ=WEEKLY;COUNT=3", "2024-12-27", 2025, "2024-12-27 2025-01-03 2025-01-10"),
        ("FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20250110", "2025-01-03", 2025, "2025-01-03 2025-01-06 2025-01-10"),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "1997-08-05",
            1997,
            "1997-08-05 1997-08-10 1997-08-19 1997-08-24",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "1997-08-05",
            1997,
            "1997-08-05 1997-08-17 1997-08-19 1997-08-31",
        ),
        ("FREQ=DAILY;INTERVAL=3;COUNT=3;", "2024-02-27", 2024, "2024-02-27 2024-03-01 2024-03-04"),
        ("freq=daily;byday=sa,su;until=20250208T120000Z", "2025-02-01", 2025, "2025-02-01 2025-02-02 2025-02-08"),
        ("FREQ=MONTHLY;BYMONTHDAY=30;BYMONTH=2", "2024-02-01", 2025, "2024-02-01"),
    ],
)
def test_the_days_of_a_rule(text: str, first: str, year: int, expected: str) -> None:
    assert days(text, first, year) == expected.split()


def test_an_end_by_the_clock_is_before_what_begins_later_on_that_day() -> None:
    assert days("FREQ=DAILY;UNTIL=20250103T090000", "2025-01-01T09:00", 2025)[-1] == "2025-01-03"
    assert days("FREQ=DAILY;UNTIL=20250103T035959Z", "2025-01-01T09:00", 2025)[-1] == "2025-01-02"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FREQ=HOURLY", "FREQ=HOURLY in a rule is not read"),
        ("INTERVAL=2", "FREQ= in a rule is not read"),
        ("FREQ=YEARLY;BYSETPOS=1;BYWEEKNO=20", "BYSETPOS, BYWEEKNO in a rule is not read"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20250101", "COUNT or by UNTIL"),
        ("FREQ=WEEKLY;BYDAY=2MO", "BYDAY with a number is not read with WEEKLY"),
        ("FREQ=MONTHLY;BYDAY=2MO;BYMONTHDAY=3", "BYDAY with a number is not read with BYMONTHDAY"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "BYMONTHDAY is not read with WEEKLY"),
        ("FREQ=WEEKLY;BYDAY=XX", "'XX' is no weekday"),
        ("FREQ=MONTHLY;BYDAY=0MO", "'0MO' is no weekday"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0 is out of range"),
        ("FREQ=DAILY;COUNT=3,4", "COUNT=3,4 is more than one number"),
        ("FREQ=DAILY;INTERVAL=2,5", "INTERVAL=2,5 is more than one number"),
        ("FREQ=WEEKLY;WKST=2MO", "WKST=2MO is no weekday"),
        ("FREQ=MONTHLY;BYDAY=9MO", "BYDAY=9MO is out of range with MONTHLY"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=-6SU", "BYDAY=-6SU is out of range with YEARLY"),
        ("FREQ=YEARLY;BYDAY=54SU", "BYDAY=54SU is out of range with YEARLY"),
        ("FREQ=DAILY;COUNT=many", "COUNT=MANY is no number"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH=13 is out of range"),
        ("FREQ=DAILY;UNTIL=soon", "UNTIL=SOON is no day"),
        ("FREQ=DAILY;FREQ=DAILY", "is no rule"),
        ("daily", "is no rule"),
    ],
)
def test_what_is_not_read_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rule(text)


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    weekdays = draw(st.lists(st.sampled_from(WEEKDAYS), max_size=3, unique=True))
    months = draw(st.lists(st.integers(1, 12), max_size=2, unique=True))
    ends = draw(st.sampled_from(["", "COUNT=7", "UNTIL=20230616"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 4))}", ends]
    parts += [f"BYDAY={','.join(weekdays)}"] if weekdays else []
    parts += [f"BYMONTH={','.join(map(str, months))}"] if months else []
    return ";".join(filter(None, parts))


@given(text=rules(), first=st.datetimes(datetime(2019, 1, 1), datetime(2022, 12, 31)))  # noqa: DTZ001  # days of a wall
def test_a_later_look_sees_the_same_days_and_more(text: str, first: datetime) -> None:
    known = rule(text)
    found, more = starts(known, first, 2023), starts(known, first, 2025)

    assert more[: len(found)] == found
    assert all(day.year > 2023 for day in more[len(found) :])
    assert list(more) == sorted(set(more))
    assert more[0] == first.date()
    assert all((None, day.weekday()) in known.weekdays for day in more[1:] if known.weekdays)
    assert all(day.month in known.months for day in more[1:] if known.months)
    assert len(more) <= (known.count or len(more))
    assert known.until is None or more[-1] <= max(date(2023, 6, 16), first.date())
