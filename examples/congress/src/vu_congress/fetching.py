"""The source ``congress:meetings``: each meeting that changed since the last run, as the API has it now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

from validate_updates import Finding, PlacedRecord, Severity, SourceContext, UnreadableRecord
from vu_congress.api import Api, Missing, Trouble
from vu_congress.listing import Listing, list_meetings
from vu_congress.mapping import BadMeeting, record_of
from vu_congress.settings import Congress, key_of
from vu_congress.window import MOST_AGAIN, Meeting, Watermark, Window, read_watermark, window_after

Item = PlacedRecord | UnreadableRecord | Finding


def fetch(settings: Congress, context: SourceContext) -> Iterator[Item]:
    """Everything that is due, and how far that is."""
    mark = read_watermark(context.watermark)
    window = window_after(mark, settings, context.as_of, datetime.now(UTC))
    with closing(Api(settings, key_of(settings), pause=context.pause)) as api:
        try:
            listing = list_meetings(api, settings, window)
            yield from _of_the_list(listing)
            missed: list[Meeting] = []
            yield from _details(api, _due(listing, mark), missed)
        finally:
            _measure(context, api)
        context.measure("listed", len(listing.meetings))
        if len(missed) > MOST_AGAIN or not listing.settled:
            yield _not_all(listing, missed)
        else:
            context.advance(str(Watermark(_later(mark, window), tuple(missed))))


def _due(listing: Listing, mark: Watermark | None) -> list[Meeting]:
    again = {meeting.event_id: meeting for meeting in mark.again} if mark else {}
    return sorted({**again, **listing.meetings}.values(), key=lambda meeting: meeting.event_id)


def _later(mark: Watermark | None, window: Window) -> datetime:
    """A run for a time in the past does not make the next one read everything since then again."""
    return max(mark.until, window.end) if mark else window.end


def _details(api: Api, meetings: list[Meeting], missed: list[Meeting]) -> Iterator[Item]:
    for meeting in meetings:
        key = {"event_id": meeting.event_id}
        try:
            yield read_meeting(api.get(meeting.path), meeting.place, key)
        except Missing as missing:
            message = f"the API lists the meeting and does not have it: {missing}"
            yield UnreadableRecord(code="not_found", message=message, place=meeting.place, key=key)
        except Trouble as trouble:
            missed.append(meeting)
            message = f"the API fails on the meeting, which the next run asks for again: {trouble}"
            yield UnreadableRecord(code="server_error", message=message, place=meeting.place, key=key)


def read_meeting(answer: object, place: str, key: dict[str, str] | None = None) -> PlacedRecord | UnreadableRecord:
    """The record of an answer of the API about one meeting."""
    try:
        return PlacedRecord(record_of(answer), place)
    except BadMeeting as bad:
        return UnreadableRecord(code="bad_meeting", message=str(bad), place=place, key=key or {}, raw=bad.raw)


def _of_the_list(listing: Listing) -> Iterator[Item]:
    for offset, why in sorted(listing.broken.items()):
        message = f"the API fails on every page of its list that has this entry: {why}"
        yield UnreadableRecord(code="server_error", message=message, place=f"entry {offset} of the list")
    for item in listing.senseless:
        yield UnreadableRecord(code="bad_entry", message="the entry of the list names no meeting", raw=repr(item))


def _not_all(listing: Listing, missed: list[Meeting]) -> Finding:
    why = f"the API fails on {len(missed)} meetings" if listing.settled else "its list did not stand still"
    return Finding(
        code="congress_not_all",
        severity=Severity.WARNING,
        message=f"not everything that changed could be had: {why}",
        hint="the next run reads the same again",
        observed=len(missed),
    )


def _measure(context: SourceContext, api: Api) -> None:
    context.measure("requests", api.requests)
    context.measure("tries_again", api.tries_again)
    context.measure("seconds_waited", api.waited)
