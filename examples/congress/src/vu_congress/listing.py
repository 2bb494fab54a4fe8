"""The list of the meetings that changed in a window: page by page, around what breaks it, and again where it moved.

The list has no order that could be asked for, and is counted by offsets. A meeting that changes while it is read leaves
the window, and everything behind it moves up by one: one would be missed. So the list counts as read when as many
entries were seen as it said it has, from its first page to its last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from validate_updates import SourceError
from vu_congress.api import Api, Missing, Passing
from vu_congress.settings import Congress
from vu_congress.window import Meeting, Window

PASSES: Final = 3
"""How often the list is read before it counts as restless."""

_WORD: Final = re.compile(r"[A-Za-z]{1,20}")
_EVENT: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(slots=True)
class Listing:
    """What the list of a window holds."""

    meetings: dict[str, Meeting] = field(default_factory=dict)
    """By event id: one that is listed twice is there once."""
    broken: dict[int, str] = field(default_factory=dict)
    """Offset -> why: the server fails on any page that has it."""
    senseless: list[object] = field(default_factory=list)
    """Entries that name no meeting."""
    settled: bool = False
    """Whether it stood still while it was read."""


def list_meetings(api: Api, settings: Congress, window: Window) -> Listing:
    """Read the list until it stands still, at most :data:`PASSES` times."""
    pages, listing = _Pages(api, settings.congress, window), Listing()
    for _ in range(PASSES):
        if _pass(pages, settings.page_size, listing):
            listing.settled = True
            break
    return listing


def _pass(pages: _Pages, size: int, listing: Listing) -> bool:
    """Read the list once; whether it held just what it said at each page."""
    counts: set[int] = set()
    entries = offset = 0
    listing.broken.clear()  # offsets mean nothing in another pass
    listing.senseless.clear()
    while not counts or offset < max(counts):
        for page in pages.at(offset, size, listing.broken):
            counts.add(_count(page))
            for item in _items(page):
                entries += 1
                _take(item, listing)
        offset += size
    return counts == {entries + len(listing.broken)}


def _take(item: object, listing: Listing) -> None:
    meeting = _meeting(item)
    if meeting is None:
        listing.senseless.append(item)
    else:
        listing.meetings[meeting.event_id] = meeting


@dataclass(frozen=True, slots=True)
class _Pages:
    """Where the pages are."""

    api: Api
    congress: int
    window: Window

    def at(self, offset: int, limit: int, broken: dict[int, str]) -> Iterator[dict[str, Any]]:
        """The page at ``offset``; where the server fails on it, its halves, down to the one entry that is at fault."""
        parameters: dict[str, str | int] = {**self.window.parameters, "offset": offset, "limit": limit}
        try:
            page = self.api.get(f"committee-meeting/{self.congress}", parameters)
        except Passing as passing:
            if limit == 1:
                broken[offset] = str(passing)
                return
            half = limit // 2
            yield from self.at(offset, half, broken)
            yield from self.at(offset + half, limit - half, broken)
        except Missing as missing:
            raise SourceError(
                f"the API has no list of the meetings of congress {self.congress}: {missing}",
                hint="are congress and base_url right?",
            ) from None
        else:
            yield page


def _count(page: dict[str, Any]) -> int:
    pagination = page.get("pagination")
    count = pagination.get("count") if isinstance(pagination, dict) else None
    return count if isinstance(count, int) else 0


def _items(page: dict[str, Any]) -> list[object]:
    items = page.get("committeeMeetings")
    return items if isinstance(items, list) else []


def _meeting(item: object) -> Meeting | None:
    """What an entry names. It becomes a part of an address, so nothing but plain words will do."""
    if not isinstance(item, dict):
        return None
    congress, chamber, event_id = item.get("congress"), item.get("chamber"), item.get("eventId")
    event_id = str(event_id) if isinstance(event_id, int) else event_id
    plain = isinstance(chamber, str) and _WORD.fullmatch(chamber) and isinstance(event_id, str)
    if not (isinstance(congress, int) and plain and _EVENT.fullmatch(str(event_id))):
        return None
    return Meeting(congress, str(chamber).lower(), str(event_id))
