from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import NoReturn

import pytest

from validate_updates import LockHeld, TargetError
from validate_updates.lockfile import locked_file


def test_where_the_disk_is_full_the_lock_holds_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    lock = tmp_path / "x.lock"
    with (
        locked_file(lock, run_id="one", wait=0),
        pytest.raises(LockHeld, match="its name cannot be read"),
        locked_file(lock, run_id="two", wait=0),
    ):
        pass


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    with (
        pytest.raises(TargetError, match="has no locks: No locks available"),
        locked_file(tmp_path / "x.lock", run_id="one", wait=0),
    ):
        pass
