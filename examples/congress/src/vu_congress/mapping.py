"""From what the API says of a meeting to a record of the table ``hearings``.

The API gives dates and times in UTC and calls things by other names than the database; an empty value is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

_RAW_LENGTH = 2000
"""Characters of a meeting that its entry in the quarantine holds."""


class BadMeeting(Exception):
    """What the API says makes no meeting."""

    def __init__(self, what: str, answer: object) -> None:
        super().__init__(what)
        self.raw = msgspec.json.encode(answer).decode()[:_RAW_LENGTH]


def record_of(answer: object) -> dict[str, Any]:
    """The record of an answer ``{"committeeMeeting": {…}}``. Raises :class:`BadMeeting`."""
    meeting = answer.get("committeeMeeting") if isinstance(answer, Mapping) else None
    if not isinstance(meeting, Mapping):
        raise BadMeeting("the answer is about no meeting", answer)
    try:
        return _hearing(meeting)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BadMeeting(f"the meeting cannot be understood: {what}", answer) from error


def _hearing(meeting: Mapping[str, Any]) -> dict[str, Any]:
    begins = _moment(meeting.get("date"))
    changed = _moment(meeting["updateDate"])
    return {
        "event_id": str(meeting["eventId"]),
        "congress": meeting["congress"],
        "chamber": meeting["chamber"],
        "title": meeting.get("title") or "",
        "hearing_type": meeting["type"],
        "status": meeting["meetingStatus"],
        "hearing_date": f"{begins:%Y-%m-%d}" if begins else None,
        "hearing_date_only": f"{begins:%Y-%m-%d}" if begins else None,
        "hearing_time": f"{begins:%H:%M:%S}" if begins else None,
        "location": _location(meeting.get("location")),
        "url": meeting.get("url"),
        "update_date": f"{changed:%Y-%m-%d %H:%M:%S}" if changed else None,
    }


def _moment(text: str | None) -> datetime | None:
    """A moment in UTC; nothing for nothing."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _location(location: Mapping[str, Any] | None) -> str | None:
    """A room in a building, or the address of a field hearing."""
    if not location:
        return None
    address = location.get("address")
    if isinstance(address, Mapping):
        parts = [address.get(name) for name in ("buildingName", "streetAddress", "city", "state", "postalCode")]
    else:
        parts = [location.get("room"), location.get("building")]
    return ", ".join(str(part).strip() for part in parts if part) or None
