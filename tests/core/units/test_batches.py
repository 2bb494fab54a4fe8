"""Units in batches: one unit is one position, kept or quarantined whole, and taken back whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.undo.taking_back import taken_back
from tests.core.units.test_references import CREATING
from tests.core.units.world import TABLES, Hearings, hearing, unit_tables, witness
from tests.plugins.batch.world import between_groups
from validate_updates import Counts, Verdict

SMALL: dict[str, Any] = {
    "plugins": ("batch",),
    "settings": {"batch": {"size": 2, "max_failed_batches": "100 %", "max_quarantined": "100 %"}},
}
PROGRESSIVE: dict[str, Any] = {
    "plugins": ("batch",),
    "settings": {"batch": {"size": 2, "publish": "progressive", "commit_batches": 1, "max_quarantined": "100 %"}},
}


def day(*, bad: int = 0) -> list[dict[str, Any]]:
    """Five hearings, each with two committees, a witness of its own and one that they share."""
    return [
        hearing(
            str(number),
            hearing_committees=[{"system_code": "a"}, {"system_code": "b"}],
            appearances=[
                witness(f"W{number}", "Own", position="bad" if number == bad else "guest", documents=[{"url": "u"}]),
                witness("Shared", "All"),
            ],
        )
        for number in range(1, 6)
    ]


@pytest.mark.parametrize("options", [SMALL, PROGRESSIVE])
def test_a_bad_child_keeps_its_unit_out_and_nobody_elses(hearings: Hearings, options: dict[str, Any]) -> None:
    result = hearings.bring(*day(bad=1), tables=CREATING, **options)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE, result.reason
    assert result.counts == Counts(read=5, inserted=4, quarantined=1)
    assert [row[0] for row in hearings.has("hearings")] == ["2", "3", "4", "5"]
    assert len(hearings.has("hearing_committees")) == 8
    assert len(hearings.has("appearances")) == 8
    assert len(hearings.has("documents")) == 4
    assert sorted(row[0] for row in hearings.has("witnesses")) == ["Ann", "Bob", "Shared", "W2", "W3", "W4", "W5"]
    story = hearings.story(result.run_id)
    assert [(batch.applied, batch.quarantined) for batch in story.batches] == [(1, 1), (2, 0), (1, 0)]


def test_the_entry_is_the_whole_unit_and_mended_it_is_replayed(hearings: Hearings) -> None:
    units = day(bad=3)
    hearings.bring(*units, tables=CREATING, **SMALL)
    [entry] = hearings.entries()
    assert json.loads(entry.kept.record) == units[2]
    assert (entry.kept.key, entry.kept.line, entry.kept.batch) == ("event_id=3", 3, 2)

    mended = json.loads(entry.kept.record)
    mended["appearances"][0]["position"] = "guest"
    tables = unit_tables({**TABLES, "appearances": {**TABLES["appearances"], **CREATING["appearances"]}})
    replay = hearings.replayed(
        entry.number, source=[mended], table="hearings", key=("event_id",), tables=tables, task="hearings"
    )

    assert replay.counts == Counts(read=1, inserted=1)
    assert hearings.entry_states() == ["replayed"]
    assert len(hearings.has("appearances")) == 10


@pytest.mark.parametrize("options", [SMALL, PROGRESSIVE])
def test_a_roll_back_restores_every_table(hearings: Hearings, options: dict[str, Any]) -> None:
    hearings.bring(*day()[:2], tables=CREATING)
    before = hearings.dump()
    replacing: dict[str, dict[str, Any]] = {**CREATING, "hearing_committees": {"children": "replace"}}
    now = day()
    now[0]["hearing_committees"] = []
    now[1]["appearances"] = [witness("Shared", "All", position="chair")]
    hearings.bring(*now, tables=replacing, **options)
    assert len(hearings.has("hearings")) == 5
    assert [row[0] for row in hearings.has("hearing_committees")] == ["2", "2", "3", "3", "4", "4", "5", "5"]

    assert taken_back(hearings).conflicts == 0
    assert hearings.dump() == before


def test_an_update_that_is_too_bad_leaves_nothing(hearings: Hearings) -> None:
    before = hearings.dump()
    records = [*day(bad=1), *(hearing(str(number), "bad") for number in range(6, 10))]
    settings = {"batch": {**PROGRESSIVE["settings"]["batch"], "max_quarantined": 2}}

    result = hearings.bring(*records, tables=CREATING, plugins=("batch",), settings=settings)

    assert result.verdict is Verdict.REJECTED
    assert hearings.dump() == before


def test_what_others_write_between_two_groups_is_seen(hearings: Hearings) -> None:
    shared = "INSERT INTO witnesses (full_name, organization, title) VALUES ('W5', 'Own', 'theirs')"
    with between_groups(hearings, shared) as watch:  # type: ignore[arg-type]
        result = hearings.bring(*day(), tables=CREATING, progress=watch, **PROGRESSIVE)

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert [row for row in hearings.has("witnesses") if row[0] == "W5"] == [("W5", "Own", "theirs")]
    assert len(hearings.has("appearances")) == 10


def test_a_row_that_others_made_between_two_groups_is_taken_back_as_theirs(hearings: Hearings) -> None:
    """It is updated, where all was to be inserted; what it refers to is there only after it, and filled in at last."""
    feed: dict[str, Any] = {"committees": {"key": "system_code", "references": {"parent_id": "committees.system_code"}}}
    records: list[dict[str, Any]] = [{"system_code": code, "name": f"N{code}"} for code in ("c", "d", "e", "f")]
    records[2]["parent_id"], records[3]["parent_id"] = {"system_code": "f"}, {"system_code": "e"}
    before = hearings.has("committees")

    with between_groups(hearings, "INSERT INTO committees (system_code, name) VALUES ('e', 'theirs')") as watch:  # type: ignore[arg-type]
        result = hearings.update(records, table="committees", tables=feed, progress=watch, **PROGRESSIVE)

    assert (result.counts.inserted, result.counts.updated) == (3, 1)
    assert [row for row in hearings.has("committees") if row[0] == "e"] == [("e", "Ne", None, "f")]
    assert taken_back(hearings).conflicts == 0
    assert hearings.has("committees") == sorted([*before, ("e", "theirs", None, None)], key=repr)


def test_units_that_need_each_other_land_together_or_not_at_all(hearings: Hearings) -> None:
    feed: dict[str, Any] = {"committees": {"key": "system_code", "references": {"parent_id": "committees.system_code"}}}
    hearings.execute("CREATE UNIQUE INDEX one_name ON committees (name)")
    needing = [("c", "z"), ("d", "c"), ("z", "d"), ("v", "w"), ("w", "v")]
    records = [
        {"system_code": code, "parent_id": {"system_code": other}, "name": f"N{number}"}
        for number, (code, other) in enumerate(needing)
    ]
    records[-1]["name"] = "Budget"

    result = hearings.update(records, table="committees", tables=feed, **SMALL)

    assert result.counts == Counts(read=5, inserted=3, quarantined=2)
    assert {row[0]: row[3] for row in hearings.has("committees")} == {
        "a": None,
        "b": None,
        "c": "z",
        "d": "c",
        "z": "d",
    }


def test_a_unit_that_others_need_comes_before_them_whatever_its_key(hearings: Hearings) -> None:
    feed: dict[str, Any] = {"committees": {"key": "system_code", "references": {"parent_id": "committees.system_code"}}}
    chain = [
        {"system_code": f"c{number:03}", "parent_id": {"system_code": f"c{number + 1:03}"}} for number in range(60)
    ]
    records = [*chain, {"system_code": "c060", "parent_id": {"system_code": "a"}}]

    result = hearings.update(
        records, table="committees", tables=feed, plugins=("batch",), settings={"batch": {"size": 5}}
    )

    assert result.counts == Counts(read=61, inserted=61)
    story = hearings.story(result.run_id)
    assert {batch.attempts for batch in story.batches} == {1}
    assert story.batches[0].first_key == "system_code=c060"
    before = {row[0]: row[3] for row in hearings.has("committees")}
    assert before["c000"] == "c001"
    assert before["c060"] == "a"
    assert taken_back(hearings).conflicts == 0
    assert [row[0] for row in hearings.has("committees")] == ["a", "b"]
