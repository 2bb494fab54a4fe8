"""What the columns of somebody else's log mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates.errors import UsageError
from validate_updates.past.mapping import mapping_given, mapping_guessed

COLUMNS = ("day", "checked", "added", "speed")


def guessed(columns: str) -> dict[str, str]:
    return dict(mapping_guessed(columns.split(",")).columns)


@pytest.mark.parametrize(
    ("columns", "meaning"),
    [
        ("date,hearings_changed,house,senate", {"started_at": "date", "updated": "hearings_changed"}),
        (
            "Run ID,Started At,Status,Rows Read,Rows Added,Duration",
            {
                "started_at": "Started At",
                "seconds": "Duration",
                "state": "Status",
                "id": "Run ID",
                "read": "Rows Read",
                "inserted": "Rows Added",
            },
        ),
        ("created_at,updated_at,new_records", {"started_at": "created_at", "inserted": "new_records"}),
        (
            "id,start_time,end_time,duration_ms,success,total_records,error_count,removed",
            {
                "started_at": "start_time",
                "finished_at": "end_time",
                "milliseconds": "duration_ms",
                "state": "success",
                "id": "id",
                "read": "total_records",
                "quarantined": "error_count",
                "deleted": "removed",
            },
        ),
        ("ts,records,error_rate,errors_percent,changed_by", {"started_at": "ts", "read": "records"}),
    ],
)
def test_guessed_by_the_names(columns: str, meaning: dict[str, str]) -> None:
    assert guessed(columns) == meaning


def test_what_two_columns_could_be_is_said_and_not_taken() -> None:
    mapping = mapping_guessed(["date", "records", "hearings_added", "witnesses_added"])

    assert dict(mapping.columns) == {"started_at": "date", "read": "records"}
    assert mapping.doubts == ("inserted could be any of hearings_added, witnesses_added: say which with --map",)
    assert mapping.unused(["date", "records", "x"]) == ("x",)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ("added,changed", "which column says when"),
        ("date,name", "which column holds a count"),
        ("date,a_added,b_added", "which column holds a count"),
        ("", "which column says when"),
    ],
)
def test_what_cannot_be_guessed_is_asked_for(columns: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as refused:
        guessed(columns)
    assert "--map started_at=COLUMN" in refused.value.hint


def test_given() -> None:
    mapping = mapping_given(
        ["started_at=day, records.read=checked", "metric.speed.kmh=speed,metric.x=checked"], COLUMNS
    )

    assert dict(mapping.columns) == {
        "started_at": "day",
        "read": "checked",
        "metric.speed.kmh": "speed",
        "metric.x": "checked",
    }
    assert dict(mapping.numbers) == {"records.read": "checked", "speed.kmh": "speed", "x": "checked"}
    assert mapping.unused(COLUMNS) == ("added",)


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ("read", "is not FIELD=COLUMN"),
        ("=day", "is not FIELD=COLUMN"),
        ("when=day", "there is no field 'when'"),
        ("metric.=day", "there is no field 'metric.'"),
        (f"metric.{'x' * 201}=day", "there is no field"),
        ("read=checkd", "no column 'checkd'; did you mean 'checked'"),
        ("read=checked,records.read=added", "names read twice"),
        ("read=checked", "which column says when"),
        ("started_at=day", "which column holds a count"),
        ("started_at=day,seconds=speed", "which column holds a count"),
    ],
)
def test_given_wrongly(pairs: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        mapping_given([pairs], COLUMNS)


@given(columns=st.lists(st.text(min_size=1), unique=True), pairs=st.lists(st.text()))
def test_any_names_are_taken_or_refused(columns: list[str], pairs: list[str]) -> None:
    for given_pairs in ([], pairs):
        try:
            mapping = mapping_given(given_pairs, columns) if given_pairs else mapping_guessed(columns)
        except UsageError as reason:
            assert reason.message.isprintable()
        else:
            assert set(mapping.columns.values()) <= set(columns)
