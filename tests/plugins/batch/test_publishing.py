"""When others see what is written, and what stands of an update that does not come to its end."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import jsonl
from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, Batched, Watch, between_groups, on_begin, people, person, rows
from validate_updates import Verdict
from validate_updates.journal.rows import RunState
from validate_updates.signals import stop_on_signals
from validate_updates.targets.plan import Plan
from validate_updates_batch.settings import BatchSettings
from validate_updates_batch.strategy import _next_group


def test_audited_nobody_sees_anything_before_the_verdict(target: Batched) -> None:
    target.execute(PEOPLE)
    seen: list[int] = []

    result = target.apply(
        people(60, minors=[13]),
        size=10,
        publish="audited",
        commit_batches=2,
        options={"progress": Watch(lambda _stage, _batches: seen.append(len(target.people())))},
    )

    assert {*seen} == {0}
    assert (result.publish, len(target.people())) == ("audited", 59)


def test_progressive_others_see_each_group_when_it_is_done(target: Batched) -> None:
    target.execute(PEOPLE)
    seen: list[int] = []

    def look(stage: str, batches: int) -> None:
        if stage == "apply" and batches:
            seen.append(len(target.people()))

    result = target.apply(
        people(60, minors=[13]), size=10, publish="progressive", commit_batches=2, options={"progress": Watch(look)}
    )

    assert seen == [0, 0, 19, 19, 39, 39]
    assert (result.publish, len(target.people())) == ("progressive", 59)


def test_the_ledger_and_the_quarantine_come_with_each_group(target: Batched) -> None:
    target.execute(PEOPLE)
    told: list[tuple[int, int, int]] = []

    def look(stage: str, batches: int) -> None:
        if stage == "apply" and batches in (1, 3, 5):
            story = target.story()
            assert story.run.state is RunState.RUNNING
            assert story.run.counts.add_up
            told.append((len(story.batches), story.kept_out_total, story.run.counts.inserted))

    target.apply(
        people(60, minors=[13, 33]), size=10, publish="progressive", commit_batches=2, options={"progress": Watch(look)}
    )

    assert told == [(0, 0, 0), (2, 1, 19), (4, 2, 38)]


def test_a_batch_that_waits_for_a_second_try_is_in_the_ledger_with_its_group(target: Batched) -> None:
    """Stopped before the parents come, what stands of the batch is told; done again, it is entered once."""
    target.execute(PEOPLE)
    records = [person(n, boss=n + 60 if n in {7, 27} else None) for n in range(1, 101)]

    def stop(stage: str, batches: int) -> None:
        if (stage, batches) == ("apply", 4):
            signal.raise_signal(signal.SIGTERM)

    settings: dict[str, Any] = {"size": 10, "publish": "progressive", "commit_batches": 2}
    with stop_on_signals():
        stopped = target.apply(records, options={"progress": Watch(stop)}, **settings)

    assert stopped.verdict is Verdict.INTERRUPTED
    batches = target.story(stopped.run_id).batches
    assert batches[0].applied == 9
    assert sum(batch.applied for batch in batches) == len(target.people()) == stopped.counts.inserted

    done = target.apply(records, **settings)

    assert done.verdict is Verdict.COMMITTED
    assert target.people() == rows(records)


def test_without_an_undo_log_nothing_is_published_before_the_verdict(target: Batched) -> None:
    target.execute(PEOPLE)

    result = target.apply(people(60), publish="progressive", options={"undo_retention_days": 0})

    assert result.publish == "audited"
    assert [finding.code for finding in result.findings] == ["not_progressive"]
    assert result.verdict is Verdict.COMMITTED


@pytest.mark.parametrize(
    ("together", "seconds", "then"),
    [(20, 0.1, 20), (10, 0.1, 20), (16, 0.1, 20), (20, 0.5, 20), (20, 1.5, 10), (1, 1.5, 1), (2, 0.2, 4), (2, 0.3, 2)],
)
def test_groups_become_as_large_as_their_seconds_allow(together: int, seconds: float, then: int) -> None:
    assert _next_group(together, seconds, BatchSettings()) == then


# Ends before the end


@pytest.mark.parametrize("publish", ["audited", "progressive"])
def test_a_signal_keeps_the_groups_that_are_committed_and_nothing_else(target: Batched, publish: str) -> None:
    target.execute(PEOPLE)
    records = people(60, minors=[13, 43])

    def stop(stage: str, batches: int) -> None:
        if stage == "apply" and batches == 5:
            signal.raise_signal(signal.SIGTERM)

    with stop_on_signals():
        stopped = target.update(
            records,
            plugins=("batch",),
            settings={"batch": {"size": 10, "publish": publish, "commit_batches": 2}},
            progress=Watch(stop),
        )
    target.tells_the_truth(stopped)

    assert (stopped.verdict, stopped.exit_code) == (Verdict.INTERRUPTED, 143)
    stand = [*range(1, 13), *range(14, 41)] if publish == "progressive" else []
    assert target.people() == rows(record for record in records if record["id"] in stand)
    counts = stopped.counts
    assert (counts.inserted, counts.quarantined, counts.unchanged) == (len(stand), 1 if stand else 2, 0)
    story = target.story()
    assert (story.run.state, len(story.batches)) == (RunState.INTERRUPTED, 4 if stand else 0)
    assert ("published_in_part" in [finding.code for finding in stopped.findings]) is bool(stand)

    again = target.apply(records, size=10, publish=publish, commit_batches=2)

    assert again.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert again.counts.unchanged == len(stand)
    assert target.people() == rows(record for record in records if record["id"] not in (13, 43))
    assert [entry.kept.key for entry in target.entries(closed_too=False)] == ["id=13", "id=43"]


def test_a_source_that_breaks_leaves_the_table_as_it_was(target: Batched) -> None:
    target.execute(PEOPLE)

    def records() -> Iterator[dict[str, object]]:
        yield from people(30)
        raise OSError("the line is dead")

    result = target.apply(records(), size=10, publish="progressive", commit_batches=1)

    assert result.verdict is Verdict.FAILED
    assert target.people() == []


# Others at work between two groups


@pytest.mark.parametrize("at", [1, 2])
def test_what_others_change_between_two_groups_is_compared_once_more(target: Batched, at: int) -> None:
    """In groups to come, not only in the next: a row that is new, one that is gone, one that is as it should be."""
    target.execute(PEOPLE)
    target.insert("t", [tuple(person(number, name="old").values()) for number in range(41, 61)])
    records = people(60)
    meddling = (
        "INSERT INTO t VALUES (39, '39@example.org', 'theirs', 50, NULL)",
        "INSERT INTO t VALUES (40, '40@example.org', 'n40', 40, NULL)",
        "DELETE FROM t WHERE id = 55",
        "UPDATE t SET name = 'n56' WHERE id = 56",
    )
    with between_groups(target, *meddling, at=at) as watch:
        result = target.apply(records, size=5, publish="progressive", commit_batches=2, options={"progress": watch})

    assert target.people() == rows(records)
    assert result.verdict is Verdict.COMMITTED, result.reason
    assert (result.counts.inserted, result.counts.updated, result.counts.unchanged) == (39, 19, 2)


def test_a_row_of_others_in_the_way_of_a_later_group_costs_one_record(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(60)
    theirs = person(900, email="45@example.org")

    with between_groups(target, "INSERT INTO t VALUES (900, '45@example.org', 'n900', 40, NULL)") as watch:
        target.apply(records, size=5, publish="progressive", commit_batches=2, options={"progress": watch})

    assert target.people() == rows([theirs, *(record for record in records if record["id"] != 45)])
    assert target.kept_out_keys() == ["id=45"]


@pytest.mark.parametrize("others", [False, True])
def test_groups_are_compared_once_more_only_where_others_have_written(
    target: Batched, monkeypatch: pytest.MonkeyPatch, *, others: bool
) -> None:
    target.execute(PEOPLE, "CREATE TABLE theirs (x integer)")
    compared: list[int] = []

    def refresh(plan: Plan, first: int, last: int) -> None:
        compared.append(first)
        compare(plan, first, last)

    compare = Plan.refresh
    monkeypatch.setattr(Plan, "refresh", refresh)
    found = []
    for attempt in range(3):  # the server itself may commit now and then
        compared.clear()
        with between_groups(target, *(["INSERT INTO theirs VALUES (1)"] if others else [])) as watch:
            target.apply(
                [person(number, name=f"{attempt}") for number in range(1, 31)],
                size=5,
                publish="progressive",
                commit_batches=2,
                options={"progress": watch},
            )
        found.append([*compared])

    assert all(found) if others else [] in found


def test_others_are_let_in_between_two_groups(sqlite: Batched) -> None:
    """On SQLite the write lock is on the whole database: a group gives it back."""
    sqlite.execute(PEOPLE, "CREATE TABLE theirs (x integer)")
    let_in: list[bool] = []

    def write(_connection: object) -> None:
        with closing(sqlite3.connect(sqlite.path, timeout=0)) as theirs:
            theirs.execute("INSERT INTO theirs VALUES (1)")
            theirs.commit()
            let_in.append(True)

    with on_begin(write) as watch:
        sqlite.apply(people(30), size=5, publish="progressive", commit_batches=2, options={"progress": watch})

    assert len(let_in) >= 3


@pytest.mark.parametrize("publish", ["audited", "progressive"])
def test_files_are_read_alike(target: Batched, tmp_path: Path, publish: str) -> None:
    target.execute(PEOPLE)
    path = jsonl(tmp_path / "people.jsonl", people(60, minors=[13]))

    target.apply(path, size=10, publish=publish, commit_batches=2, **ANY_NUMBER)

    (entry,) = target.entries()
    assert (entry.kept.file, entry.kept.line) == ("people.jsonl", 13)
