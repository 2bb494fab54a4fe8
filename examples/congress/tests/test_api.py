"""One request: the key, the quota, what is tried again and what is not. The server is real, the pauses are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any

import pytest

from validate_updates import SettingsError, SourceError, TryLater
from vu_congress.api import Api, Missing, Passing
from vu_congress.demo.server import Faults, Running
from vu_congress.settings import Congress, key_of

NOW = datetime(2025, 6, 20, 12, tzinfo=UTC)
LIST = "committee-meeting/119"


class Asking:
    """The API of a server, and the pauses that were made."""

    def __init__(self, server: Running, key: str, **settings: Any) -> None:
        self.world = server.world
        self.pauses: list[float] = []
        asked = Congress(base_url=server.url, **{"timeout": 5.0, "first_pause": 0.5, **settings})
        self.api = Api(asked, key, pause=self.pauses.append, now=lambda: NOW)

    @property
    def statuses(self) -> list[int]:
        return [one.status for one in self.world.asked]


@pytest.fixture
def asking(serve: Any, meetings: list[dict[str, Any]], key: str) -> Iterator[Callable[..., Asking]]:
    with ExitStack() as opened:

        def ask(faults: Faults | None = None, limit: int = 5000, **settings: Any) -> Asking:
            asking = Asking(serve(meetings, faults, limit), settings.pop("key", key), **settings)
            opened.enter_context(closing(asking.api))
            return asking

        yield ask


def test_the_key_goes_as_a_header_and_nowhere_else(asking: Callable[..., Asking], key: str) -> None:
    one = asking()

    answer = one.api.get(LIST, {"limit": 3})

    assert len(answer["committeeMeetings"]) == 3
    [asked] = one.world.asked
    assert (asked.status, asked.query) == (200, {"limit": "3", "format": "json"})
    assert key not in asked.path
    assert one.pauses == []


def test_a_key_that_is_refused_is_for_a_person_and_not_shown(asking: Callable[..., Asking]) -> None:
    one = asking(key="another-key")

    with pytest.raises(SettingsError, match="refuses the key that CONGRESS_API_KEY holds") as refused:
        one.api.get(LIST)

    assert "another-key" not in refused.value.message + refused.value.hint
    assert one.statuses == [403]


@pytest.mark.parametrize("value", ["", "  ", "two\nlines", "schl\u00fcssel"])
def test_a_key_that_cannot_be_sent(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONGRESS_API_KEY", value)

    with pytest.raises(SettingsError, match="CONGRESS_API_KEY") as refused:
        key_of(Congress())

    assert "schl" not in refused.value.message


@pytest.mark.parametrize(
    "fault",
    [Faults(server_error=2), Faults(truncated=2), Faults(dropped=2)],
    ids=["server_error", "truncated", "dropped"],
)
def test_what_may_be_over_at_the_next_try_is_tried_again(asking: Callable[..., Asking], fault: Faults) -> None:
    one = asking(fault)

    for _ in range(3):  # each second request fails
        assert one.api.get(LIST)["pagination"]["count"] > 0

    assert (one.api.requests, one.api.tries_again, len(one.pauses)) == (5, 2, 2)
    assert all(0 <= pause <= 1 for pause in one.pauses), "at random below a limit that grows"


def test_an_answer_that_takes_too_long_is_asked_for_again(asking: Callable[..., Asking]) -> None:
    one = asking(Faults(slow=2, slow_seconds=30), timeout=0.3)

    one.api.get(LIST)
    one.api.get(LIST)

    assert one.api.requests == 3


def test_the_key_goes_to_no_other_address(asking: Callable[..., Asking]) -> None:
    one = asking(Faults(moved=1))

    with pytest.raises(SourceError, match="answers 302, which makes no sense here"):
        one.api.get(LIST)

    assert [asked.path for asked in one.world.asked] == [f"/v3/{LIST}"]


def test_pauses_grow_and_the_tries_end(asking: Callable[..., Asking]) -> None:
    one = asking(Faults(server_error=1), attempts=5)

    with pytest.raises(Passing, match="500, an error of the server"):
        one.api.get(LIST)

    assert one.statuses == [500] * 5
    assert all(pause <= limit for pause, limit in zip(one.pauses, (0.5, 1, 2, 4), strict=True))


def test_what_is_not_there_is_not_asked_for_again(asking: Callable[..., Asking]) -> None:
    one = asking()

    with pytest.raises(Missing, match="404"):
        one.api.get(f"{LIST}/house/0")

    assert one.statuses == [404]


def test_an_address_that_is_no_api(asking: Callable[..., Asking]) -> None:
    one = asking()
    one.api._settings = Congress(base_url=one.api._settings.base_url.removesuffix("/v3"))

    with pytest.raises(Missing):
        one.api.get(LIST)


@pytest.mark.parametrize(
    ("told", "waited"),
    [("7", 7.0), ("Fri, 20 Jun 2025 12:00:40 GMT", 40.0), ("Fri, 20 Jun 2025 11:00:00 GMT", 0.0)],
)
def test_a_wait_that_is_told_is_kept(asking: Callable[..., Asking], told: str, waited: float) -> None:
    one = asking(Faults(too_many=2, retry_after=told))

    one.api.get(LIST)
    one.api.get(LIST)

    assert one.statuses == [200, 429, 200]
    assert one.pauses == [waited]


def test_a_wait_that_makes_no_sense_is_none(asking: Callable[..., Asking]) -> None:
    one = asking(Faults(too_many=2, retry_after="soon"))

    one.api.get(LIST)
    one.api.get(LIST)

    assert one.pauses[0] <= 0.5


def test_a_longer_wait_than_wanted_is_for_a_later_run(asking: Callable[..., Asking]) -> None:
    one = asking(Faults(too_many=1, retry_after="1800"), longest_wait=60)

    with pytest.raises(TryLater) as later:
        one.api.get(LIST)

    assert "in 30 minutes" in later.value.hint
    assert one.pauses == []


def test_the_last_fifth_of_the_quota_is_used_at_the_pace_at_which_it_is_renewed(asking: Callable[..., Asking]) -> None:
    one = asking(limit=100, reserve=10)

    for _ in range(85):
        one.api.get(LIST)

    assert one.pauses == [36.0] * 5, "3600 seconds for 100 requests"


def test_the_reserve_is_left_to_others(asking: Callable[..., Asking]) -> None:
    one = asking(limit=40, reserve=15)

    for _ in range(24):
        one.api.get(LIST)
    with pytest.raises(TryLater, match="quota of the API is used up"):
        one.api.get(LIST)


def test_an_api_that_is_down_is_not_asked_for_ever(asking: Callable[..., Asking]) -> None:
    one = asking(Faults(server_error=1), attempts=2, give_up_after=10)

    for _ in range(9):
        with pytest.raises(Passing):
            one.api.get(LIST)
    with pytest.raises(SourceError, match="10 requests in a row failed, the last with 500"):
        one.api.get(LIST)

    assert one.api.requests == 20


def test_one_answer_in_between_and_it_is_up_again(
    asking: Callable[..., Asking], meetings: list[dict[str, Any]]
) -> None:
    broken = str(meetings[0]["eventId"])
    one = asking(Faults(broken_meetings=frozenset([broken])), attempts=1, give_up_after=10)

    for _ in range(3):
        for _ in range(9):
            with pytest.raises(Passing):
                one.api.get(f"{LIST}/house/{broken}")
        one.api.get(LIST)


@pytest.mark.parametrize(
    "address", ["http://api.congress.gov/v3", "ftp://x", "https://user:pw@x/v3", "https://x/v3?api_key=y", "x"]
)
def test_the_key_is_not_sent_where_others_can_read_it(address: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Congress(base_url=address)
