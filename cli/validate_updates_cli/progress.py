"""How far a run is, on stderr, for somebody who sits at a terminal; nothing for anybody else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from validate_updates.job import Progress, Silent
from validate_updates_cli.output import Shared

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


@contextmanager
def watching(shared: Shared) -> Iterator[Progress]:
    """The progress to hand to the engine. What it draws is gone at the end.

    Asks the stream itself whether it is a terminal: ``FORCE_COLOR``, usual in CI, makes rich believe in one, and fills
    logs with escape codes.
    """
    if shared.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield Silent()
        return
    bar = _bar(shared)
    with bar:
        yield _Drawn(bar)


def _bar(shared: Shared) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=sys.stderr, no_color=shared.no_color or None, markup=False, highlight=False, emoji=False)
    columns = (
        TextColumn("{task.description:<8}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


class _Drawn:
    """One bar, which begins anew at each stage."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def stage(self, name: str) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=None)

    def advance(self, records: int, total: int | None = None) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=records, total=total)
