"""A file that nobody reads half of: written beside its place, then moved there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE
from typing import Final, TextIO

_PRIVATE: Final = 0o600
_AS_USUAL: Final = 0o666
"""Less what the process's mask takes away."""


@contextmanager
def whole(path: Path, *, mode: int | None = None) -> Iterator[TextIO]:
    """A file to write into, which takes the place of ``path`` at the end of the block, or does not where that raises.

    ``mode``: its rights; else those of the file that was there, or what a new file gets. A link to it stays. What is
    there and is no file, such as a pipe, is written into. Raises ``OSError``.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    place = Path(os.path.realpath(path))
    rights = S_IMODE(place.stat().st_mode) if mode is None and place.exists() else mode
    made = place.with_name(f".{place.name}.{token_hex(4)}.part")
    opener = partial(os.open, mode=_AS_USUAL if rights is None else _PRIVATE)
    try:
        with open(made, "x", encoding="utf-8", newline="\n", opener=opener) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if rights is not None:
            made.chmod(rights)
        made.replace(place)
    finally:
        made.unlink(missing_ok=True)


def write_whole(path: Path, written: str | bytes, *, mode: int | None = None) -> None:
    """Write a file as :func:`whole` does."""
    with whole(path, mode=mode) as file:
        file.buffer.write(written.encode() if isinstance(written, str) else written)
