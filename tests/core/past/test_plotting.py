"""What a chart is made of: every finished update with the metric, and what was said of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.core.past.conftest import World
from validate_updates.errors import UsageError
from validate_updates.past.labels import label_run
from validate_updates.past.plotting import Plotted, plotted

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def chart(world: World, metric: str = "records.read", limit: int = 10, task: str = "t") -> list[Plotted]:
    with world.journal() as (connection, tables):
        return [*plotted(connection, tables, task, metric, limit)]


def test_runs_with_what_was_said_of_them_the_oldest_first(world: World) -> None:
    world.update([{"id": 1}])
    bad = world.update([{"id": 2}, {"id": 3}]).run_id
    world.update([{"id": 4}, {"id": 5}, {"id": 6}])
    with world.journal() as (connection, tables):
        label_run(connection, tables, bad, "incident", now=NOW)

    assert [(run.value, run.label) for run in chart(world)] == [(1.0, ""), (2.0, "incident"), (3.0, "")]
    assert [run.value for run in chart(world, limit=2)] == [2.0, 3.0]
    assert all(run.started_at.tzinfo for run in chart(world))


def test_dry_runs_are_not_drawn(world: World) -> None:
    world.update([{"id": 1}])
    world.update([{"id": 2}, {"id": 3}], dry_run=True)

    assert [run.value for run in chart(world)] == [1.0]


def test_a_metric_that_is_not_there_is_told_with_those_that_are(world: World) -> None:
    world.update([{"id": 1}])

    with pytest.raises(UsageError, match="no update of t has a metric nothing") as refused:
        chart(world, "nothing")
    assert "records.read" in refused.value.hint
    with pytest.raises(UsageError, match="no update of other has a metric") as refused:
        chart(world, task="other")
    assert refused.value.hint == "it has none yet"
