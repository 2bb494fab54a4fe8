"""Bringing a backup back: locked, verified, the present saved first, and written down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from validate_updates.backups.deadline import Deadline
from validate_updates.backups.entry import RestoreEntry
from validate_updates.backups.making import copying, make
from validate_updates.backups.manifest import BackupInfo, MadeFor, Manifest, info
from validate_updates.backups.store import Store, sqlite_path
from validate_updates.errors import TargetError, UpdateError
from validate_updates.journal.run_id import new_run_id
from validate_updates.targets.names import qualified
from validate_updates.targets.reaching import reached, told

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.backups.policy import BackupPolicy
    from validate_updates.secret import SecretUrl
    from validate_updates.targets.base import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore came to."""

    run_id: str
    """Of its own entry in the journal."""
    backup: BackupInfo
    safety: str | None
    """Name of the backup of the state before; None where there was nothing to save."""
    lost_runs: tuple[str, ...] = ()
    """Runs that the journal had and has no longer, since it went back too; oldest first."""
    notes: tuple[str, ...] = ()


def verify(policy: BackupPolicy, url: SecretUrl, wanted: str) -> BackupInfo:
    """Look at a backup as a restore would. Raises ``TargetError`` where it cannot be used, ``UsageError`` for none."""
    store = Store(policy, url)
    manifest = store.named(wanted)
    _verify(policy, store, manifest)
    return info(manifest, store.folder)


def restore(
    policy: BackupPolicy,
    url: SecretUrl,
    wanted: str,
    *,
    journal_prefix: str,
    schema: str | None,
    wait: float,
    now: datetime,
) -> Restored:
    """Make the database (PostgreSQL: the tables of the backup) what it was. All of it, or nothing.

    Raises ``UsageError`` for no such name, ``TargetError`` for a backup that cannot be used and for a database that
    cannot be written, ``LockHeld``, and ``StateUncertain`` where it was restored and is damaged all the same.
    """
    from validate_updates.journal.tables import tables

    store = Store(policy, url)
    manifest = store.named(wanted)
    run_id = new_run_id(now)
    with _opened(policy, store, manifest, url) as database, ExitStack() as stack:
        with _beside(database):
            connection = stack.enter_context(reached(database))
            with told(database, connection), database.transaction(connection, write=False):
                copying(store).fit(connection, manifest, tables(journal_prefix, schema).names)
        names = [qualified(table.schema, table.name) for table in manifest.contents.tables]
        with database.lock(connection, run_id=run_id, tables=names, wait=wait):
            _verify(policy, store, manifest)
            runs = _runs(database, connection, journal_prefix, schema)
            with _beside(database):
                safety = _saved(policy, database, connection, tables=names, name=run_id, now=now)
            entry = RestoreEntry(
                run_id=run_id, manifest=manifest, safety=safety, now=now, prefix=journal_prefix, schema=schema
            )
            limit = Deadline(policy.deadline)
            notes = copying(store).bring_back(
                database, connection, store, manifest, verify=policy.verify, limit=limit, note=entry.write
            )
            left = {*_runs(database, connection, journal_prefix, schema)}
    lost = tuple(run for run in runs if run not in left)
    backup = info(manifest, store.folder)
    return Restored(run_id=run_id, backup=backup, safety=safety, lost_runs=lost, notes=tuple(notes))


def _verify(policy: BackupPolicy, store: Store, manifest: Manifest) -> None:
    store.fingerprinted(manifest)
    copying(store).check(store, manifest, policy.verify)


@contextmanager
def _opened(policy: BackupPolicy, store: Store, manifest: Manifest, url: SecretUrl) -> Iterator[Database]:
    """The live database. A SQLite file that is gone is made anew, empty, once the backup has proved good."""
    from validate_updates.targets import open_database

    if store.kind == "sqlite" and not sqlite_path(url).exists():
        _verify(policy, store, manifest)
        path = sqlite_path(url)
        path.touch(exist_ok=False)
        try:
            yield open_database(url)
        finally:
            if path.stat().st_size == 0:  # nothing came of it
                path.unlink()
    else:
        yield open_database(url)


def _saved(
    policy: BackupPolicy, database: Database, connection: sa.Connection, *, tables: list[str], name: str, now: datetime
) -> str | None:
    """The name of the safety copy; None where there is nothing to save: a SQLite file that was made a moment ago."""
    if database.is_sqlite:
        with told(database, connection), database.transaction(connection, write=False):
            if not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
                return None
    return make(policy, database, tables=tables, name=name, made_for=MadeFor.RESTORE, now=now).name


@contextmanager
def _beside(database: Database) -> Iterator[None]:
    """What a person can do where the present is so damaged that it cannot be saved."""
    try:
        yield
    except TargetError as error:
        if not database.is_sqlite:
            raise
        raise TargetError(
            f"nothing was restored: {error.message}",
            hint="if it is the database that is damaged, move it away with its -wal and -shm, then restore again",
        ) from error


def _runs(database: Database, connection: sa.Connection, prefix: str, schema: str | None) -> list[str]:
    """The runs in the journal, oldest first; none where it cannot be read."""
    import sqlalchemy as sa

    from validate_updates.journal.schema import find

    try:
        with told(database, connection), database.transaction(connection, write=False):
            found = find(connection, prefix, schema)
            if found is None:
                return []
            return list(connection.scalars(sa.select(found.logs.c.run_id).order_by(found.logs.c.run_no)))
    except UpdateError:
        return []
