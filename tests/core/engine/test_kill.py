"""Killed at any moment, an update has happened or it has not; the next run says what it found, and does the work."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.core.engine.target import Target, jsonl
from validate_updates import ExitCode, Verdict
from validate_updates.journal.rows import RunState

RECORDS = 20_000
KILLS = int(os.environ.get("KILLS", "12"))
"""How often a run is killed, over both journal modes of SQLite; a quarter of it on PostgreSQL."""
TABLE = "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL, amount integer)"
STAGES = ("stage", "plan", "judge", "apply", "verdict")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of which half are there already, in another form."""
    numbers = random.Random(7).sample(range(RECORDS * 2), RECORDS)
    records = ({"id": number, "name": f"new {number} {'x' * 60}", "amount": number} for number in numbers)
    return jsonl(tmp_path_factory.mktemp("killed") / "records.jsonl", records)


@pytest.fixture(scope="module")
def small(source: Path) -> Path:
    """The first of them, for what needs no time."""
    path = source.with_name("small.jsonl")
    path.write_text("".join(source.read_text().splitlines(keepends=True)[:500]))
    return path


def filled(target: Target) -> None:
    target.execute("DROP TABLE IF EXISTS t", TABLE)
    series = "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {last}) "
    target.execute(
        series.format(last=RECORDS - 1).replace("WITH", "INSERT INTO t WITH") + "SELECT n, 'old ' || n, -n FROM s"
    )


def fingerprint(target: Target) -> str:
    rows = target.rows("SELECT * FROM t ORDER BY id")
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@contextmanager
def started(target: Target, source: Path, *how: str) -> Iterator[subprocess.Popen[str]]:
    """The update in a process of its own, about to begin."""
    script = Path(__file__).with_name("killed.py")
    command = [sys.executable, str(script), target.url, str(source), *how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def finish(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = process.stdout.read()
    process.wait()
    return said


def settle(target: Target, source: Path, *, old: str, new: str) -> None:
    """After a run was killed: old or new, the next run says which run it found dead, and ends with the new state."""
    target.settle()
    assert fingerprint(target) in {old, new}
    dead = target.states().count("running")

    result = target.update(source)

    assert result.verdict is Verdict.COMMITTED
    assert len(result.recovered) == dead
    found = [finding.runs for finding in result.findings if finding.code == "earlier_run_interrupted"]
    assert found == [(run_id,) for run_id in result.recovered]
    assert all(target.story(run_id).run.state is RunState.INTERRUPTED for run_id in result.recovered)
    assert fingerprint(target) == new


class Arena:
    """A database in its old state, again and again, and how long an update of it takes."""

    def __init__(self, target: Target, source: Path) -> None:
        self.target = target
        filled(target)
        self._saved = target.path.with_suffix(".saved") if target.is_sqlite else None
        if self._saved:
            shutil.copy(target.path, self._saved)
        self.old = fingerprint(target)
        with started(target, source) as process:
            begun = time.monotonic()
            said = finish(process)
            self.seconds = time.monotonic() - begun
        assert json.loads(said)["verdict"] == Verdict.COMMITTED
        self.new = fingerprint(target)
        assert self.new != self.old

    def reset(self) -> None:
        if self._saved is None:
            filled(self.target)
            return
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self.target.path}{suffix}").unlink(missing_ok=True)
        shutil.copy(self._saved, self.target.path)


def kill_at_random(arena: Arena, source: Path, times: int) -> None:
    chance = random.Random()
    for _ in range(times):
        arena.reset()
        with started(arena.target, source) as process:
            time.sleep(chance.uniform(0, arena.seconds))
            process.send_signal(signal.SIGKILL)
            finish(process)
        settle(arena.target, source, old=arena.old, new=arena.new)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_killed_at_random_moments_sqlite_is_old_or_new(sqlite: Target, source: Path, mode: str) -> None:
    sqlite.execute(f"PRAGMA journal_mode = {mode}")
    arena = Arena(sqlite, source)

    kill_at_random(arena, source, (KILLS + 1) // 2)

    assert sqlite.rows("PRAGMA journal_mode") == [(mode,)], "the user's choice stays"
    assert sqlite.rows("PRAGMA integrity_check") == [("ok",)]


def test_killed_at_random_moments_postgresql_is_old_or_new(postgres: Target, source: Path) -> None:
    kill_at_random(Arena(postgres, source), source, (KILLS + 3) // 4)


@pytest.mark.parametrize("stage", STAGES)
def test_killed_on_entering_a_stage_nothing_has_happened(target: Target, small: Path, stage: str) -> None:
    filled(target)
    old = fingerprint(target)

    with started(target, small, stage, "SIGKILL") as process:
        finish(process)

    assert process.returncode == -signal.SIGKILL
    target.settle()
    assert fingerprint(target) == old
    assert target.states() == ["running"]
    result = target.update(small)
    assert (result.verdict, len(result.recovered)) == (Verdict.COMMITTED, 1)
    assert target.states() == ["interrupted", "committed"]


@pytest.mark.parametrize(
    ("stage", "name"),
    [("stage", "SIGTERM"), ("apply", "SIGTERM"), ("verdict", "SIGTERM"), ("apply", "SIGINT"), ("apply", "SIGHUP")],
)
def test_asked_to_stop_an_update_is_rolled_back_and_says_so(target: Target, small: Path, stage: str, name: str) -> None:
    filled(target)
    old = fingerprint(target)

    with started(target, small, stage, name) as process:
        said = json.loads(finish(process))

    assert said["verdict"] == Verdict.INTERRUPTED
    assert process.returncode == 128 + signal.Signals[name]
    assert fingerprint(target) == old
    story = target.story(said["run"])
    assert story.run.state is RunState.INTERRUPTED
    assert name in story.run.reason or str(int(signal.Signals[name])) in story.run.reason
    assert story.run.counts.add_up
    assert target.update(small).recovered == (), "it said good-bye itself"


def test_asked_to_stop_at_a_random_moment_an_update_is_all_or_nothing(sqlite: Target, source: Path) -> None:
    arena = Arena(sqlite, source)
    for _ in range(3):
        arena.reset()
        with started(sqlite, source) as process:
            time.sleep(random.Random().uniform(0, arena.seconds))
            process.send_signal(signal.SIGTERM)
            said = json.loads(finish(process))
        stood = said["verdict"] == Verdict.COMMITTED
        assert fingerprint(sqlite) == (arena.new if stood else arena.old)
        assert process.returncode == (ExitCode.OK if stood else 128 + signal.SIGTERM)
        assert sqlite.states() == [said["verdict"]]
