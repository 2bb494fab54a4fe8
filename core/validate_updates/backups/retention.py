"""Which backups go: the old ones that nobody needs, and never because a clock was set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from validate_updates.backups.store import Store
from validate_updates.errors import UpdateError
from validate_updates.targets.reaching import told

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.backups.manifest import Manifest
    from validate_updates.backups.policy import BackupPolicy
    from validate_updates.journal.tables import JournalTables
    from validate_updates.targets.base import Database

KEPT: Final = 3
"""The newest of the same tables, however old they are."""
_TRUSTED: Final = timedelta(days=1)
"""How far the clock may be off the newest backup: retention comes right after one was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """What retention did."""

    deleted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What was left alone, and why."""


def retire(
    policy: BackupPolicy,
    database: Database,
    connection: sa.Connection,
    journal: JournalTables | None,
    *,
    now: datetime,
) -> Retired:
    """Delete the backups that are old, not among the newest three, and not of an unfinished run.

    To be called under the lock, after the run, outside of a transaction. ``now``: the clock, aware. It never raises for
    what keeps it from its work; that is a note.
    """
    import sqlalchemy as sa

    try:
        with told(database, connection), database.transaction(connection, write=False):
            unfinished = unfinished_backups(connection, journal) if journal else frozenset()
        return delete_old(Store(policy, database.url), policy.retention_days, now=now, unfinished=unfinished)
    except UpdateError as error:
        return Retired(notes=(f"no old backup was deleted: {error.message}",))
    except OSError as error:
        return Retired(notes=(f"old backups could not be deleted: {error.strerror}",))
    except sa.exc.SQLAlchemyError as error:  # a connection that the run lost
        return Retired(notes=(f"no old backup was deleted: the journal cannot be asked [{type(error).__name__}]",))


def delete_old(store: Store, days: int, *, now: datetime, unfinished: Collection[str] = ()) -> Retired:
    """As :func:`retire`, with the backups of unfinished runs given."""
    ours = store.ours()
    if not ours:
        return Retired()
    off = abs(now - ours[-1].created_at)
    if off > _TRUSTED:
        told = f"no old backup was deleted: the clock is {off.days} days off the newest one"
        return Retired(notes=(told,))
    future = [one for one in ours if _moment(one) > now]
    limit = now - timedelta(days=days)
    kept = {*unfinished, *_newest(ours), *(one.name for one in future)}
    old = [one for one in ours if one.created_at < limit and one.name not in kept]
    for one in old:
        store.delete(one)
    notes = [f"the backup {one.name} is from the future; it was left alone" for one in future]
    return Retired(deleted=tuple(one.name for one in old), notes=tuple(notes))


def _newest(ours: Sequence[Manifest]) -> Iterator[str]:
    """Names of the newest ones of the same tables; of SQLite, which is copied whole, of all."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in ours:
        tables = () if one.kind == "sqlite" else tuple(table.title for table in one.contents.tables)
        alike.setdefault(tables, []).append(one.name)
    for names in alike.values():
        yield from names[-KEPT:]


def _moment(manifest: Manifest) -> datetime:
    """The later of the times in its manifest and in its name."""
    try:
        named = datetime.strptime(manifest.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return max(named, manifest.created_at)


def unfinished_backups(connection: sa.Connection, journal: JournalTables) -> frozenset[str]:
    """Names of backups of runs that are under way, or were interrupted and of whose table no later run stood.

    They are the ids of the runs: the journal has a backup's name only when its run has ended.
    """
    import sqlalchemy as sa

    from validate_updates.journal.rows import STOOD, RunState

    logs, later = journal.logs, journal.logs.alias("later")
    stood = sa.exists().where(
        later.c.table_name == logs.c.table_name,
        later.c.run_no > logs.c.run_no,
        later.c.state.in_(STOOD),
    )
    open_ended = (logs.c.state == RunState.RUNNING) | ((logs.c.state == RunState.INTERRUPTED) & ~stood)
    return frozenset(connection.scalars(sa.select(logs.c.run_id).where(open_ended)))
