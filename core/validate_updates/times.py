"""Times and days as they are typed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from validate_updates.errors import UsageError

MOST_DAYS: Final = 36_500
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The longest window before it is still in the calendar."""


def as_time(option: str, text: str | None) -> datetime | None:
    """The moment that was typed, in UTC unless it says otherwise; a day begins at midnight. None where nothing was.

    Raises ``UsageError`` naming the option.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text!r} is not a time", hint="such as 2024-05-01, or 2024-05-01T06:00Z") from None


def as_window(days: float, as_of: str) -> tuple[datetime, datetime]:
    """Since when and until when: the last ``days`` before what was typed as ``--as-of``, or before now.

    Raises ``UsageError`` where that is no window, or reaches out of the calendar.
    """
    until = as_time("--as-of", as_of or None) or datetime.now(UTC)
    check_window(days, until)
    return until - timedelta(days=days), until


def check_window(days: float, until: datetime) -> None:
    """Raises ``UsageError`` where that is no window, or reaches out of the calendar."""
    if not 0 < days <= MOST_DAYS:  # what is not a number is in no range
        raise UsageError(f"--days is more than 0, and at most {MOST_DAYS:,}")
    if until < EARLIEST:
        day = until.date().isoformat()
        raise UsageError(f"--as-of {day!r} is before {EARLIEST:%Y}", hint="such as 2024-05-01T06:00Z")


def as_day(option: str, text: str | None) -> date | None:
    """The day that was typed; None where nothing was."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a day", hint="such as 2024-05-01") from None
