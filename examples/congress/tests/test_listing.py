"""The list: pages, windows, entries that break it, and meetings that move while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from validate_updates import SourceError
from vu_congress.api import Api
from vu_congress.demo.server import Faults, Running
from vu_congress.listing import PASSES, Listing, list_meetings
from vu_congress.settings import Congress
from vu_congress.window import Meeting, Watermark, Window, read_watermark, window_after

EVER = Window(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC))
Lists = Callable[..., tuple[Listing, Running]]


@pytest.fixture
def listed(serve: Any, meetings: list[dict[str, Any]], key: str) -> Iterator[Lists]:
    with ExitStack() as opened:

        def ask(faults: Faults | None = None, window: Window = EVER, **settings: Any) -> tuple[Listing, Running]:
            server = serve(meetings, faults)
            asked = Congress(base_url=server.url, first_pause=0.0, **{"page_size": 7, "attempts": 1, **settings})
            api = opened.enter_context(closing(Api(asked, key, pause=lambda _: None)))
            return list_meetings(api, asked, window), server

        yield ask


def ids(meetings: list[dict[str, Any]]) -> list[str]:
    return [str(one["eventId"]) for one in meetings]


@pytest.mark.parametrize("size", [1, 7, 60, 250])
def test_every_meeting_is_listed_once(listed: Lists, meetings: list[dict[str, Any]], size: int) -> None:
    listing, server = listed(page_size=size)

    assert sorted(listing.meetings) == sorted(ids(meetings))
    assert listing.settled
    assert len(server.world.asked) == -(-len(meetings) // size)
    one = meetings[0]
    assert listing.meetings[one["eventId"]] == Meeting(119, one["chamber"].lower(), one["eventId"])


def test_a_window_without_meetings(listed: Lists) -> None:
    listing, server = listed(window=Window(EVER.end, EVER.end))

    assert (listing.meetings, listing.settled, len(server.world.asked)) == ({}, True, 1)


def test_only_what_changed_in_the_window(listed: Lists, meetings: list[dict[str, Any]]) -> None:
    window = Window(datetime(2025, 6, 17, tzinfo=UTC), datetime(2025, 6, 18, tzinfo=UTC))

    listing, server = listed(window=window)

    assert sorted(listing.meetings) == sorted(one["eventId"] for one in meetings if "2025-06-17" in one["updateDate"])
    assert listing.meetings
    assert server.world.asked[0].query["fromDateTime"] == "2025-06-17T00:00:00Z"
    assert server.world.asked[0].query["toDateTime"] == "2025-06-18T00:00:00Z"


@pytest.mark.parametrize("size", [7, 250])
@pytest.mark.parametrize("places", [[0], [-1], [3, 4], [0, 20, -1]])
def test_an_entry_that_breaks_its_page_costs_itself(
    listed: Lists, meetings: list[dict[str, Any]], size: int, places: list[int]
) -> None:
    bad = {ids(meetings)[place]: place % len(meetings) for place in places}

    listing, _ = listed(Faults(broken_entries=frozenset(bad)), page_size=size, give_up_after=20)

    assert sorted(listing.broken) == sorted(bad.values())
    assert sorted(listing.meetings) == sorted({*ids(meetings)} - {*bad})
    assert listing.settled


def test_a_meeting_that_leaves_while_the_list_is_read_hides_no_other(
    listed: Lists, meetings: list[dict[str, Any]]
) -> None:
    listing, server = listed(Faults(moving=frozenset(ids(meetings)[:1])))

    assert sorted(listing.meetings) == sorted(ids(meetings))
    assert listing.settled
    assert len(server.world.asked) > -(-len(meetings) // 7), "it was read twice"


class Pages:
    """Answers that no server gives on purpose."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)

    def get(self, _path: str, _parameters: object) -> dict[str, Any]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def page(*events: object, count: int) -> dict[str, Any]:
    items = [{"eventId": one, "congress": 119, "chamber": "House"} if one else {} for one in events]
    return {"committeeMeetings": items, "pagination": {"count": count}}


def read(*answers: dict[str, Any]) -> Listing:
    api: Any = Pages(*answers)
    return list_meetings(api, Congress(page_size=2), EVER)


def test_a_meeting_that_is_listed_twice_is_there_once() -> None:
    listing = read(page("1", "2", count=4), page("2", 3, count=4))

    assert (list(listing.meetings), listing.settled) == (["1", "2", "3"], True)


def test_a_list_that_never_stands_still_is_given_up() -> None:
    moving = [page(str(number), str(number + 1), count=4 - number % 2) for number in range(20)]

    listing = read(*moving)

    assert not listing.settled
    assert len(listing.meetings) > PASSES


@pytest.mark.parametrize(
    "item",
    [
        7,
        {"eventId": "1", "congress": "119", "chamber": "House"},
        {"eventId": "../../secret", "congress": 119, "chamber": "House"},
        {"eventId": "1", "congress": 119, "chamber": "House/../x"},
        {"eventId": None, "congress": 119, "chamber": "House"},
        {"congress": 119, "chamber": "House"},
    ],
)
def test_an_entry_that_names_no_meeting_becomes_no_address(item: object) -> None:
    listing = read({"committeeMeetings": [item], "pagination": {"count": 1}})

    assert (listing.meetings, listing.senseless, listing.settled) == ({}, [item], True)


@pytest.mark.parametrize("answer", [{}, {"pagination": 7}, {"pagination": {"count": "x"}, "committeeMeetings": {}}])
def test_an_answer_without_a_list(answer: dict[str, Any]) -> None:
    assert read(answer).meetings == {}


# The window


def test_the_first_window_looks_back_and_the_next_ones_overlap() -> None:
    settings = Congress(first_days=10, overlap_hours=6)
    noon = datetime(2025, 6, 20, 12, tzinfo=UTC)

    later = noon + timedelta(days=1)

    def due(until: datetime | None, as_of: datetime, now: datetime = later) -> Window:
        return window_after(Watermark(until) if until else None, settings, as_of, now)

    assert due(None, noon) == Window(noon - timedelta(days=10), noon)
    assert due(noon, later) == Window(noon - timedelta(hours=6), later)
    assert due(later, noon) == Window(noon - timedelta(hours=6), noon)
    assert due(noon, later, now=noon) == Window(noon - timedelta(hours=6), noon), "nothing of the future"


def test_a_watermark_is_read_as_it_was_written() -> None:
    mark = Watermark(datetime(2025, 6, 20, tzinfo=UTC), (Meeting(119, "house", "1"),))

    assert read_watermark(str(mark)) == mark
    assert read_watermark(None) is None


def test_an_api_without_such_a_list(serve: Any, meetings: list[dict[str, Any]], key: str) -> None:
    asked = Congress(base_url=f"{serve(meetings).url}/elsewhere", first_pause=0.0, attempts=1)

    with closing(Api(asked, key, pause=lambda _: None)) as api, pytest.raises(SourceError, match="has no list of the"):
        list_meetings(api, asked, EVER)
