"""Rows on their way into the stage: gathered, loaded in short transactions, and taken apart where one is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from validate_updates.shapes import Rows, Shape
from validate_updates.targets.trouble import Blame, Trouble, world_error

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.targets.base import Database
    from validate_updates.targets.stage import Stage

TOGETHER = 1400
"""Rows that are loaded together, or a few more."""


class Loader:
    """Loads rows into the stage. No transaction is open while rows are waited for."""

    def __init__(
        self, database: Database, connection: sa.Connection, stage: Stage, refused: Callable[[Rows, Trouble], None]
    ) -> None:
        """``refused`` is told of each row that the database refuses."""
        self._database = database
        self._connection = connection
        self._stage = stage
        self._refused = refused
        self._waiting: dict[Shape, list[Any]] = {}
        self._gathered = 0
        self.staged = 0
        """Rows that are in the stage."""

    def add(self, rows: Rows) -> None:
        """Take rows, to be loaded later."""
        self._waiting.setdefault(rows.shape, []).extend(rows.cells)
        self._gathered += len(rows)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Load what waits, where that is enough; the database may still be at it while the block prepares more.

        Raises ``TargetError`` where the world is to blame.
        """
        last = self._begun() if self._gathered >= TOGETHER else None
        if last is None:
            yield
        else:
            with self._loading(last):
                yield

    def finish(self) -> None:
        """Load all that waits."""
        last = self._begun()
        if last is not None:
            self._load(last)

    def _begun(self) -> Rows | None:
        """Load what waits, all but the rows of one shape."""
        waiting = [Rows(shape, cells) for shape, cells in self._waiting.items()]
        self._waiting, self._gathered = {}, 0
        for rows in waiting[:-1]:
            self._load(rows)
        return waiting[-1] if waiting else None

    def _load(self, rows: Rows) -> None:
        with self._loading(rows):
            pass

    @contextmanager
    def _loading(self, rows: Rows) -> Iterator[None]:
        if not self._stage.knows(rows.shape):
            with self._database.transaction(self._connection, write=False):
                self._stage.admit(rows.shape)
        with ExitStack() as load:
            begun = self._database.loading(self._connection, self._stage, rows)
            trouble = self._trouble(lambda: load.enter_context(begun))
            yield
            trouble = trouble or self._trouble(load.close)
        if trouble is None:
            self.staged += len(rows)
        else:
            self._load_apart(rows, trouble)

    def _trouble(self, step: Callable[[], None]) -> Trouble | None:
        """What the database refuses a record for. Raises ``TargetError`` where no record is to blame."""
        try:
            step()
        except self._database.errors as error:
            trouble = self._database.trouble(error, self._connection)
            if trouble.blame is not Blame.RECORD:
                raise world_error(trouble) from error
            return trouble
        return None

    def _load_apart(self, rows: Rows, trouble: Trouble) -> None:
        """Halve what was refused, down to the rows that are to blame."""
        if len(rows) == 1:
            self._refused(rows, trouble)
        else:
            for half in rows.halves():
                self._load(half)
