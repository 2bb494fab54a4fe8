"""From what the API says of a meeting to a record: a hearing, its committees, and who appears before them.

The record is a unit: ``hearings`` with children for ``hearing_committees`` and ``witness_appearances``, which mean
their committee by its code and their witness by name and organization. What the API says of these two is told besides,
for the case that they are to be made. Dates and times are in UTC; an empty value is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

_RAW_LENGTH: Final = 2000
"""Characters of a meeting that its entry in the quarantine holds."""
_CHAMBERS: Final = {"h": "House", "s": "Senate", "j": "Joint"}
"""By the first letter of a committee's code."""
_WHOLE: Final = "00"
"""The end of the code of a committee that is no subcommittee."""


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
        return {
            **_hearing(meeting),
            "hearing_committees": list(_committees(meeting)),
            "witness_appearances": list(_appearances(meeting)),
        }
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


def _committees(meeting: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each committee once. What kind a whole committee is the API does not say here."""
    named = {str(one["systemCode"]): one for one in meeting.get("committees") or ()}
    for code, committee in named.items():
        yield {
            "committee_id": {
                "system_code": code,
                "name": committee.get("name") or code,
                "chamber": _CHAMBERS.get(code[:1], "NoChamber"),
                "type": "Other" if code.endswith(_WHOLE) else "Subcommittee",
                "congress": meeting["congress"],
                "url": committee.get("url"),
            }
        }


def _appearances(meeting: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each witness once, in the order in which the API first names them."""
    seen: set[tuple[str, str | None]] = set()
    for witness in meeting.get("witnesses") or ():
        name = " ".join(str(witness.get("name") or "").split())
        organization = witness.get("organization") or None
        if not name or (name, organization) in seen:
            continue
        seen.add((name, organization))
        first, _, last = name.partition(" ")
        position = witness.get("position") or None
        yield {
            "witness_id": {
                "full_name": name,
                "organization": organization,
                "first_name": first,
                "last_name": last or None,
                "title": position,
            },
            "position": position,
            "appearance_order": len(seen),
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
