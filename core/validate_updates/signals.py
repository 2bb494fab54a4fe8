"""Stopping at a safe place: a signal sets a flag, the run looks at it between steps.

SIGKILL needs nothing of this: the transaction is gone with the process, and the next run says what it found.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from validate_updates.errors import Interrupted

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Flag:
    signum: int | None = None


_flag = _Flag()


def _raise_flag(signum: int, _frame: FrameType | None) -> None:
    if _flag.signum is not None and signum == signal.SIGINT:
        raise KeyboardInterrupt  # asked twice: leave at once
    _flag.signum = signum


@contextlib.contextmanager
def stop_on_signals() -> Iterator[None]:
    """While it lasts, SIGTERM, SIGINT and SIGHUP stop a run at a safe place. Outside the main thread: nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _flag.signum = None
    before = {signum: signal.signal(signum, _raise_flag) for signum in _SIGNALS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        _flag.signum = None


def asked_to_stop() -> bool:
    """Whether a signal came in."""
    return _flag.signum is not None


def check() -> None:
    """Raise ``Interrupted`` where a signal came in."""
    if _flag.signum is not None:
        raise Interrupted(_flag.signum)
