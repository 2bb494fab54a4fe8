"""One run at a time on a SQLite database: the kernel's lock on a file beside it.

The kernel frees the lock with the process, however it ends, so there is no stale lock and no command to unlock. What
the file says is for the message to the second run only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from validate_updates.errors import LockHeld, TargetError
from validate_updates.text import printable

_POLL_SECONDS = 0.1
_HOLDER_BYTES = 4096


@contextlib.contextmanager
def locked_file(path: Path, *, run_id: str, wait: float) -> Iterator[None]:
    """Hold the lock on ``path``; wait for it at most ``wait`` seconds, then raise ``LockHeld`` naming the holder."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as reason:
        raise TargetError(
            f"cannot open the lock file {path.name} beside the database: {reason.strerror}",
            hint="the folder of the database must be writable",
        ) from reason
    try:
        _acquire(descriptor, wait)
        _HELD.add(descriptor)
        _sign(descriptor, run_id)
        yield
    finally:
        _HELD.discard(descriptor)
        os.close(descriptor)


_HELD: set[int] = set()


def _close_in_child() -> None:
    # A forked child shares the open file and with it the lock, and would keep it beyond our death.
    for descriptor in _HELD:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _HELD.clear()


os.register_at_fork(after_in_child=_close_in_child)


def _acquire(descriptor: int, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise LockHeld(
                    f"another run has the lock: {_holder(descriptor)}",
                    hint="try again when it has finished, or wait for it with --wait SECONDS",
                ) from None
        except OSError as reason:
            raise TargetError(
                f"the file system of the database has no locks: {reason.strerror}",
                hint="put the database on a local disk",
            ) from reason
        time.sleep(min(_POLL_SECONDS, max(deadline - time.monotonic(), 0.0)))


def _sign(descriptor: int, run_id: str) -> None:
    holder = {
        "run": run_id,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with contextlib.suppress(OSError):  # a full disk: the lock holds without a name
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _holder(descriptor: int) -> str:
    try:
        said = json.loads(os.pread(descriptor, _HOLDER_BYTES, 0))
        text = f"run {said['run']}, process {said['pid']} on {said['host']}, since {said['since']}"
    except (ValueError, KeyError, TypeError, OSError):
        return "its name cannot be read"
    return printable(text, 200)


def holder_of(path: Path) -> str | None:
    """Who holds the lock on ``path`` now; None where nobody does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor)
    finally:
        os.close(descriptor)
    return None
