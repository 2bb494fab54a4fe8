"""Entries are closed by what comes later: a good record of the same key, or the same bad one once more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from tests.core.quarantine.world import BAD, GOOD, TABLE, World
from validate_updates import RunResult, Verdict, run
from validate_updates.quarantine.closing import discard, reopen
from validate_updates.quarantine.reading import PAGE, Wanted

OTHER = {"id": 5, "name": "five", "age": 50}
BROKEN = '{"id": 4, "name": "four'


def lines(path: Path, *texts: str) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


def test_a_newer_good_record_of_the_key_closes_the_entry(world: World) -> None:
    world.execute(TABLE)
    kept_out = world.update([BAD])
    landed = world.update([GOOD, OTHER])

    [entry] = world.entries()
    assert (entry.run_id, entry.state, entry.closed_by) == (kept_out.run_id, "superseded", landed.run_id)
    assert entry.closed_at is not None
    assert entry.closed_at >= entry.created_at


def test_one_that_the_table_holds_already_closes_it_too(world: World) -> None:
    world.execute(TABLE, "INSERT INTO t VALUES (4, 'four', 40)")
    world.update([BAD])
    assert world.update([GOOD]).counts.unchanged == 1

    assert world.entry_states() == ["superseded"]


@pytest.mark.parametrize(
    "later", [[OTHER], [{**GOOD, "id": 40}], [{**GOOD, "id": -4}]], ids=["another", "begins alike", "negative"]
)
def test_a_record_of_another_key_closes_nothing(later: list[dict[str, Any]], world: World) -> None:
    world.execute(TABLE)
    world.update([BAD])
    world.update(later)

    assert world.entry_states() == ["open"]


def test_a_good_record_in_the_same_run_closes_nothing(world: World) -> None:
    world.execute(TABLE)
    world.update([BAD, GOOD])

    assert world.entry_states() == ["open"]


def test_an_update_that_fails_while_it_reads_closes_what_it_kept_out_again_and_nothing_else(world: World) -> None:
    def breaking() -> Iterator[dict[str, Any]]:
        yield BAD
        yield from ({"id": number, "name": "n"} for number in range(10, 4000))  # more than is read before it is loaded
        raise OSError("the line is cut")

    world.execute(TABLE)
    world.update([BAD, {**BAD, "id": 5}])

    assert world.update(breaking()).verdict is Verdict.FAILED
    assert world.entry_states() == ["superseded", "open", "open"]


def test_an_update_of_another_table_closes_nothing(world: World) -> None:
    world.execute(TABLE, TABLE.replace(" t ", " u "))
    world.update([BAD])
    world.update([GOOD], table="u")

    assert world.entry_states() == ["open"]


def test_an_update_that_does_not_stand_closes_nothing(world: World) -> None:
    world.execute(TABLE)
    world.update([BAD])
    rejected = world.update([GOOD, {"id": 6, "name": None}])
    planned = world.update([GOOD], dry_run=True)

    assert (rejected.verdict, planned.verdict) == (Verdict.REJECTED, Verdict.COMMITTED)
    assert world.entry_states() == ["open"]


def test_the_same_record_kept_out_day_after_day_is_open_once(world: World) -> None:
    world.execute(TABLE)
    runs = [world.update([BAD, OTHER]) for _ in range(3)]

    assert world.entry_states() == ["superseded", "superseded", "open"]
    assert [entry.closed_by for entry in world.entries()] == [runs[1].run_id, runs[2].run_id, None]


def test_so_is_one_of_updates_that_are_rejected(world: World) -> None:
    world.execute(TABLE)
    for _ in range(2):
        assert world.update([BAD, {"id": 6, "name": None}]).verdict is Verdict.REJECTED

    assert world.entry_states() == ["superseded", "open"]


def test_and_a_line_that_is_no_record(world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    world.update(lines(tmp_path / "1.jsonl", BROKEN, "]"))
    world.update(lines(tmp_path / "2.jsonl", BROKEN))

    assert world.entry_states() == ["superseded", "open", "open"]


def test_a_line_without_a_readable_key_waits_for_a_person(world: World, tmp_path: Path) -> None:
    world.execute(TABLE)
    world.update(lines(tmp_path / "day.jsonl", BROKEN))
    world.update([GOOD])

    assert world.entry_states() == ["open"]


# Keys are compared as the table compares them


@pytest.mark.parametrize(
    ("kind", "bad", "good", "state"),
    [
        ("integer", "7", 7, "superseded"),
        ("text", "7", 7, "superseded"),
        ("text", "x" * 200 + "1", "x" * 200 + "1", "superseded"),
        ("text", "x" * 200 + "1", "x" * 200 + "2", "open"),
        ("text", "A", "a", "open"),
        ("text", "a\x1b", "a\\x1b", "open"),
        ("timestamp", "2026-01-01", "2026-01-01T00:00:00Z", "superseded"),
        ("numeric", 1.5, "1.50", "superseded"),
    ],
)
def test_keys_are_compared_by_value(kind: str, bad: Any, good: Any, state: str, world: World) -> None:
    world.execute(f"CREATE TABLE t (id {kind} PRIMARY KEY, age integer)")
    world.update([{"id": bad, "age": "many"}])
    world.update([{"id": good, "age": 1}])

    assert world.entry_states() == [state]


def test_keys_are_compared_under_their_collation(sqlite: World) -> None:
    sqlite.execute("CREATE TABLE t (id text COLLATE NOCASE PRIMARY KEY, age integer)")
    sqlite.update([{"id": "A", "age": "many"}])
    sqlite.update([{"id": "a", "age": 1}])

    assert sqlite.entry_states() == ["superseded"]


def test_keys_of_two_columns(world: World) -> None:
    world.execute("CREATE TABLE t (a integer, b text, age integer, PRIMARY KEY (a, b))")
    world.update([{"a": 1, "b": "x, b=y", "age": "many"}, {"a": 2, "b": "x", "age": "many"}])
    world.update([{"a": 1, "b": "x, b=y", "age": 1}, {"a": 2, "b": "y", "age": 1}])

    assert world.entry_states() == ["superseded", "open"]


def test_a_record_too_large_to_be_stored_is_known_by_its_shown_key(world: World) -> None:
    world.execute(TABLE)
    world.update([{**BAD, "name": "n" * 100_000}])
    world.update([GOOD])

    [entry] = world.entries()
    assert (entry.is_cut, entry.state) == (True, "superseded")


def test_a_key_that_the_database_refuses_to_compare_does_not_end_the_update(postgres: World) -> None:
    postgres.execute("CREATE TABLE t (id inet PRIMARY KEY, age integer)")
    first = {"id": "10.0.0.1", "age": "many"}
    postgres.update([first, {"id": "not an address", "age": "many"}, {**first, "id": "10.0.0.2"}])
    landed = postgres.update([{"id": "10.0.0.1/32", "age": 1}])

    assert landed.verdict is Verdict.COMMITTED
    assert postgres.entry_states() == ["superseded", "open", "open"]


# With batches


def batched(world: World, records: Any) -> RunResult:
    return run(
        records,
        target=world.url,
        table="t",
        plugins=("batch",),
        settings={"batch": {"max_quarantined": "100%", "max_failed_batches": "100%"}},
    )


def test_a_record_that_was_staged_and_then_refused_is_open_once(world: World) -> None:
    world.execute("CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL, age integer CHECK (age < 100))")
    world.update([{**BAD, "id": 1}, BAD, {**BAD, "id": 3}])
    result = batched(world, [{**GOOD, "id": 1}, {**GOOD, "age": 400}])

    assert (result.verdict, result.counts.inserted) == (Verdict.COMMITTED_WITH_QUARANTINE, 1)
    assert world.entry_states() == ["superseded", "superseded", "open", "open"]
    *_, newest = world.entries()
    assert (newest.run_id, newest.kept.key) == (result.run_id, "id=4")


# Bounded work


def test_more_entries_than_a_page(world: World) -> None:
    world.execute(TABLE)
    many = 2 * PAGE + 7
    world.update([{**BAD, "id": number} for number in range(many)])
    world.update([{**GOOD, "id": number} for number in range(1, many)])

    assert [entry.number for entry in world.entries(closed_too=False)] == [world.entries()[0].number]


def test_where_nothing_is_open_an_update_asks_once(sqlite: World) -> None:
    sqlite.execute(TABLE)
    sqlite.update([BAD])
    sqlite.update([GOOD])
    asked: list[str] = []

    def listen(*args: Any) -> None:
        asked.append(args[2])

    event.listen(sa.Engine, "before_cursor_execute", listen)
    try:
        sqlite.update([GOOD, OTHER])
    finally:
        event.remove(sa.Engine, "before_cursor_execute", listen)

    [query] = [text for text in asked if "FROM update_quarantine" in text and "WHERE 0 = 1" not in text]
    marks = ("'t'", "'open'", "'run'", "200", "0")
    for mark in marks[: query.count("?")]:
        query = query.replace("?", mark, 1)
    [(*_, plan)] = [row for row in sqlite.rows(f"EXPLAIN QUERY PLAN {query}") if "SEARCH" in row[-1]]
    assert "update_quarantine_record (table_name=? AND state=?)" in plan


# By a person, and back


def test_discarded_entries_stay_in_the_journal_with_the_reason(world: World) -> None:
    world.execute(TABLE)
    world.update([BAD, {**BAD, "id": 5}])
    first, _ = world.entries()
    with world.journal(write=True) as (_, connection, tables):
        assert discard(connection, tables, Wanted(numbers=(first.number,)), "no such person") == 1
        assert discard(connection, tables, Wanted(numbers=(first.number,), closed_too=True), "again") == 0

    discarded, other = world.entries()
    assert (discarded.state, discarded.note, discarded.closed_by) == ("discarded", "no such person", None)
    assert (other.state, other.note) == ("open", None)


def test_what_a_run_closed_is_opened_again_when_it_is_taken_back(world: World) -> None:
    world.execute(TABLE)
    world.update([BAD, {**BAD, "id": 5}, {**BAD, "id": 6}])
    by_key = world.update([GOOD])
    world.update([{**GOOD, "id": 5}])
    with world.journal(write=True) as (_, connection, tables):
        discard(connection, tables, Wanted(numbers=(world.entries()[2].number,)))
        assert reopen(connection, tables, by_key.run_id) == 1

    assert world.entry_states() == ["open", "superseded", "discarded"]
    assert (world.entries()[0].closed_at, world.entries()[0].closed_by) == (None, None)
