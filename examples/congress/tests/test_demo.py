"""What the demonstration sets up is what the plugin says."""

from __future__ import annotations

import tomllib
from datetime import date

from vu_congress.demo.__main__ import SETTINGS
from vu_congress.demo.world import all_of, feed
from vu_congress.mapping import record_of
from vu_congress.tables import TABLES

WRITTEN = tomllib.loads(SETTINGS.format(port=1))


def test_its_task_has_the_tables_of_calls_from_python() -> None:
    assert WRITTEN["tasks"]["daily"]["tables"] == TABLES


def test_the_same_day_brings_the_same_meetings_and_some_change() -> None:
    by_day = feed(date(2025, 6, 20))

    assert feed(date(2025, 6, 20)) == by_day
    events = [one["eventId"] for one in all_of(by_day)]
    assert len(events) > len(set(events)) > 50
    assert all(date.fromisoformat(day).weekday() < 5 for day in by_day)


def test_a_record_carries_children_for_tables_of_the_task_alone() -> None:
    records = [record_of({"committeeMeeting": one}) for one in all_of(feed(date(2025, 6, 20)))]

    lists = {name for record in records for name, value in record.items() if isinstance(value, list)}
    assert lists == {name for name, said in TABLES.items() if said.get("parent") == "hearings"}
