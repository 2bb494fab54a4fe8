"""A target whose quarantine is looked at through the code under test, and whose rows are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.core.engine.target import JOURNAL, Target
from validate_updates import RunResult
from validate_updates.engine import execute
from validate_updates.job import Job, Replay
from validate_updates.journal.schema import find
from validate_updates.quarantine.reading import Entry, Wanted, listed
from validate_updates.quarantine.replay import Quarantined
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.journal.tables import JournalTables
    from validate_updates.targets.base import Database

TABLE = "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL, age integer)"
BAD = {"id": 4, "name": "four", "age": "many"}
"""A record whose age is no number."""
GOOD = {"id": 4, "name": "four", "age": 40}
"""The same, mended."""


@dataclass(frozen=True, slots=True)
class World(Target):
    """A target, and what is in its quarantine."""

    @contextmanager
    def journal(self, *, write: bool = False) -> Iterator[tuple[Database, sa.Connection, JournalTables]]:
        database = open_database(SecretUrl(self.url))
        with database.connect() as connection, database.transaction(connection, write=write):
            tables = find(connection, JOURNAL)
            assert tables is not None
            yield database, connection, tables
        database.engine.dispose()

    def entries(self, **wanted: Any) -> Sequence[Entry]:
        """By number; closed ones too unless told otherwise."""
        with self.journal() as (_, connection, tables):
            found = listed(connection, tables, Wanted(**{"closed_too": True, **wanted}), 10_000)
        return sorted(found, key=lambda entry: entry.number)

    def entry_states(self) -> list[str]:
        """Of all entries, by number."""
        return [str(entry.state) for entry in self.entries()]

    def replayed(self, *numbers: int, stands_for: Sequence[int] = (), **job: Any) -> RunResult:
        """Replay entries as they are, or those of ``source``."""
        source = job.pop("source", None) or Quarantined(SecretUrl(self.url), JOURNAL, None, numbers)
        replay = Replay(entries=frozenset(numbers), stands_for=frozenset(stands_for), parent=job.pop("parent", None))
        progress = job.pop("progress", None)
        given = {"target": SecretUrl(self.url), "table": "t", "replay": replay, **job}
        return execute(Job(source=source, **given), progress)
