"""Making a backup: copied, looked into, fingerprinted, and only then given its name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from validate_updates._version import __version__
from validate_updates.backups.deadline import Deadline
from validate_updates.backups.manifest import FORMAT, BackupInfo, MadeFor, Manifest, info
from validate_updates.backups.store import Store

if TYPE_CHECKING:
    from validate_updates.backups.policy import BackupPolicy
    from validate_updates.targets.base import Database


def before_update(
    policy: BackupPolicy, database: Database, *, tables: Sequence[str], run_id: str, now: datetime
) -> BackupInfo:
    """The verified backup of a run that is about to write. Raises ``TargetError``: no backup, no first row.

    To be called under the lock. It has a connection of its own, so that the run's may be in its transaction; nothing of
    that may be written to the tables yet. ``tables``: quoted names, as for the lock. ``now``: the clock, aware; not a
    time that only counts as now, since retention goes by it.
    """
    return make(policy, database, tables=tables, name=run_id, made_for=MadeFor.UPDATE, now=now)


def make(
    policy: BackupPolicy, database: Database, *, tables: Sequence[str], name: str, made_for: MadeFor, now: datetime
) -> BackupInfo:
    """A verified backup called ``name``, which is a run's id. Raises ``TargetError``; nothing of it stays then."""
    store = Store(policy, database.url)
    with store.draft(name) as draft:
        contents = copying(store).copy_out(
            database, draft, tables, verify=policy.verify, limit=Deadline(policy.deadline)
        )
        manifest = Manifest(
            format=FORMAT,
            name=name,
            number=store.next_number(),
            made_for=made_for,
            created_at=now.astimezone(UTC),
            tool_version=__version__,
            kind=store.kind,
            database=store.database,
            verified=policy.verify.value,
            contents=contents,
            files=draft.sealed(),
        )
        draft.publish(manifest)
    return info(manifest, store.folder)


def copying(store: Store) -> Any:
    """The module that copies databases of this kind: ``copy_out``, ``check``, ``fit``, ``bring_back``."""
    if store.kind == "sqlite":
        from validate_updates.backups import sqlite

        return sqlite
    from validate_updates.backups import postgresql

    return postgresql
