"""Rows on their way into the stage: gathered, loaded in short transactions, and taken apart where one is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validate_updates.targets.trouble import Blame, Trouble, world_error

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.result import KeptOut
    from validate_updates.shapes import Rows
    from validate_updates.targets.base import Database
    from validate_updates.targets.stage import Stage

TOGETHER = 1400
"""Rows that are loaded in one transaction, or a few more."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of some rows."""

    staged: int
    refused: tuple[KeptOut, ...] = ()

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(self.staged + other.staged, self.refused + other.refused)


class Loader:
    """Loads rows into the stage. No transaction is open while rows are waited for."""

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        stage: Stage,
        refuse: Callable[[Rows, Trouble], KeptOut],
    ) -> None:
        """``refuse`` makes the entry for the one row that is refused."""
        self._database = database
        self._connection = connection
        self._stage = stage
        self._refuse = refuse
        self._waiting: list[Rows] = []
        self._gathered = 0

    def add(self, rows: Rows) -> Loaded:
        """Load rows, now or a little later. Raises ``TargetError`` where the world is to blame."""
        self._waiting.append(rows)
        self._gathered += len(rows)
        return self.finish() if self._gathered >= TOGETHER else Loaded(0)

    def finish(self) -> Loaded:
        """Load what still waits."""
        parts, self._waiting, self._gathered = self._waiting, [], 0
        return self._load(parts)

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
        return Loaded(sum(map(len, parts)))

    def _load_apart(self, parts: list[Rows], trouble: Trouble) -> Loaded:
        """Halve what was refused, down to the rows that are to blame."""
        if len(parts) == 1 and len(parts[0]) == 1:
            return Loaded(0, (self._refuse(parts[0], trouble),))
        smaller = parts if len(parts) > 1 else parts[0].halves()
        loaded = Loaded(0)
        for rows in smaller:
            loaded += self._load([rows])
        return loaded
