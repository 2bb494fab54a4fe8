"""A run that was published in groups is taken back in groups; whatever ends that, the same command goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.engine.target import Target
from tests.core.undo.taking_back import taken_back
from validate_updates.errors import Interrupted
from validate_updates.journal.rows import BatchState, RunState
from validate_updates.journal.undoing import Held, UndoLog
from validate_updates.signals import stop_on_signals

BEFORE = [(number, f"old {number}") for number in range(60)]
BATCHES = 50


@pytest.fixture
def run(target: Target) -> str:
    """100 records in 50 batches, published four by four: 60 rows changed, 40 added. Three groups to take back."""
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    target.insert("t", BEFORE)
    records = [{"id": number, "name": f"new {number}"} for number in range(100)]
    settings = {"batch": {"size": 2, "publish": "progressive", "commit_batches": 4, "commit_seconds": 3600}}
    result = target.update(records, plugins=("batch",), settings=settings)
    assert (result.publish, result.counts.updated, result.counts.inserted) == ("progressive", 60, 40)
    return result.run_id


def rows(target: Target) -> list[tuple[object, ...]]:
    return target.rows("SELECT * FROM t ORDER BY id")


def states(target: Target, run: str) -> list[BatchState]:
    return [batch.state for batch in target.story(run).batches]


def test_it_comes_back_in_groups(target: Target, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[tuple[int, int]] = []
    forget = UndoLog.forget

    def noted(self: UndoLog, held: Held, taken: object) -> None:
        groups.append((held.first, held.last))
        forget(self, held, taken)  # type: ignore[arg-type]

    monkeypatch.setattr(UndoLog, "forget", noted)

    result = taken_back(target)

    assert groups == [(31, 50), (11, 30), (1, 10)]
    assert rows(target) == BEFORE
    assert (result.restored, result.deleted, result.conflicts) == (60, 40, 0)
    assert states(target, run) == [BatchState.UNDONE] * BATCHES


@pytest.mark.parametrize("groups", [0, 1, 2])
def test_killed_it_leaves_whole_groups_and_is_done_by_the_next(target: Target, run: str, groups: int) -> None:
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run([sys.executable, str(script), target.url, run, str(groups)], check=False)
    assert done.returncode == -signal.SIGKILL
    target.settle()
    left = 100 - 40 * groups
    assert rows(target) == [(n, f"new {n}" if n < left else f"old {n}") for n in range(max(left, 60))]
    undone = [BatchState.UNDONE] * (20 * groups)
    assert states(target, run) == [BatchState.COMMITTED] * (BATCHES - len(undone)) + undone
    assert target.story(run).run.state is RunState.COMMITTED

    result = taken_back(target, run)

    assert rows(target) == BEFORE
    assert result.restored + result.deleted == left
    assert len(result.recovered) == 1
    assert target.states() == ["rolled back", "interrupted", "committed"]


def test_a_signal_stops_it_between_groups(target: Target, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forget = UndoLog.forget

    def signalled(self: UndoLog, held: Held, taken: object) -> None:
        forget(self, held, taken)  # type: ignore[arg-type]
        if held.first == 11:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(UndoLog, "forget", signalled)
    with stop_on_signals(), pytest.raises(Interrupted) as stopped:
        taken_back(target, run)
    monkeypatch.undo()

    assert (stopped.value.exit_code, stopped.value.hint[:21]) == (143, "run the same command ")
    assert states(target, run).count(BatchState.UNDONE) == 20
    assert target.states() == ["committed", "interrupted"]
    assert target.story().run.counts.deleted == 40  # what it has committed
    assert taken_back(target, run).conflicts == 0
    assert rows(target) == BEFORE


def test_a_conflict_in_one_group_does_not_stop_the_others(target: Target, run: str) -> None:
    target.execute("UPDATE t SET name = 'by hand' WHERE id IN (5, 50)")

    result = taken_back(target, run)

    assert rows(target) == [(n, "by hand" if n in {5, 50} else old) for n, old in BEFORE]
    assert (result.conflicts, [one.key for one in result.samples]) == (2, ["id=50", "id=5"])
    assert states(target, run).count(BatchState.COMMITTED) == 2
    assert taken_back(target, run, force=True).restored == 2
    assert rows(target) == BEFORE
