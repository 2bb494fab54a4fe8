"""What plugin code prints, kept apart: standard output carries our result and nothing else.

Streams are switched by thread, because other threads go on printing meanwhile: a progress bar is one. What is written
below Python, to the file descriptor itself, is not caught.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, cast

from validate_updates.text import printable

KEPT: Final = 2000
"""Bytes kept of each stream."""

_STREAMS: Final = ("stdout", "stderr")

_mine = threading.local()
"""The streams of a thread that is being captured; nothing in any other."""

_log = logging.getLogger("validate_updates.plugin")


class Output:
    """A block around code whose output is kept. To be entered in the thread that runs it, inside :func:`switched`."""

    def __init__(self) -> None:
        self._heads = {name: _Head() for name in _STREAMS}

    def __enter__(self) -> None:
        for name, head in self._heads.items():
            raw = cast("io.BufferedIOBase", head)
            setattr(_mine, name, io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", write_through=True))

    def __exit__(self, *_: object) -> None:
        for name in _STREAMS:
            setattr(_mine, name, None)

    @property
    def printed(self) -> str:
        """What went to standard output, from its start."""
        return self._heads["stdout"].text

    def log(self, who: str) -> None:
        """Write what went to either stream to the debug log, under the name ``who``."""
        for name, head in self._heads.items():
            if head.text:
                _log.debug("%s wrote to %s: %s", who, name, printable(head.text, KEPT))


@contextmanager
def quiet(who: str) -> Iterator[None]:
    """What this thread prints inside the block goes to the debug log, under the name ``who``."""
    output = Output()
    try:
        with switched(), output:
            yield
    finally:
        output.log(who)


@contextmanager
def switched() -> Iterator[None]:
    """Let :class:`Output` work in any thread while the block lasts. Blocks may overlap, in one thread or in several."""
    _USERS.enter()
    try:
        yield
    finally:
        _USERS.leave()


def keep_switched() -> None:
    """Never switch back: a thread was left behind, and what it prints later is not for the terminal either."""
    _USERS.enter()


class _Head(io.RawIOBase):
    """Keeps the first bytes written to it and forgets the rest."""

    def __init__(self) -> None:
        self._head = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._head += bytes(data[: KEPT - len(self._head)])
        return len(data)

    @property
    def text(self) -> str:
        return self._head.decode("utf-8", errors="replace")


class _Switch:
    """Stands for a stream of ``sys``: a captured thread writes to its own, any other where it always did."""

    def __init__(self, name: str, others: TextIO) -> None:
        self._name = name
        self.others = others

    def __getattr__(self, attribute: str) -> Any:
        return getattr(getattr(_mine, self._name, None) or self.others, attribute)


class _Users:
    """Counts who needs the switches: the first puts them in place, the last takes them away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def enter(self) -> None:
        with self._lock:
            self._count += 1
            for name in _STREAMS:
                stream = getattr(sys, name)
                if stream is not None and not isinstance(stream, _Switch):  # None: closed by whoever started us
                    setattr(sys, name, _Switch(name, stream))

    def leave(self) -> None:
        with self._lock:
            self._count -= 1
            for name in _STREAMS:
                stream = getattr(sys, name)
                if self._count == 0 and isinstance(stream, _Switch):
                    setattr(sys, name, stream.others)


_USERS: Final = _Users()
