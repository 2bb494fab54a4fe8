"""A replay is an update of its own, with records from the quarantine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import jsonl
from tests.core.quarantine.world import BAD, GOOD, TABLE, World
from validate_updates import Context, Finding, Moment, UsageError, Validator, Verdict, hookimpl
from validate_updates.journal.rows import RunKind
from validate_updates.quarantine.closing import discard
from validate_updates.quarantine.reading import PAGE, Wanted
from validate_updates.quarantine.replay import choose

NARROW = "CREATE TABLE t (id integer PRIMARY KEY, name text, age integer)"
WITH_TEAM = {"id": 1, "name": "one", "team": "red"}
"""A record with a column that the table does not have yet."""
ADD_TEAM = "ALTER TABLE t ADD COLUMN team text"


def numbers(world: World) -> list[int]:
    return [entry.number for entry in world.entries()]


def test_a_record_that_lands_closes_its_entry(world: World) -> None:
    world.execute(NARROW)
    kept_out = world.update([WITH_TEAM])
    world.execute(ADD_TEAM)
    result = world.replayed(*numbers(world), parent=kept_out.run_id)

    assert (result.verdict, result.counts.inserted, result.source) == (Verdict.COMMITTED, 1, "quarantine")
    assert world.rows("SELECT * FROM t") == [(1, "one", None, "red")]
    [entry] = world.entries()
    assert (entry.state, entry.closed_by) == ("replayed", result.run_id)
    story = world.story(result.run_id).run
    assert (story.kind, story.parent, story.source) == (RunKind.REPLAY, kept_out.run_id, "quarantine")


def test_so_does_one_that_is_there_already(world: World) -> None:
    world.execute(NARROW)
    world.update([WITH_TEAM])
    world.execute(ADD_TEAM, "INSERT INTO t VALUES (1, 'one', NULL, 'red')")
    result = world.replayed(*numbers(world))

    assert result.counts.unchanged == 1
    assert world.entry_states() == ["replayed"]


def test_one_that_is_refused_again_is_open_once_and_keeps_its_place(world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    world.update(jsonl(tmp_path / "day.jsonl", [GOOD, BAD, {**BAD, "id": 5}]))
    first, second = numbers(world)
    result = world.replayed(first)

    assert (result.verdict, result.counts.quarantined) == (Verdict.COMMITTED_WITH_QUARANTINE, 1)
    assert world.entry_states() == ["superseded", "open", "open"]
    old, other, new = world.entries()
    assert other.number == second
    assert (new.kept.file, new.kept.line, new.kept.key) == ("day.jsonl", 2, "id=4")
    assert replace(new.kept, offset=None) == replace(old.kept, offset=None)
    assert (old.closed_by, new.run_id) == (result.run_id, result.run_id)


def test_a_replay_that_does_not_stand_leaves_its_entries_open(world: World) -> None:
    class Never:
        @hookimpl
        def vu_validators(self) -> list[Validator]:
            def refuse(_: Context) -> list[Finding]:
                return [Finding(code="no", severity="critical", message="never")]  # type: ignore[arg-type]

            return [Validator(name="never", moment=Moment.RESULT, check=refuse, summary="never")]

    world.execute(NARROW)
    world.update([WITH_TEAM, {**WITH_TEAM, "id": 2, "club": "x"}])
    world.execute(ADD_TEAM)
    plan = world.replayed(*numbers(world), dry_run=True)
    assert (plan.counts.inserted, plan.counts.quarantined) == (1, 1)
    assert world.entry_states() == ["open", "open"]

    with pytest.raises(UsageError):
        world.replayed(*numbers(world), plugins=("no such plugin",))
    assert world.entry_states() == ["open", "open"]
    assert world.rows("SELECT * FROM t") == []


def test_an_old_record_says_nothing_about_a_newer_entry_of_its_key(world: World) -> None:
    world.execute(NARROW)
    world.update([WITH_TEAM, {**WITH_TEAM, "team": "blue"}])
    world.execute(ADD_TEAM)
    older, newer = numbers(world)

    world.replayed(older)
    assert world.entry_states() == ["replayed", "open"]
    world.replayed(newer)
    assert world.entry_states() == ["replayed", "replayed"]
    assert world.rows("SELECT team FROM t") == [("blue",)]


def test_nor_does_its_being_refused_again(world: World) -> None:
    world.execute(NARROW)
    world.update([WITH_TEAM, {**WITH_TEAM, "team": "blue"}])
    older, _ = numbers(world)
    world.replayed(older)

    assert world.entry_states() == ["superseded", "open", "open"]


def test_the_newest_record_of_a_key_closes_the_older_ones(world: World) -> None:
    world.execute(NARROW)
    world.update([WITH_TEAM, {**WITH_TEAM, "team": "blue"}])
    world.execute(ADD_TEAM)
    world.replayed(numbers(world)[1])

    assert world.entry_states() == ["superseded", "replayed"]


def test_an_entry_that_was_closed_in_the_meantime_is_not_replayed(world: World) -> None:
    world.execute(NARROW)
    world.update([WITH_TEAM, {**WITH_TEAM, "id": 2}])
    chosen = numbers(world)
    world.execute(ADD_TEAM)
    world.update([{**WITH_TEAM, "team": "newer"}])
    result = world.replayed(*chosen)

    assert result.counts.read == 1
    assert world.rows("SELECT id, team FROM t ORDER BY id") == [(1, "newer"), (2, "red")]
    assert world.entry_states() == ["superseded", "replayed"]


def test_more_entries_than_a_page(world: World) -> None:
    world.execute(NARROW)
    many = 2 * PAGE + 5
    world.update([{**WITH_TEAM, "id": number} for number in range(many)])
    world.execute(ADD_TEAM)
    result = world.replayed(*numbers(world))

    assert result.counts.inserted == many
    assert set(world.entry_states()) == {"replayed"}


def test_replays_are_no_examples_for_later_updates(world: World) -> None:
    seen: list[tuple[str, int]] = []

    class Looks:
        @hookimpl
        def vu_validators(self) -> list[Validator]:
            def look(context: Context) -> list[Finding]:
                seen.append((context.run.kind, len(context.history.runs(10))))
                return []

            return [Validator(name="looks", moment=Moment.PLAN, check=look, summary="looks")]

    world.execute(NARROW)
    world.update([WITH_TEAM])
    world.execute(ADD_TEAM)
    world.replayed(*numbers(world))
    world.judged([WITH_TEAM], Looks())

    assert seen == [("update", 1)]


# Mended records


def test_mended_records_close_the_entries_of_their_keys(world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    world.update([BAD, {**BAD, "id": 5}, {**BAD, "id": 6}])
    mended = jsonl(tmp_path / "mended.jsonl", [GOOD, {**BAD, "id": 5}])
    result = world.replayed(*numbers(world), source=mended)

    assert (result.counts.inserted, result.counts.quarantined) == (1, 1)
    assert world.entry_states() == ["replayed", "superseded", "open", "open"]


@pytest.mark.parametrize(
    ("mended", "states"),
    [
        (['{"id": 1, "name": "x"}', '{"id": 2, "name": "y"}'], ["replayed", "replayed"]),
        (['{"id": 1, "name": "x"}', '{"id": 2, "na'], ["replayed", "superseded", "open"]),
        (['{"id": 1, "name": "x"}', '{"id": 2, "name": null, "age": "many"}'], ["open", "open", "open"]),
    ],
    ids=["all mended", "one as it was", "one is refused for another reason"],
)
def test_named_entries_without_a_key(mended: list[str], states: list[str], world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    (tmp_path / "day.jsonl").write_text('{"id": 1, "na\n{"id": 2, "na\n')
    world.update(tmp_path / "day.jsonl")
    (tmp_path / "mended.jsonl").write_text("\n".join(mended))
    world.replayed(*numbers(world), stands_for=numbers(world), source=tmp_path / "mended.jsonl")

    assert world.entry_states() == states


def test_a_refused_record_of_another_entry_does_not_keep_a_named_one_open(world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    (tmp_path / "day.jsonl").write_text('{"id": 1, "na\n{"id": 2, "name": "y", "age": "many"}\n')
    world.update(tmp_path / "day.jsonl")
    broken, keyed = sorted(world.entries(), key=lambda entry: entry.kept.line or 0)
    (tmp_path / "mended.jsonl").write_text('{"id": 1, "name": "x"}\n{"id": 2, "name": "y", "age": "much"}\n')
    world.replayed(*numbers(world), stands_for=[broken.number], source=tmp_path / "mended.jsonl")

    states = {entry.number: entry.state for entry in world.entries()}
    assert (states[broken.number], states[keyed.number]) == ("replayed", "superseded")


# Which entries


def chosen(world: World, **wanted: Any) -> Any:
    with world.journal() as (_, connection, tables):
        return choose(connection, tables, Wanted(**wanted))


def test_what_was_chosen(world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    (tmp_path / "day.jsonl").write_text('{"id": 1, "na\n{"id": 2, "name": "y", "age": "many"}\n')
    run = world.update(tmp_path / "day.jsonl", task="daily", key="id")
    by_line = {entry.kept.line: entry.number for entry in world.entries()}

    found = chosen(world)
    assert (found.task, found.table, found.key, found.run_id) == ("daily", "t", ("id",), run.run_id)
    assert (found.records, found.broken) == ((by_line[2],), (by_line[1],))
    world.update([{**BAD, "id": 7}], task="daily")
    assert chosen(world).run_id is None
    assert chosen(world, code="bad_json").records == ()


def test_what_cannot_be_chosen(world: World) -> None:
    world.execute(TABLE, TABLE.replace(" t ", " u "))
    world.update([BAD])
    with pytest.raises(UsageError, match="no such record is in quarantine"):
        chosen(world, code="bad_json")
    with pytest.raises(UsageError, match="there is no entry 99 in the quarantine"):
        chosen(world, numbers=(99,))
    world.update([{**BAD, "id": 5}], table="u")
    with pytest.raises(
        UsageError, match="of 2 tasks or tables, and a replay is of one: task t, table t; task u, table u"
    ):
        chosen(world)
    first, _ = numbers(world)
    with world.journal(write=True) as (_, connection, tables):
        discard(connection, tables, Wanted(numbers=(first,)))
    with pytest.raises(UsageError, match=f"entry {first} is closed: it was discarded"):
        chosen(world, numbers=(first,))
    assert chosen(world).table == "u"


def test_bytes_are_not_replayed_as_text(world: World) -> None:
    kind = "blob" if world.is_sqlite else "bytea"
    world.execute(f"CREATE TABLE t (id integer PRIMARY KEY, data {kind}, n integer CHECK (n < 10))")
    in_batches: Any = {"plugins": ("batch",), "settings": {"batch": {"max_quarantined": "100%"}}}
    world.update([{"id": 1, "data": b"\x00\xff", "n": 11}, {"id": 2, "data": b"\x00", "n": 1}], **in_batches)
    world.update([{"id": 3, "data": [b"\x00"], "n": 1}])

    found = chosen(world)

    assert (found.records, found.broken) == ((), tuple(numbers(world)))
    assert [entry.kept.code for entry in world.entries()] == ["record_refused", "wrong_type"]
    assert all("b'\\x00" in entry.kept.record for entry in world.entries())
