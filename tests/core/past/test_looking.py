"""What there is of history."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.core.past.conftest import World
from tests.core.past.test_bringing_in import FIRST, brought, past
from validate_updates.journal.rows import RunState
from validate_updates.past.bringing_in import BACKFILL
from validate_updates.past.labels import label_run
from validate_updates.past.looking import TaskHistory, metrics_of, tasks_with_history


def test_nothing(world: World) -> None:
    with world.journal() as (connection, tables):
        assert tasks_with_history(connection, tables) == tasks_with_history(connection, None) == ()
        assert metrics_of(connection, tables, "t") == metrics_of(connection, None, "t") == ()


def test_a_task_and_its_metrics(world: World) -> None:
    brought(world, past(0, 3.0), past(1, 4.0), past(2, 5.0, state=RunState.FAILED))
    brought(world, past(3, 6.0), way=BACKFILL)
    brought(world, past(0), task="u")
    own = world.update([{"id": 1}], as_of=datetime(2025, 3, 1, tzinfo=UTC)).run_id
    wrong = world.update([{"id": 2}], as_of=datetime(2025, 3, 2, tzinfo=UTC)).run_id
    with world.journal() as (connection, tables):
        label_run(connection, tables, wrong, "incident", now=FIRST)
        label_run(connection, tables, own, "expected", now=FIRST)
        both = tasks_with_history(connection, tables)
        [reads] = metrics_of(connection, tables, "t", metric="records.read")
        [last_two] = metrics_of(connection, tables, "t", metric="records.read", limit=2)
        names = [one.metric for one in metrics_of(connection, tables, "t")]

    assert [one.task for one in both] == ["t", "u"]
    assert both[0] == TaskHistory(
        task="t",
        runs=6,
        examples=4,
        imported=3,
        backfilled=1,
        expected=1,
        incidents=1,
        first=FIRST,
        last=datetime(2025, 3, 2, tzinfo=UTC),
    )
    assert [value.value for value in reads.values] == [3.0, 4.0, 6.0, 1.0]
    assert [value.kind for value in reads.values] == ["import", "import", "import", "update"]
    assert (reads.values[-1].run_id, reads.values[-1].label) == (own, "expected")
    assert last_two.values == reads.values[-2:]
    assert "records.inserted" in names
    assert names == sorted(names)
