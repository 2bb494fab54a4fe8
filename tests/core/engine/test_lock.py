"""One update at a time on a target: the second is told who is at work, or waits its turn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target
from validate_updates import ExitCode, LockHeld, RunResult, Verdict

TABLE = "CREATE TABLE t (id integer PRIMARY KEY, name text)"


class Holder:
    """An update in the middle of reading its source, until it is let go."""

    def __init__(self, target: Target, table: str = "t") -> None:
        self._target = target
        self._table = table
        self._reading = threading.Event()
        self._go_on = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.result: RunResult | None = None

    def _records(self) -> Iterator[dict[str, Any]]:
        yield {"id": 1, "name": "first"}
        self._reading.set()
        self._go_on.wait()

    def _work(self) -> None:
        try:
            self.result = self._target.update(self._records(), table=self._table)
        finally:
            self._reading.set()

    def let_go(self) -> None:
        self._go_on.set()
        self._thread.join()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self._thread.start()
        self._reading.wait()
        try:
            yield
        finally:
            self.let_go()


def test_a_second_update_is_refused_and_told_who_is_at_work(target: Target) -> None:
    target.execute(TABLE)
    holder = Holder(target)

    with holder.at_work():
        # It cannot have waited for the holder, who goes on only afterwards.
        with pytest.raises(LockHeld) as refused:
            target.update([{"id": 2, "name": "second"}])
        at_work = target.story().run.run_id

    assert refused.value.exit_code == ExitCode.TRY_LATER
    assert f"run {at_work}" in refused.value.message
    assert refused.value.hint
    assert holder.result is not None
    assert holder.result.run_id == at_work
    assert holder.result.verdict is Verdict.COMMITTED
    assert target.rows("SELECT * FROM t") == [(1, "first")]
    assert target.states() == ["committed"], "the refused one did not begin"


def test_a_second_update_may_wait_its_turn(target: Target) -> None:
    target.execute(TABLE)
    holder = Holder(target)

    with holder.at_work():
        waiting = threading.Timer(0.3, holder.let_go)
        waiting.start()
        result = target.update([{"id": 2, "name": "second"}], wait=60)
        waiting.join()

    assert result.verdict is Verdict.COMMITTED
    assert result.recovered == (), "the first was not dead"
    assert sorted(target.rows("SELECT * FROM t")) == [(1, "first"), (2, "second")]


def test_waiting_ends(target: Target) -> None:
    target.execute(TABLE)

    with Holder(target).at_work(), pytest.raises(LockHeld):
        target.update([], wait=0.25)


def test_a_dry_run_waits_too(target: Target) -> None:
    target.execute(TABLE)

    with Holder(target).at_work(), pytest.raises(LockHeld):
        target.update([], dry_run=True)


def test_updates_of_two_tables_of_a_server_go_side_by_side(postgres: Target) -> None:
    postgres.execute(TABLE, "CREATE TABLE other (id integer PRIMARY KEY, name text)")
    holder = Holder(postgres)

    with holder.at_work():
        result = postgres.update([{"id": 2, "name": "x"}], table="other")

    assert (result.verdict, result.recovered) == (Verdict.COMMITTED, ())
    assert holder.result is not None
    assert holder.result.verdict is Verdict.COMMITTED


def test_the_lock_goes_with_the_run(target: Target) -> None:
    target.execute(TABLE, "INSERT INTO t VALUES (1, 'x')")

    for records in ([{"id": 1, "name": "y"}], [{"id": "bad"}], [{"id": 1, "name": "z"}]):
        target.update(records)

    assert target.rows("SELECT * FROM t") == [(1, "z")]


FORKING = """
import os, sys, time
from validate_updates import run

def records():
    yield {"id": 1, "name": "x"}
    child = os.fork()
    if child == 0:
        os.close(1)
        time.sleep(600)
        os._exit(0)
    print(child, flush=True)
    if sys.argv[2] == "die":
        os.kill(os.getpid(), 9)

run(records(), target=sys.argv[1], table="t", plugins=())
"""


def forked(target: Target, how: str) -> int:
    """Run an update that forks a child, which lives on; the number of that child."""
    command = [sys.executable, "-W", "ignore", "-c", FORKING, target.url, how]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    return int(ended.stdout)


def test_a_child_that_lives_on_does_not_keep_the_lock(target: Target) -> None:
    target.execute(TABLE)
    child = forked(target, "end")
    try:
        assert target.update([{"id": 2, "name": "y"}]).verdict is Verdict.COMMITTED
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_child_of_a_killed_run_does_not_keep_the_lock(sqlite: Target) -> None:
    sqlite.execute(TABLE)
    child = forked(sqlite, "die")
    try:
        result = sqlite.update([{"id": 2, "name": "y"}])
    finally:
        os.kill(child, signal.SIGKILL)

    assert (result.verdict, len(result.recovered)) == (Verdict.COMMITTED, 1)


def test_the_lock_file_tells_nothing_to_others(sqlite: Target) -> None:
    sqlite.execute(TABLE)
    sqlite.update([])

    (lock,) = Path(sqlite.path.parent).glob("*.lock")
    assert lock.stat().st_mode & 0o077 == 0
