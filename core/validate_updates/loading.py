"""Rows on their way into the stage: loaded in short transactions, and taken apart where one is refused."""

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


class Loader:
    """Loads rows into the stage."""

    def __init__(
        self, database: Database, connection: sa.Connection, stage: Stage, refused: Callable[[Rows, Trouble], None]
    ) -> None:
        """``refused`` is told of each row that the database refuses."""
        self._database = database
        self._connection = connection
        self._stage = stage
        self._refused = refused
        self._transaction = ExitStack()
        self._insert: Callable[[Rows], None] | None = None
        self._added: dict[Shape, list[Any]] = {}
        self._failure: Exception | None = None
        self.staged = 0
        """Rows that are in the stage."""

    @contextmanager
    def loading(self) -> Iterator[None]:
        """What is added in the block is loaded by its end, or refused.

        Raises ``TargetError`` where the world is to blame. An exception of the block takes back what it added.
        """
        self._added, self._insert, self._failure = {}, None, None
        complete = False
        try:
            with ExitStack() as self._transaction:
                yield
                complete = True
                if self._failure:
                    raise self._failure
        except self._database.errors as error:
            if not complete:
                raise
            self._settle(self._trouble(error))
        else:
            self._settle(None)

    def add(self, rows: Rows) -> None:
        """Take rows. Those of the first shape go to the database, which works on them while more are prepared."""
        first = next(iter(self._added), rows.shape)
        self._added.setdefault(rows.shape, []).extend(rows.cells)
        if self._failure or rows.shape != first:
            return
        try:
            insert = self._insert or self._begun(rows.shape)
            insert(rows)
        except self._database.errors as error:
            self._failure = error

    def _begun(self, shape: Shape) -> Callable[[Rows], None]:
        if not self._stage.knows(shape):
            with self._database.transaction(self._connection, write=False):
                self._stage.admit(shape)
        self._insert = self._transaction.enter_context(self._database.loading(self._connection, self._stage, shape))
        return self._insert

    def _trouble(self, error: Exception) -> Trouble:
        """What the database refuses a record for. Raises ``TargetError`` where no record is to blame."""
        trouble = self._database.trouble(error, self._connection)
        if trouble.blame is not Blame.RECORD:
            raise world_error(trouble) from error
        return trouble

    def _settle(self, trouble: Trouble | None) -> None:
        """Load the rows of other shapes; halve what was refused, down to the rows that are to blame."""
        left = [Rows(shape, cells) for shape, cells in self._added.items()]
        first = left.pop(0) if left else None
        if first is None:
            return
        if trouble is None:
            self.staged += len(first)
        elif len(first) == 1:
            self._refused(first, trouble)
        else:
            left += first.halves()
        for rows in left:
            with self.loading():
                self.add(rows)
