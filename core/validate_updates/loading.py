"""Rows on their way into the stage: gathered, loaded in short transactions, and taken apart where one is refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from validate_updates.targets.trouble import Blame, Trouble, world_error

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.result import KeptOut
    from validate_updates.shapes import Rows
    from validate_updates.targets.base import Database
    from validate_updates.targets.stage import Stage

TOGETHER = 2000
"""Rows that are loaded in one transaction, or a few more."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of some rows."""

    staged: int
    refused: tuple[KeptOut, ...] = ()

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(self.staged + other.staged, self.refused + other.refused)


class Loader:
    """Loads rows into the stage; with a server, in a thread, so that it works while the next rows are decoded.

    The thread alone uses the connection until the loader is closed. No transaction is open while rows are waited for.
    """

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        stage: Stage,
        *,
        refuse: Callable[[Rows, Trouble], KeptOut],
        tell: Callable[[Loaded], None],
    ) -> None:
        """``refuse`` makes the entry of a row that is refused; ``tell`` hears what was loaded, in the same thread."""
        self._database = database
        self._connection = connection
        self._stage = stage
        self._refuse = refuse
        self._tell = tell
        self._waiting: list[Rows] = []
        self._gathered = 0
        self._thread = ThreadPoolExecutor(1, "validate-updates-load") if database.loads_aside else None
        self._running: Future[Loaded] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._load_waiting()
                self._collect()
        finally:
            if self._thread:
                self._thread.shutdown()

    def add(self, rows: Rows) -> None:
        """Load rows, now or a little later. Raises ``TargetError`` where the world is to blame."""
        self._waiting.append(rows)
        self._gathered += len(rows.rows)
        if self._gathered >= TOGETHER:
            self._load_waiting()

    def _load_waiting(self) -> None:
        parts, self._waiting, self._gathered = self._waiting, [], 0
        if not parts:
            return
        if self._thread is None:
            self._tell(self._load(parts))
        else:
            self._collect()
            self._running = self._thread.submit(self._load, parts)

    def _collect(self) -> None:
        running, self._running = self._running, None
        if running:
            self._tell(running.result())

    def _load(self, parts: list[Rows]) -> Loaded:
        for rows in parts:
            if not self._stage.knows(rows.shape):
                with self._database.transaction(self._connection, write=False):
                    self._stage.admit(rows.shape)
        try:
            with self._database.transaction(self._connection, write=False):
                for rows in parts:
                    self._stage.add(rows)
        except self._database.errors as error:
            trouble = self._database.trouble(error, self._connection)
            if trouble.blame is not Blame.RECORD:
                raise world_error(trouble) from error
            return self._load_apart(parts, trouble)
        return Loaded(sum(len(rows.rows) for rows in parts))

    def _load_apart(self, parts: list[Rows], trouble: Trouble) -> Loaded:
        """Halve what was refused, down to the rows that are to blame."""
        if len(parts) == 1 and len(parts[0].rows) == 1:
            return Loaded(0, (self._refuse(parts[0], trouble),))
        smaller = parts if len(parts) > 1 else parts[0].halves()
        loaded = Loaded(0)
        for rows in smaller:
            loaded += self._load([rows])
        return loaded
