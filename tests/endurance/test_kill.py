"""Killed at any moment, a run in batches leaves whole batches, and a journal that says which; the next does the rest.

``KILLS`` is how often runs are killed at random: a third in each journal mode of SQLite, a third on PostgreSQL. The
claim in docs/evidence.md is that of 300, which takes about 40 minutes on two slow cores.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.core.engine.target import Target
from tests.endurance.processes import finish, started
from tests.endurance.scene import Scene, open_entries, runs_of, standing, table_of, told_truly
from validate_updates import Verdict
from validate_updates.journal.rows import RunState

KILLS = int(os.environ.get("KILLS", "3"))


class Arena:
    """A database in its old state, again and again, and how long an update of it takes."""

    def __init__(self, target: Target, scene: Scene, publish: str) -> None:
        self.target = target
        self.scene = scene
        self.publish = publish
        scene.lay_out(target)
        self._saved = target.path.with_suffix(".saved") if target.is_sqlite else None
        if self._saved:
            shutil.copy(target.path, self._saved)
        with started(target, scene.source, publish) as process:
            begun = time.monotonic()
            said = finish(process)
            self.seconds = time.monotonic() - begun
        assert said["verdict"] == Verdict.COMMITTED_WITH_QUARANTINE
        assert told_truly(target, scene.model()) == len(scene.model().batches)

    def reset(self) -> None:
        if self._saved is None:
            self.scene.lay_out(self.target)
            return
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self.target.path}{suffix}").unlink(missing_ok=True)
        shutil.copy(self._saved, self.target.path)

    def killed(self, seconds: float) -> None:
        """Begin an update, and kill it after so many seconds."""
        with started(self.target, self.scene.source, self.publish) as process:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
            finish(process)
        self.target.settle()


def settle(target: Target, scene: Scene, *, publish: str = "progressive") -> None:
    """The next run says which run it found dead and how much of it stands, and does the rest."""
    before, runs, stand = table_of(target), runs_of(target), standing(target)
    dead = target.states().count("running") if runs else 0

    result = scene.update(target, publish=publish)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert len(result.recovered) == dead
    found = {finding.runs: finding for finding in result.findings if finding.code == "earlier_run_interrupted"}
    assert set(found) == {(run_id,) for run_id in result.recovered}
    for (run_id,), finding in found.items():
        assert run_id in finding.message
        assert says_how_much(stand.get(run_id, 0)) in finding.message
        assert target.story(run_id).run.state is RunState.INTERRUPTED
    assert table_of(target) == scene.model().final
    told_truly(target, scene.model(before), earlier=len(runs))
    assert open_entries(target) == scene.model().bad, "each record once, whatever the dead had kept out"


def says_how_much(batches: int) -> str:
    if not batches:
        return "; nothing of it was kept"
    return f"; {batches} batch{'es' * (batches > 1)} of it stand"


def kill_at_random(arena: Arena, times: int) -> None:
    """Kill runs; half of the time also the one that is to go on where the dead one stopped."""
    chance = random.Random()
    target, scene = arena.target, arena.scene
    while times > 0:
        arena.reset()
        again = True
        while again and times > 0:
            before, runs = table_of(target), runs_of(target)
            arena.killed(chance.uniform(0, arena.seconds))
            told_truly(target, scene.model(before), earlier=len(runs))
            times -= 1
            again = chance.random() < 0.5
        settle(target, scene, publish=arena.publish)


def shares(times: int, among: int) -> int:
    return -(-times // among)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_killed_at_random_moments_sqlite_holds_whole_batches(sqlite: Target, large: Scene, mode: str) -> None:
    sqlite.execute(f"PRAGMA journal_mode = {mode}")
    arena = Arena(sqlite, large, "progressive")

    kill_at_random(arena, shares(KILLS, 3))

    assert sqlite.rows("PRAGMA journal_mode") == [(mode,)], "the user's choice stays"
    assert sqlite.rows("PRAGMA integrity_check") == [("ok",)]


def test_killed_at_random_moments_postgresql_holds_whole_batches(postgres: Target, large: Scene) -> None:
    kill_at_random(Arena(postgres, large, "progressive"), shares(KILLS, 3))


@pytest.mark.parametrize(("batch", "stand"), [(20, 0), (30, 20)])
def test_killed_in_a_group_all_the_groups_before_stand(target: Target, small: Scene, batch: int, stand: int) -> None:
    small.lay_out(target)

    with started(target, small.source, "progressive", "apply", str(batch), "SIGKILL") as process:
        finish(process)

    assert process.returncode == -signal.SIGKILL
    target.settle()
    assert target.states() == ["running"]
    assert told_truly(target, small.model()) == stand
    settle(target, small)
    assert target.states() == ["interrupted", "committed with quarantine"]


@pytest.mark.parametrize(("stage", "moment"), [("apply", 30), ("verdict", 0)])
def test_killed_before_its_end_an_audited_run_has_not_happened(
    target: Target, small: Scene, stage: str, moment: int
) -> None:
    small.lay_out(target)

    with started(target, small.source, "audited", stage, str(moment), "SIGKILL") as process:
        finish(process)

    assert process.returncode == -signal.SIGKILL
    target.settle()
    assert told_truly(target, small.model()) == 0
    settle(target, small, publish="audited")


def test_killed_at_random_moments_an_audited_run_is_old_or_new(target: Target, small: Scene) -> None:
    arena = Arena(target, small, "audited")
    for _ in range(shares(KILLS, 6)):
        arena.reset()
        arena.killed(random.Random().uniform(0, arena.seconds))
        assert told_truly(target, small.model()) in {0, len(small.model().batches)}
        settle(target, small, publish="audited")
