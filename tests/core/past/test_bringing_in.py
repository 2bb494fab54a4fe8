"""Runs of the past in the journal: once, in order, beside the runs of our own, and out of it again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.engine.target import JOURNAL
from tests.core.past.conftest import World
from validate_updates.errors import TargetError
from validate_updates.journal.history import JournalHistory
from validate_updates.journal.rows import RunKind, RunState
from validate_updates.past.bringing_in import (
    BACKFILL,
    IMPORT,
    KNOWN,
    OWN,
    TWICE,
    Arrived,
    Known,
    Settled,
    bring_in,
    forget,
    run_id_of,
    settle,
)
from validate_updates.past.log import BadRow, PastRun, Reading
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database

FIRST = datetime(2025, 1, 1, 6, tzinfo=UTC)


def past(day: int, read: float = 1.0, **more: Any) -> PastRun:
    return PastRun(started_at=FIRST + timedelta(days=day), metrics={"records.read": read}, number=day + 1, **more)


def of(runs: Sequence[PastRun], *bad: BadRow) -> Reading:
    return Reading(rows=len(runs) + len(bad), runs=tuple(runs), bad=bad)


def brought(world: World, *runs: PastRun, task: str = "t", bad: Sequence[BadRow] = (), **more: Any) -> Arrived:
    def settled(known: Known) -> Settled:
        return settle(of(runs, *bad), known, task)

    database = open_database(SecretUrl(world.url))
    with database.connect() as connection, database.transaction(connection):
        done = bring_in(connection, settled, task=task, table="t", source="log.csv", prefix=JOURNAL, **more)
    database.engine.dispose()
    return done


def history(world: World, task: str = "t") -> list[tuple[str, float]]:
    """(run id, records read), newest first, as plugins see it."""
    with world.journal() as (connection, tables):
        return list(JournalHistory(connection, tables, task, "present").metric("records.read", 1000))


def values(world: World, task: str = "t") -> list[float]:
    return [value for _, value in history(world, task)]


def contents(world: World) -> list[list[tuple[Any, ...]]]:
    return [world.rows(f"SELECT * FROM update_{name} ORDER BY 1, 2") for name in ("logs", "metrics")]


def test_a_run_of_the_past_in_the_journal(world: World) -> None:
    run = PastRun(
        started_at=FIRST,
        metrics={"records.read": 9.0, "records.inserted": 4.0, "x": 0.5},
        state=RunState.COMMITTED_WITH_QUARANTINE,
        seconds=2.5,
        name="nightly-7",
    )
    done = brought(world, run)
    stored = world.story()

    assert done.written == 1
    assert stored.run.run_id == run_id_of("t", run)
    assert stored.run.run_id.startswith("20250101-060000-")
    assert (stored.run.kind, stored.run.state, stored.run.task, stored.run.table) == (
        RunKind.IMPORT,
        RunState.COMMITTED_WITH_QUARANTINE,
        "t",
        "t",
    )
    assert stored.run.reason == "committed with quarantine, says log.csv, nightly-7"
    assert (stored.run.started_at, stored.run.seconds) == (FIRST, 2.5)
    assert stored.run.finished_at == FIRST + timedelta(seconds=2.5)
    assert (stored.run.counts.read, stored.run.counts.inserted, stored.run.counts.updated) == (9, 4, 0)
    assert dict(stored.metrics) == run.metrics


def test_the_id_of_a_run_is_made_of_all_that_is_known_of_it() -> None:
    run = past(0, seconds=1.0)
    others = [
        past(1, seconds=1.0),
        past(0, 2.0, seconds=1.0),
        past(0, seconds=2.0),
        past(0, seconds=1.0, name="x"),
        past(0, seconds=1.0, state=RunState.FAILED),
    ]

    assert len({run_id_of("t", one) for one in (run, *others)} | {run_id_of("u", run)}) == 7
    assert run_id_of("t", replace(run, number=99)) == run_id_of("t", run)


def test_what_failed_is_written_down_and_no_example(world: World) -> None:
    brought(world, past(0), past(1, 2.0, state=RunState.FAILED), past(2, 3.0, state=RunState.ROLLED_BACK), past(3, 4.0))

    assert values(world) == [4.0, 1.0]
    with world.journal() as (connection, tables):
        seen = JournalHistory(connection, tables, "t", "present").runs(committed=False)
    assert [(one.kind, one.state) for one in seen] == [
        ("import", "committed"),
        ("import", "rolled back"),
        ("import", "failed"),
        ("import", "committed"),
    ]


def test_twice_is_once(world: World) -> None:
    runs = [past(day, float(day % 3)) for day in range(5)]
    brought(world, *runs)
    before = contents(world)
    again = brought(world, *runs)

    assert (again.written, again.settled.left_out) == (0, {KNOWN: 5})
    assert contents(world) == before


def test_a_log_that_grew_adds_what_is_new(world: World) -> None:
    brought(world, past(0), past(1))
    again = brought(world, past(0), past(1), past(1, 7.0), past(2, 8.0))

    assert (again.written, again.settled.left_out) == (2, {KNOWN: 2})
    assert values(world) == [8.0, 7.0, 1.0, 1.0]


def test_a_log_that_was_delivered_twice(world: World) -> None:
    done = brought(world, past(0), past(0), past(0, name="another"))

    assert (done.written, done.settled.left_out) == (2, {TWICE: 1})


def test_a_log_that_was_changed_is_refused_and_doubles_nothing(world: World) -> None:
    brought(world, past(0), past(1))
    before = contents(world)
    done = brought(world, past(0), past(1, 5.0), past(2))

    assert done.written == 0
    assert [bad.number for bad in done.settled.bad] == [2]
    assert "was imported before" in done.settled.bad[0].reason
    assert contents(world) == before


def test_bad_rows_stop_everything_unless_they_are_skipped(world: World) -> None:
    bad = BadRow(9, "no time")

    assert brought(world, past(0), bad=[bad]).written == 0
    assert "update_logs" not in world.all_tables()
    done = brought(world, past(0), bad=[bad], skip_bad=True)
    assert (done.written, done.settled.bad, done.settled.rows) == (1, (bad,), 2)
    assert values(world) == [1.0]


def test_a_dry_run_writes_nothing(world: World) -> None:
    done = brought(world, past(0), dry_run=True)

    assert (done.written, len(done.settled.new)) == (0, 1)
    assert world.all_tables() == ["t"]


def test_older_than_our_own_runs_whatever_the_clock_says(world: World) -> None:
    world.update([{"id": 1}, {"id": 2}], as_of=datetime(2024, 5, 1, tzinfo=UTC))
    brought(world, past(0, 7.0), past(1, 8.0))
    world.update([{"id": 3}], as_of=datetime(2024, 5, 2, tzinfo=UTC))

    assert values(world) == [1.0, 2.0, 8.0, 7.0]
    assert [row[0] for row in world.rows("SELECT run_no FROM update_logs ORDER BY 1")] == [-2, -1, 1, 2]
    assert world.story("last").run.started_at == datetime(2024, 5, 2, tzinfo=UTC)


def test_our_own_runs_are_numbered_from_one_after_an_import(world: World) -> None:
    brought(world, past(0), past(1), past(2))
    world.update([{"id": 1}])

    assert [row[0] for row in world.rows("SELECT run_no FROM update_logs ORDER BY 1")] == [-3, -2, -1, 1]


def test_in_the_order_of_their_log_whenever_they_come(world: World) -> None:
    brought(world, past(4, 4.0), past(2, 2.0))
    brought(world, past(3, 3.0), past(0, 0.0), past(5, 5.0))
    brought(world, past(1, 1.0), task="u")

    assert values(world) == [5.0, 4.0, 3.0, 2.0, 0.0]
    assert world.rows("SELECT run_no FROM update_logs ORDER BY started_at") == [
        (-6,),
        (-5,),
        (-4,),
        (-3,),
        (-2,),
        (-1,),
    ]


def test_of_one_moment_the_later_row_is_the_newer(world: World) -> None:
    brought(world, past(0, 1.0), past(0, 3.0), past(0, 2.0))

    assert values(world) == [2.0, 3.0, 1.0]


def test_a_day_with_a_run_of_our_own_is_left_to_it(world: World) -> None:
    world.update([{"id": 1}], as_of=FIRST + timedelta(days=1, hours=9))
    done = brought(world, past(0), past(1), past(2))

    assert (done.written, done.settled.left_out) == (2, {OWN: 1})


def test_tasks_do_not_mix(world: World) -> None:
    brought(world, past(0, 1.0))
    done = brought(world, past(0, 1.0), past(1, 2.0), task="u")

    assert done.written == 2
    assert (values(world), values(world, "u")) == ([1.0], [2.0, 1.0])


def test_forget(world: World) -> None:
    world.update([{"id": 1}])
    brought(world, past(0), past(1))
    brought(world, past(5), way=BACKFILL)
    brought(world, past(0), task="u")
    with world.journal() as (connection, tables):
        assert forget(connection, tables, "t", way=IMPORT) == 2
        assert forget(connection, tables, "t", way=IMPORT) == 0

    assert len(values(world)) == 2
    assert len(values(world, "u")) == 1
    assert brought(world, past(0), past(1)).written == 2


def test_a_day_that_was_backfilled_is_not_imported_beside(world: World) -> None:
    brought(world, past(0), way=BACKFILL)
    done = brought(world, past(0, 9.0))

    assert done.written == 0
    assert "was backfilled" in done.settled.bad[0].reason


def test_more_rows_than_one_statement_takes(world: World) -> None:
    brought(world, *(past(day, float(day)) for day in range(1200)))

    assert values(world)[:1000] == [float(day) for day in range(1199, 199, -1)]


def test_a_name_that_no_database_takes(world: World) -> None:
    run = PastRun(started_at=FIRST, metrics={"a\0b": 1.0, "a" * 300: 2.0}, name="\ud800" * 9000)
    brought(world, run)

    assert sorted(world.story().metrics.values()) == [1.0, 2.0]


def test_two_at_once(world: World) -> None:
    runs = [past(day) for day in range(20)]
    barrier, done = threading.Barrier(2), list[Arrived]()

    def both() -> None:
        barrier.wait()
        done.append(brought(world, *runs))

    threads = [threading.Thread(target=both) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.written for one in done) == [0, 20]
    assert len(values(world)) == 20


def test_a_journal_of_another_program_is_left_alone(world: World) -> None:
    world.execute("CREATE TABLE update_logs (x integer)")

    with pytest.raises(TargetError, match="is not the journal's own"):
        brought(world, past(0))


runs_of_the_past = st.builds(
    PastRun,
    started_at=st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
    | st.sampled_from([FIRST, FIRST + timedelta(microseconds=1)]),
    metrics=st.dictionaries(
        st.sampled_from(["records.read", "records.deleted", "x"]), st.integers(0, 2**53).map(float), min_size=1
    ),
    state=st.sampled_from([state for state in RunState if state is not RunState.RUNNING]),
    seconds=st.none() | st.floats(0, 1e6),
    name=st.text(max_size=3),
)
logs = st.lists(runs_of_the_past, max_size=8)


@given(first=logs, second=logs)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_log_twice_is_the_log_once(world: World, first: list[PastRun], second: list[PastRun]) -> None:
    if "update_logs" in world.all_tables():
        world.execute("DELETE FROM update_logs")

    def check(done: Arrived, rows: int) -> None:
        settled = done.settled
        assert settled.rows == rows == len(settled.new) + len(settled.bad) + sum(settled.left_out.values())

    check(brought(world, *first), len(first))
    once = contents(world) if first else []
    check(brought(world, *first), len(first))
    assert not first or contents(world) == once

    check(brought(world, *first, *second, skip_bad=True), len(first) + len(second))
    if first or second:
        numbers = world.rows("SELECT run_no, started_at FROM update_logs ORDER BY run_no DESC")
        assert [number for number, _ in numbers] == [-place for place in range(1, len(numbers) + 1)]
        assert all(newer[1] >= older[1] for newer, older in pairwise(numbers))
