"""Killed at any moment, a backup is whole or not listed, and a restore has happened or it has not."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.core.backups.conftest import Saved
from validate_updates.backups import sqlite as backups_of_sqlite

KILLS = int(os.environ.get("KILLS", "4"))
"""How often each of the two is killed, for each journal mode of SQLite and for PostgreSQL."""
ROWS = 40_000
SERIES = "INSERT INTO t WITH RECURSIVE s(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT {} FROM s"


@contextmanager
def started(saved: Saved, what: str) -> Iterator[subprocess.Popen[str]]:
    """It, in a process of its own, about to begin."""
    script = Path(__file__).with_name("killed.py")
    command = [sys.executable, str(script), saved.target.url, str(saved.policy.folder), what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def seconds(saved: Saved, what: str) -> float:
    """How long it takes when nobody kills it."""
    with started(saved, what) as process:
        begun = time.monotonic()
        assert process.wait() == 0
        return time.monotonic() - begun


def kill(saved: Saved, what: str, after: float) -> None:
    with started(saved, what) as process:
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
    saved.target.settle()


def fingerprint(saved: Saved) -> str:
    return hashlib.sha256(repr(saved.rows()).encode()).hexdigest()


@pytest.fixture(params=["delete", "wal", "postgresql"])
def large(request: pytest.FixtureRequest) -> Saved:
    """A table that takes a moment to copy."""
    saved: Saved = request.getfixturevalue("postgres" if request.param == "postgresql" else "sqlite")
    if saved.target.is_sqlite:
        saved.target.execute(f"PRAGMA journal_mode = {request.param}")
    saved.target.execute("DELETE FROM t", SERIES.format(1, ROWS, "n, 'name ' || n, n"))
    return saved


def test_killed_while_it_is_made_a_backup_is_whole_or_not_listed(large: Saved) -> None:
    whole, chance = seconds(large, "create"), random.Random()
    before = fingerprint(large)
    for _ in range(KILLS):
        kill(large, "create", chance.uniform(0, whole))
        assert all(large.verify(name).tables == large.listing().backups[0].tables for name in large.names())
        known = {path.name for path in large.folder.iterdir() if path.name.partition(".")[0] in large.names()}
        others = {other.name: other.reason for other in large.listing().others}
        assert {path.name for path in large.folder.iterdir()} == {*known, *others}
        assert all("did not come to its end" in reason for reason in others.values())
    assert fingerprint(large) == before
    made = large.create()
    assert large.verify(made.name) == made


def test_killed_while_it_is_brought_back_the_state_is_old_or_new(large: Saved) -> None:
    large.create()
    new = fingerprint(large)
    large.target.execute("UPDATE t SET name = 'spoilt' WHERE id % 3 = 0", "DELETE FROM t WHERE id % 5 = 0",
                         SERIES.format(ROWS + 1, ROWS * 2, "n, 'new', n"))  # fmt: skip
    old = fingerprint(large)
    latest = large.create().name  # of the old state: to start from, again and again
    good = large.names()[1]
    (large.folder / f"{latest}.json").rename(large.folder / "kept")
    whole, chance = seconds(large, "restore"), random.Random()
    assert fingerprint(large) == new
    outcomes = set()
    for _ in range(KILLS):
        back_to(large, latest, old)
        kill(large, "restore", chance.uniform(0, whole))
        outcomes.add(fingerprint(large))
        assert outcomes <= {old, new}
        assert told_last(large) == f"backup {good if fingerprint(large) == new else latest}"
        if large.target.is_sqlite:
            assert large.target.rows("PRAGMA integrity_check") == [("ok",)]
        forget_safety_copies(large, good)
    large.restore(good)
    assert fingerprint(large) == new


def told_last(saved: Saved) -> str:
    """Where the newest entry of the journal says that the state comes from."""
    [(source,)] = saved.target.rows("SELECT source FROM update_logs ORDER BY run_no DESC LIMIT 1")
    return str(source)


@pytest.mark.parametrize("moment", ["_live", "_require_sound"])
def test_the_state_of_then_is_never_there_without_its_entry(
    sqlite: Saved, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Killed just before the copy goes into the live database, and just after."""
    sqlite.create()
    then = sqlite.rows()
    sqlite.spoil()
    now = sqlite.rows()
    sqlite.create()  # the safety copy's way is open before it is blocked
    monkeypatch.setattr(backups_of_sqlite, moment, _killed_in_restore(moment))

    with pytest.raises(_Killed):
        sqlite.restore(sqlite.names()[1])

    monkeypatch.undo()
    landed = moment == "_require_sound"
    assert sqlite.rows() == (then if landed else now)
    assert ("update_logs" in sqlite.target.all_tables()) is landed
    if landed:
        assert sqlite.target.rows("SELECT kind, state FROM update_logs") == [("restore", "committed")]


class _Killed(BaseException):
    """Not to be caught by anything but the test."""


def _killed_in_restore(moment: str) -> Callable[..., Any]:
    """In place of a step; the safety copy's is let through."""
    step = getattr(backups_of_sqlite, moment)

    def killed(*given: Any, **named: Any) -> Any:
        if any(isinstance(one, Path) and one.suffix == ".part" and "copy" not in one.name for one in given):
            return step(*given, **named)
        raise _Killed

    return killed


def back_to(saved: Saved, name: str, state: str) -> None:
    (saved.folder / "kept").rename(saved.folder / f"{name}.json")
    saved.restore(name)
    (saved.folder / f"{name}.json").rename(saved.folder / "kept")
    forget_safety_copies(saved, *saved.names()[-1:])
    assert fingerprint(saved) == state


def forget_safety_copies(saved: Saved, *good: str) -> None:
    """So that the last backup is always the same."""
    for name in saved.names():
        if name not in good:
            (saved.folder / f"{name}.json").unlink()
