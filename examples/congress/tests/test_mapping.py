"""From a meeting of the API to a record."""

from __future__ import annotations

from typing import Any

import pytest

from vu_congress.mapping import BadMeeting, record_of

MEETING: dict[str, Any] = {
    "eventId": "118298",
    "congress": 119,
    "chamber": "House",
    "title": "Hearings to examine forests",
    "type": "Hearing",
    "meetingStatus": "Scheduled",
    "date": "2025-06-24T14:15:00Z",
    "updateDate": "2025-08-15T18:01:44Z",
    "committees": [],
    "witnesses": [],
    "location": None,
    "url": "https://api.congress.gov/v3/committee-meeting/119/house/118298",
}


def mapped(**changes: Any) -> dict[str, Any]:
    return record_of({"committeeMeeting": {**MEETING, **changes}})


def test_a_meeting_is_a_hearing() -> None:
    assert mapped() == {
        "event_id": "118298",
        "congress": 119,
        "chamber": "House",
        "title": "Hearings to examine forests",
        "hearing_type": "Hearing",
        "status": "Scheduled",
        "hearing_date": "2025-06-24",
        "hearing_date_only": "2025-06-24",
        "hearing_time": "14:15:00",
        "location": None,
        "url": "https://api.congress.gov/v3/committee-meeting/119/house/118298",
        "update_date": "2025-08-15 18:01:44",
        "hearing_committees": [],
        "witness_appearances": [],
    }


def test_its_committees_are_named_by_their_codes_and_told_in_case_they_are_new() -> None:
    url = "https://api.congress.gov/v3/committee/house/hsii13"
    whole, part = {"systemCode": "ssgo00", "name": "Oversight"}, {"systemCode": "hsii13", "name": "Water", "url": url}

    committees = [one["committee_id"] for one in mapped(committees=[whole, part, part])["hearing_committees"]]

    assert [one["system_code"] for one in committees] == ["ssgo00", "hsii13"], "each once"
    assert [(one["chamber"], one["type"]) for one in committees] == [("Senate", "Other"), ("House", "Subcommittee")]
    assert [(one["name"], one["url"], one["congress"]) for one in committees] == [
        ("Oversight", None, 119),
        ("Water", url, 119),
    ]


def witness(name: str | None, organization: str | None, position: str | None = None) -> dict[str, Any]:
    return {"name": name, "organization": organization, "position": position}


def test_its_witnesses_appear_once_each_in_their_order() -> None:
    given = [
        witness("Witness Number One", "Office", "Director"),
        witness("Witness Number One", ""),
        witness("Witness Number One", "Office", "President"),
        witness("  Solo ", None, ""),
        witness(None, "Office"),
    ]

    one, two, three = mapped(witnesses=given)["witness_appearances"]

    assert one == {
        "witness_id": {
            "full_name": "Witness Number One",
            "organization": "Office",
            "first_name": "Witness",
            "last_name": "Number One",
            "title": "Director",
        },
        "position": "Director",
        "appearance_order": 1,
    }
    assert (two["witness_id"]["organization"], two["position"], two["appearance_order"]) == (None, None, 2)
    assert three["witness_id"]["full_name"] == "Solo"
    assert (three["witness_id"]["last_name"], three["position"], three["appearance_order"]) == (None, None, 3)


def test_times_are_utc() -> None:
    assert mapped(date="2025-06-24T22:15:00-04:00")["hearing_date"] == "2025-06-25"
    assert mapped(date="2025-06-24")["hearing_time"] == "00:00:00"


@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_not_known_is_null_and_a_title_empty(nothing: str | None) -> None:
    record = mapped(date=nothing, title=nothing)

    assert (record["hearing_date"], record["hearing_time"], record["title"]) == (None, None, "")


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ({"room": "SD-138", "building": "Dirksen Senate Office Building"}, "SD-138, Dirksen Senate Office Building"),
        ({"room": "", "building": "Capitol"}, "Capitol"),
        (
            {"address": {"buildingName": "City Hall", "city": "Springfield", "state": "IL"}},
            "City Hall, Springfield, IL",
        ),
        ({}, None),
        ({"room": None}, None),
    ],
)
def test_a_location_is_one_text(location: dict[str, Any], text: str | None) -> None:
    assert mapped(location=location)["location"] == text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (7, "about no meeting"),
        ({"error": "x"}, "about no meeting"),
        ({"committeeMeeting": {}}, "'updateDate' is missing"),
        ({"committeeMeeting": {**MEETING, "date": "tomorrow"}}, "Invalid isoformat string: 'tomorrow'"),
        ({"committeeMeeting": {**MEETING, "location": "here"}}, "cannot be understood"),
        ({"committeeMeeting": {**MEETING, "committees": [{"name": "Oversight"}]}}, "'systemCode' is missing"),
        ({"committeeMeeting": {**MEETING, "witnesses": ["Somebody"]}}, "cannot be understood"),
    ],
)
def test_what_makes_no_meeting_says_why(answer: object, said: str) -> None:
    with pytest.raises(BadMeeting, match=said) as bad:
        record_of(answer)

    assert bad.value.raw
