"""Times and days as they are typed."""

from __future__ import annotations

from datetime import UTC, date, datetime

from validate_updates.errors import UsageError


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


def as_day(option: str, text: str | None) -> date | None:
    """The day that was typed; None where nothing was."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a day", hint="such as 2024-05-01") from None
