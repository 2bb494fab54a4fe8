"""The journal as plugins read it, whatever they are called for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from validate_updates.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    import sqlalchemy as sa

    from validate_updates.journal.rows import JudgedRun, RunRow, StoredRun, Switch, SwitchMode
    from validate_updates.journal.tables import JournalTables


class JournalView(Protocol):
    """Runs and switches of all tasks."""

    def runs(
        self,
        *,
        task: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[RunRow]:
        """The newest runs first; of one task, begun since or until a moment, or numbered after one, if asked."""
        ...

    def run(self, run_id: str, *, task: str | None = None) -> StoredRun:
        """Everything about one run: findings, metrics, batches. Raises ``UsageError`` where there is no such run.

        ``last`` is the newest run, of the task where one is named.
        """
        ...

    def judged(self, run_ids: Sequence[str]) -> Sequence[JudgedRun]:
        """What was measured and said of several runs, in a few queries; those that are not there are left out."""
        ...

    def switches(self, task: str) -> Sequence[Switch]:
        """Every switch of a plugin in a task that there has been, oldest first; of each plugin the newest holds."""
        ...

    def switch(self, task: str, plugin: str, mode: SwitchMode, reason: str) -> None:
        """Say how a plugin takes part from the next run of a task on. The journal keeps who asked for it, and when."""
        ...


class JournalReader(ABC):
    """Its reading half: whoever gives it says over which connection."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[tuple[sa.Connection, JournalTables | None] | None]:
        """The connection, in a transaction, and the tables; None where the database cannot be reached."""

    def runs(
        self,
        *,
        task: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[RunRow]:
        """See :class:`JournalView`."""
        from validate_updates.journal import reading

        with self._reading() as found:
            return reading.runs(*found, task=task, since=since, until=until, after=after, limit=limit) if found else ()

    def run(self, run_id: str, *, task: str | None = None) -> StoredRun:
        """See :class:`JournalView`."""
        from validate_updates.journal import reading

        with self._reading() as found:
            if not found:
                raise UsageError("the journal cannot be read: the database cannot be reached")
            return reading.show(*found, run_id, task=task)

    def judged(self, run_ids: Sequence[str]) -> Sequence[JudgedRun]:
        """See :class:`JournalView`."""
        from validate_updates.journal import reading

        with self._reading() as found:
            return reading.judged(*found, run_ids) if found else ()

    def switches(self, task: str) -> Sequence[Switch]:
        """See :class:`JournalView`."""
        from validate_updates.journal.switches import switches

        with self._reading() as found:
            return switches(*found, task) if found else ()
