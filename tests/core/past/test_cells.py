"""What a cell of somebody else's log means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates.journal.rows import RunState
from validate_updates.past.cells import BadCell, count, is_nothing, moment, number, state

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SIX = datetime(2025, 1, 14, 6, tzinfo=UTC)
anything = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.dates()
)


@pytest.mark.parametrize(
    "cell",
    [
        "2025-01-14 06:00:00",
        "2025-01-14T06:00:00Z",
        " 2025-01-14T06:00 ",
        "2025-01-14 06:00:00 UTC",
        "2025-01-14 08:00:00+02:00",
        "20250114T060000",
        "20250114060000",
        "1736834400",
        "1736834400000",
        "1736834400.0",
        1736834400,
        1736834400.0,
        Decimal(1736834400),
        datetime(2025, 1, 14, 6),  # noqa: DTZ001  # as a driver gives it
        datetime(2025, 1, 14, 7, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_moment_in_many_spellings(cell: Any) -> None:
    assert moment(cell, UTC, NOW) == SIX


@pytest.mark.parametrize("cell", ["2025-01-14", "20250114", date(2025, 1, 14)])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_a_day_is_noon_whatever_the_zone(cell: Any, zone: str) -> None:
    assert moment(cell, ZoneInfo(zone), NOW) == datetime(2025, 1, 14, 12, tzinfo=UTC)


def test_a_zone_is_for_times_that_name_none() -> None:
    zone = ZoneInfo("America/New_York")

    assert moment("2025-01-14 01:00", zone, NOW) == SIX
    assert moment("2025-07-14 02:00", zone, NOW) == datetime(2025, 7, 14, 6, tzinfo=UTC)
    assert moment("2025-01-14 06:00Z", zone, NOW) == SIX
    assert moment("2025-01-14 06:00 UTC", zone, NOW) == SIX


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "nothing is not a time"),
        (None, "nothing is not a time"),
        ("01/14/2025", "'01/14/2025' is not a time"),
        ("2025-02-30", "is not a time"),
        ("06:00:00", "is not a time"),
        ("2025", "is not a time"),
        (2025, "is not a time"),
        (True, "is not a time"),
        (b"2025-01-14", "is not a time"),
        ("0001-01-01 00:00:00", "before 1970"),
        ("0001-01-01T00:00:00+14:00", "is not a time"),
        ("2026-11-24", "in the future"),
        (float("nan"), "is not a time"),
        (float("inf"), "is not a time"),
        (Decimal("sNaN"), "is not a time"),
        ("\x1b[31m", r"\\x1b"),
    ],
)
def test_what_is_no_moment(cell: Any, reason: str) -> None:
    with pytest.raises(BadCell, match=reason):
        moment(cell, UTC, NOW)


def test_a_clock_that_is_a_little_ahead() -> None:
    assert moment("2026-11-23", UTC, NOW) == datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("cell", ["12", " 12 ", "12.0", "+12", "1.2e1", 12, 12.0, Decimal(12)])
def test_a_number_in_many_spellings(cell: Any) -> None:
    assert number(cell) == count(cell) == 12.0


@pytest.mark.parametrize(
    "cell",
    [
        "",
        None,
        "x",
        "1,234",
        "0x10",
        "1_000",
        True,
        "inf",
        "nan",
        "١٢",
        10**400,
        pytest.param(10**5000, id="huge"),
        "1e999",
    ],
)
def test_what_is_no_number(cell: Any) -> None:
    with pytest.raises(BadCell):
        number(cell)


@pytest.mark.parametrize("cell", ["-1", "1.5", 2**63, "1e30"])
def test_what_is_no_count(cell: Any) -> None:
    assert number(cell)
    with pytest.raises(BadCell, match="not a count"):
        count(cell)


@pytest.mark.parametrize(
    ("cell", "column", "meaning"),
    [
        ("Success", "status", RunState.COMMITTED),
        ("COMPLETED", "status", RunState.COMMITTED),
        ("failed", "status", RunState.FAILED),
        ("timed out", "status", RunState.FAILED),
        ("Rolled-Back", "status", RunState.ROLLED_BACK),
        ("partial success", "status", RunState.COMMITTED_WITH_QUARANTINE),
        ("killed", "status", RunState.INTERRUPTED),
        ("rejected", "status", RunState.REJECTED),
        ("in progress", "status", RunState.RUNNING),
        ("1", "success", RunState.COMMITTED),
        ("0", "success", RunState.FAILED),
        (0, "Success", RunState.FAILED),
        ("no", "ok", RunState.FAILED),
        (True, "whatever", RunState.COMMITTED),
        ("0", "exit_code", RunState.COMMITTED),
        ("137", "exit_code", RunState.FAILED),
        (-9, "returncode", RunState.FAILED),
    ],
)
def test_how_a_run_ended(cell: Any, column: str, meaning: RunState) -> None:
    assert state(cell, column) is meaning


@pytest.mark.parametrize("cell", ["", None, "0", "1", 0, "maybe", 1.0, "x" * 10_000])
def test_what_is_no_state(cell: Any) -> None:
    with pytest.raises(BadCell, match="is no state") as refused:
        state(cell, "status")
    assert len(str(refused.value)) < 200


@given(cell=anything)
def test_any_cell_is_read_or_refused(cell: Any) -> None:
    for read in (lambda one: moment(one, UTC, NOW), number, count, lambda one: state(one, "status")):
        try:
            read(cell)
        except BadCell as reason:
            assert str(reason).isprintable()
    assert isinstance(is_nothing(cell), bool)
