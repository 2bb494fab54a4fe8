"""Which days belong together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from validate_updates import UsageError
from validate_updates.errors import SettingsError
from validate_updates.manager import load
from validate_updates_historical.seasons import Calendar, seasons

HOLIDAYS = """BEGIN:VCALENDAR\r
BEGIN:VEVENT\r
SUMMARY:New Year and what\r
  follows\r
DTSTART;VALUE=DATE:20200101\r
DTEND;VALUE=DATE:20200103\r
RRULE:FREQ=YEARLY\r
BEGIN:VALARM\r
DURATION:PT5M\r
END:VALARM\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART:20250529T100000Z\r
DTEND:20250530T100000Z\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20250901\r
STATUS:CANCELLED\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_days_ranges_and_the_rest() -> None:
    known = seasons(Calendar(periods={"recess": ("2025-08-01/2025-09-01",), "holidays": ("2025-07-04", "2025-08-15")}))

    assert known.of(date(2025, 7, 31)) is None
    assert known.of(date(2025, 8, 1)) == known.of(date(2025, 9, 1)) == "recess"
    assert known.of(date(2025, 9, 2)) is None
    assert known.of(date(2025, 7, 4)) == "holidays"
    assert known.of(date(2025, 8, 15)) == "recess", "the first that is named"


def test_days_are_those_of_utc() -> None:
    known = seasons(Calendar(periods={"holidays": ("2025-07-04",)}))

    assert known.of(datetime(2025, 7, 5, 1, tzinfo=timezone(timedelta(hours=2)))) == "holidays"
    assert known.of(datetime(2025, 7, 5, 1, tzinfo=UTC)) is None


def test_month_ends() -> None:
    known = seasons(Calendar(month_ends=2))

    assert [known.of(date(2024, 2, day)) for day in (27, 28, 29)] == [None, "month end", "month end"]
    assert seasons(Calendar()).of(date(2024, 2, 29)) is None


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "holidays.ics"
    file.write_bytes(HOLIDAYS.encode())
    known = seasons(Calendar(periods={"holidays": (str(file),)}))

    days = [
        "2019-01-01",
        "2020-01-01",
        "2024-01-02",
        "2024-01-03",
        "2025-05-29",
        "2025-05-30",
        "2025-05-31",
        "2025-09-01",
    ]
    found = [day for day in days if known.of(date.fromisoformat(day))]

    assert found == ["2020-01-01", "2024-01-02", "2025-05-29", "2025-05-30"]


def test_a_year_that_turns_within_a_period(tmp_path: Path) -> None:
    file = tmp_path / "winter.ics"
    file.write_text(
        "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20231229\nDTEND;VALUE=DATE:20240103\nRRULE:FREQ=YEARLY\nEND:VEVENT\n"
    )
    known = seasons(Calendar(periods={"winter": (str(file),)}))

    assert [known.of(date(2026, 1, day)) for day in (2, 3)] == ["winter", None]
    assert known.of(date(2023, 1, 2)) is None


def test_days_that_come_again_but_for_some(tmp_path: Path) -> None:
    file = tmp_path / "fridays.ics"
    file.write_text(
        "BEGIN:VEVENT\nDTSTART;TZID=America/New_York:20250103T180000\nDURATION:P2DT6H\nRRULE:FREQ=WEEKLY;BYDAY=FR\n"
        "EXDATE:20250117T180000,20250124T180000\nEXDATE:20250207T180000\nEND:VEVENT\n"
    )
    known = seasons(Calendar(periods={"weekend": (str(file),)}))

    january = [day for day in range(1, 32) if known.of(date(2025, 1, day))]

    assert january == [3, 4, 5, 10, 11, 12, 31]
    assert [known.of(date(2025, 2, day)) for day in (1, 2, 3, 7, 8, 14)] == [*["weekend"] * 2, *[None] * 3, "weekend"]


def test_weeks_that_overlap(tmp_path: Path) -> None:
    file = tmp_path / "weeks.ics"
    file.write_text(
        "BEGIN:VEVENT\nDTSTART:20250101\nDTEND:20250106\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20250103\nEND:VEVENT\n"
    )
    known = seasons(Calendar(periods={"long": (str(file),)}))

    assert [day for day in range(1, 10) if known.of(date(2025, 1, day))] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("DTSTART:20250101\nRRULE:FREQ=HOURLY", "FREQ=HOURLY in a rule is not read"),
        ("DTSTART:20250101\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY", "RRULE 2 times"),
        ("DTSTART:20250101\nRDATE:20250105", "RDATE is not read"),
        ("DTSTART:20250101\nRECURRENCE-ID:20250105", "RECURRENCE-ID is not read"),
        ("DTSTART:20250101\nDURATION:2 days", "'2 days' is no duration"),
        ("DTSTART:20250101\nDURATION:P99999999999D", "event that ends in line"),
        ("DTSTART:soon", "'soon' is no day"),
        ("SUMMARY:nothing", "'' is no day"),
        ("DTSTART:20250102\nDTEND:20250101", "ends before it begins"),
        ("DTSTART:20251301", "month"),
    ],
)
def test_what_a_file_holds_that_is_not_read(tmp_path: Path, event: str, said: str) -> None:
    file = tmp_path / "holidays.ics"
    file.write_text(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n")

    with pytest.raises(UsageError, match=said):
        seasons(Calendar(periods={"holidays": (str(file),)}))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        seasons(Calendar(periods={"holidays": (str(tmp_path / "none.ics"),)}))


@pytest.mark.parametrize("days", ["yesterday", "2025-02-30", "2025-09-01/2025-08-01", "2025-07-04/"])
def test_settings_that_are_no_days(days: str) -> None:
    with pytest.raises(SettingsError, match=r"plugins\.historical\.calendar: periods\.recess"):
        load(["historical"], {"historical": {"calendar": {"periods": {"recess": [days]}}}})
