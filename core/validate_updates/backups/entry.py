"""The journal's entry of a restore."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Final

from validate_updates._version import __version__
from validate_updates.backups.manifest import MadeFor, Manifest
from validate_updates.journal.rows import RunKind, RunState
from validate_updates.journal.schema import prepare
from validate_updates.journal.texts import MESSAGE_BYTES, stored
from validate_updates.journal.writing import Journal
from validate_updates.result import Counts

if TYPE_CHECKING:
    import sqlalchemy as sa

TASK: Final = "(restore)"
"""Stands where a run has its task; no task can be called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreEntry:
    """A restore that is about to be done, for the journal."""

    run_id: str
    manifest: Manifest
    safety: str | None
    """Name of the backup of the state before."""
    now: datetime
    prefix: str
    schema: str | None
    started: float = field(default_factory=monotonic)

    def write(self, connection: sa.Connection) -> None:
        """Within the open transaction. A journal is made where there is none; its runs that still run are dead."""
        journal = prepare(connection, self.prefix, self.schema)
        if self.manifest.kind == "sqlite":  # whose lock is on all tables
            Journal(journal).recover(connection, except_run=self.run_id)
        connection.execute(journal.logs.insert(), self._row(journal.names))

    def _row(self, own: frozenset[str]) -> dict[str, object]:
        tables = self.manifest.contents.tables
        before = f"; what was there before is in the backup {self.safety}" if self.safety else ""
        said = stored(f"restored from the backup {self.manifest.name}{before}", MESSAGE_BYTES)
        return {
            "run_id": self.run_id,
            "kind": RunKind.RESTORE,
            "parent_run_id": self.manifest.name if self.manifest.made_for is MadeFor.UPDATE else None,
            "token": secrets.token_hex(16),
            "task": TASK,
            "table_name": stored(", ".join(table.title for table in tables if table.name not in own)),
            "key_columns": "[]",
            "source": f"backup {self.manifest.name}",
            "state": RunState.COMMITTED,
            "reason": said,
            "dry_run": False,
            "started_at": self.now,
            "finished_at": datetime.now(UTC),
            "seconds": monotonic() - self.started,
            "strategy": "restore",
            "plugins": "[]",
            "tool_version": __version__,
            "timings": "[]",
            "judged": "[]",
            "backup": self.safety,
            "note": said,
            **asdict(Counts()),
        }
