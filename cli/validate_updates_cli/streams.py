"""Where text goes: what a command was asked for to stdout, everything else to stderr.

Writing never changes what a command comes to: a reader that went away is no failure of the update.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO


def write(text: str) -> None:
    """``text`` on stdout, as it is."""
    _write(sys.stdout, text)


def complain(text: str) -> None:
    """``text`` as lines on stderr, sanitised by the caller."""
    _write(sys.stderr, f"{text}\n")


def wants_color(stream: TextIO) -> bool:
    """``NO_COLOR`` and ``FORCE_COLOR`` decide, else whether ``stream`` is a terminal that has colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _forget(stream)
    except OSError as error:
        _forget(stream)
        if stream is sys.stdout:
            complain(f"warning: the output could not be written: {error.strerror}")


def _forget(stream: TextIO) -> None:
    """Let what is still to come vanish, so that Python does not fail on it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
