"""What a person asks for between runs: the list of backups, and one more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from validate_updates.backups.making import make
from validate_updates.backups.manifest import BackupInfo, MadeFor, info
from validate_updates.backups.retention import Retired, retire
from validate_updates.backups.store import Other, Store
from validate_updates.errors import TargetError
from validate_updates.journal.run_id import new_run_id
from validate_updates.targets.names import qualified
from validate_updates.targets.reaching import reached, told

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.backups.policy import BackupPolicy
    from validate_updates.secret import SecretUrl
    from validate_updates.targets.base import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The folder of a database's backups."""

    folder: str
    backups: tuple[BackupInfo, ...]
    """The newest first."""
    others: tuple[Other, ...]
    """What else is there and is left alone."""


def listing(policy: BackupPolicy, url: SecretUrl) -> Listing:
    """The backups of a database, which need not be there any more. Raises ``TargetError`` for an unreadable folder."""
    store = Store(policy, url)
    backups = tuple(info(one, store.folder) for one in reversed(store.ours()))
    return Listing(folder=str(store.folder), backups=backups, others=tuple(store.others()))


def check_folder(policy: BackupPolicy, url: SecretUrl) -> None:
    """Raises ``TargetError`` where no backup would be made in the folder of the database; it need not be there."""
    Store(policy, url).check_folder()


def find(policy: BackupPolicy, url: SecretUrl, wanted: str, *, table: str | None = None) -> BackupInfo:
    """The backup of that name, or the ``last`` that holds ``table``; not verified.

    Raises ``UsageError`` with the names that there are.
    """
    store = Store(policy, url)
    return info(store.named(wanted, table), store.folder)


def create(
    policy: BackupPolicy,
    url: SecretUrl,
    *,
    tables: Sequence[str] = (),
    journal_prefix: str,
    schema: str | None,
    wait: float,
    now: datetime,
) -> tuple[BackupInfo, Retired]:
    """Make a verified backup under the lock, then let the old ones go.

    ``tables``: names in ``schema`` (PostgreSQL); all but the journal's unless given. SQLite is copied whole. Raises
    ``TargetError``, and ``LockHeld`` where a run is under way.
    """
    from validate_updates.journal.schema import find as find_journal
    from validate_updates.targets import open_database

    database = open_database(url)
    name = new_run_id(now)
    with reached(database) as connection:
        with told(database, connection), database.transaction(connection, write=False):
            wanted = _tables(database, connection, tables, journal_prefix, schema)
        with database.lock(connection, run_id=name, tables=wanted, wait=wait):
            made = make(policy, database, tables=wanted, name=name, made_for=MadeFor.HAND, now=now)
            try:
                with told(database, connection), database.transaction(connection, write=False):
                    journal = find_journal(connection, journal_prefix, schema)
            except TargetError as error:
                return made, Retired(notes=(f"no old backup was deleted: {error.message}",))
            return made, retire(policy, database, connection, journal, now=now)


def _tables(
    database: Database, connection: sa.Connection, names: Sequence[str], prefix: str, schema: str | None
) -> list[str]:
    """Quoted names of what to copy; none for SQLite."""
    if database.is_sqlite:
        return []
    from validate_updates.backups.postgresql import table_names
    from validate_updates.journal.tables import tables

    found = table_names(connection, schema)
    for name in names:
        if name not in found:
            raise TargetError(f"there is no table {name!r} in the database", hint=f"tables: {', '.join(found)}")
    own = tables(prefix, schema).names
    wanted = list(names) or [name for name in found if name not in own]
    if not wanted:
        raise TargetError("the database has no tables: there is nothing to back up")
    return [qualified(schema, name) for name in wanted]
