"""What a person says of a run, and what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.core.past.conftest import World
from validate_updates.errors import UsageError
from validate_updates.journal import reading
from validate_updates.journal.history import JournalHistory
from validate_updates.journal.rows import RunRow
from validate_updates.past import labels
from validate_updates.past.labels import clear_label, label_run

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


def labelled(world: World, label: str, run: str = "last", **more: Any) -> RunRow:
    with world.journal() as (connection, tables):
        return label_run(connection, tables, run, label, now=NOW, **more)


def in_journal(world: World) -> list[tuple[Any, ...]]:
    return world.rows("SELECT label, note FROM update_logs ORDER BY run_no")


def test_a_label_with_note_and_date(world: World) -> None:
    world.update([{"id": 1}])

    run = labelled(world, "expected", note="the source was re-indexed", until=LATER)

    assert (run.label, run.note, run.label_until) == ("expected", "the source was re-indexed", LATER)
    assert in_journal(world) == [("expected", "the source was re-indexed")]


def test_an_incident_is_no_example_and_expected_is_one(world: World) -> None:
    first = world.update([{"id": 1}]).run_id
    second = world.update([{"id": 2}]).run_id
    labelled(world, "incident", first)
    labelled(world, "expected", second, until=LATER)

    with world.journal() as (connection, tables):
        history = JournalHistory(connection, tables, "t", "present")
        examples, all_of_them = history.runs(), history.runs(committed=False)
        values = history.metric("records.read")

    assert [(one.run_id, one.kind, one.label, one.label_until) for one in examples] == [
        (second, "update", "expected", LATER)
    ]
    assert [(one.run_id, one.label) for one in all_of_them] == [(second, "expected"), (first, "incident")]
    assert values == ((second, 1.0),)


def test_a_second_label_replaces_the_first_and_keeps_its_note(world: World) -> None:
    world.update([{"id": 1}])
    labelled(world, "expected", note="a recess", until=LATER)

    run = labelled(world, "incident")

    assert (run.label, run.note, run.label_until) == ("incident", "a recess", None)


def test_clear(world: World) -> None:
    world.update([{"id": 1}])
    labelled(world, "expected", note="a recess", until=LATER)

    with world.journal() as (connection, tables):
        run = clear_label(connection, tables, "last")

    assert (run.label, run.note, run.label_until) == (None, None, None)


def test_who_took_a_run_back_stays_in_its_note(world: World) -> None:
    world.update([{"id": 1}])
    world.execute("UPDATE update_logs SET state = 'rolled back', note = 'taken back by run x'")

    assert labelled(world, "incident", note="a doubled import").note == "taken back by run x; a doubled import"
    with world.journal() as (connection, tables):
        assert clear_label(connection, tables, "last").note == "taken back by run x; a doubled import"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("state = 'running'", "has not ended"),
        ("kind = 'rollback'", "is a rollback"),
        ("kind = 'restore'", "is a restore"),
        ("kind = 'replay'", "is a replay"),
    ],
)
def test_only_finished_updates_are_labelled(world: World, change: str, reason: str) -> None:
    world.update([{"id": 1}])
    world.execute(f"UPDATE update_logs SET {change}")

    with pytest.raises(UsageError, match=reason):
        labelled(world, "incident")
    assert in_journal(world) == [(None, None)]


@pytest.mark.parametrize(
    ("label", "until", "reason"),
    [
        ("fine", None, "there is no label 'fine'"),
        ("incident", LATER, "an incident has no end"),
        ("expected", NOW, "is past"),
    ],
)
def test_labels_that_make_no_sense(world: World, label: str, until: datetime | None, reason: str) -> None:
    world.update([{"id": 1}])

    with pytest.raises(UsageError, match=reason):
        labelled(world, label, until=until)
    assert in_journal(world) == [(None, None)]


def test_a_run_that_is_not_there(world: World) -> None:
    world.update([{"id": 1}])

    with pytest.raises(UsageError, match="there is no run 'zz'"):
        labelled(world, "incident", "zz")


def test_a_run_that_somebody_else_changes_meanwhile(postgres: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite nobody else writes during a transaction."""
    postgres.update([{"id": 1}])
    look = reading.show

    def and_then_another(*words: Any, **more: Any) -> Any:
        found = look(*words, **more)
        postgres.execute("UPDATE update_logs SET note = 'mine'")
        return found

    monkeypatch.setattr(labels, "show", and_then_another)
    with pytest.raises(UsageError, match="changed by somebody else"):
        labelled(postgres, "incident")
    assert in_journal(postgres) == [(None, "mine")]


def test_a_note_of_any_length_and_any_characters(world: World) -> None:
    world.update([{"id": 1}])

    run = labelled(world, "incident", note="\0\ud800" + "x" * 10_000)

    assert run.note is not None
    assert run.note.startswith("\ufffd\ufffdxxx")
    assert len(run.note.encode()) <= 4000
