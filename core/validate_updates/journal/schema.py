"""Making the journal's tables, and telling whether those found are ours and of the right version.

A run asks for this once and pays one SELECT. Nothing here commits: tables come with the transaction or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic, sleep
from typing import Final
from zlib import crc32

import sqlalchemy as sa

from validate_updates import signals
from validate_updates.errors import TargetError
from validate_updates.journal.tables import JournalTables, tables, view

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Versions of the tables, oldest first. The last is the one this program writes; see ``migrations/versions``."""
HEAD: Final = REVISIONS[-1]

_MIGRATIONS = "validate_updates.journal:migrations"
_NEEDED_BY_OTHERS = "2BP01"
"""SQLSTATE: dependent objects still exist."""
_PATIENCE = 60
"""Seconds that another run may take to make the tables; then the lock timeout of the session decides."""


def find(conn: sa.Connection, prefix: str, schema: str | None = None) -> JournalTables | None:
    """The journal's tables; None where there is no journal yet.

    Raises ``TargetError`` where the tables are of another version, or where a table of such a name is not ours.
    """
    wanted = tables(prefix, schema)
    version = HEAD if _is_current(conn, wanted) else _closer_look(conn, wanted)
    if version is None:
        return None
    if version != HEAD:
        raise _other_version(version, wanted)
    return wanted


def prepare(conn: sa.Connection, prefix: str, schema: str | None = None) -> JournalTables:
    """The journal's tables, made within the open transaction where there are none. Raises as :func:`find`."""
    wanted = tables(prefix, schema)
    patient_until = monotonic() + _PATIENCE
    while not _is_current(conn, wanted):
        if _may_be_made(conn, wanted, wait=monotonic() > patient_until):
            return find(conn, prefix, schema) or _create(conn, wanted)
        signals.check()
        sleep(0.05)
    return wanted


def _may_be_made(conn: sa.Connection, wanted: JournalTables, *, wait: bool) -> bool:
    """Whether nobody else makes the tables at this moment, and until the transaction ends.

    Many first runs, each on a table of its own, may be here at once. Those that are not first look again and again
    rather than queue for the lock: in a queue each would hold it until it commits, for nothing.
    """
    if conn.dialect.name != "postgresql":
        return True
    lock = sa.func.pg_advisory_xact_lock if wait else sa.func.pg_try_advisory_xact_lock
    mine = conn.scalar(sa.select(lock(crc32(f"{wanted.schema}.{wanted.prefix}version".encode()))))
    return wait or bool(mine)


def upgrade(engine: sa.Engine, prefix: str, schema: str | None = None) -> tuple[str, ...]:
    """Bring the journal to this program's version, or make it, in one transaction; the versions gone through.

    Raises ``TargetError`` where it is newer than this program, or where a table of such a name is not ours.
    """
    from alembic import command
    from alembic.config import Config

    wanted = tables(prefix, schema)
    config = Config(attributes={"journal": wanted})
    config.set_main_option("script_location", _MIGRATIONS)
    config.set_main_option("path_separator", "os")
    with engine.begin() as conn:
        version = _version(conn, wanted)
        if version is not None and version not in REVISIONS:
            raise _other_version(version, wanted)
        config.attributes["connection"] = conn
        try:
            command.upgrade(config, "head")
        except sa.exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _NEEDED_BY_OTHERS:
                raise
            raise TargetError(
                f"views or other objects of yours depend on the journal's tables ({wanted.logs.name}, …)",
                hint="drop them, run this again, and make them anew: names and columns stay",
            ) from error
    return REVISIONS[REVISIONS.index(version) + 1 :] if version else REVISIONS


def _is_current(conn: sa.Connection, wanted: JournalTables) -> bool:
    """One statement that fails unless every table and column is there. It reads the version and nothing else."""
    parts = [~sa.exists(sa.select(*table.c).where(sa.false())) for table in wanted.contents]
    try:
        with conn.begin_nested():  # a failed statement would end the whole transaction on PostgreSQL
            return conn.scalars(sa.select(wanted.version.c.version_num).where(*parts)).all() == [HEAD]
    except (sa.exc.OperationalError, sa.exc.ProgrammingError):
        return False


def _closer_look(conn: sa.Connection, wanted: JournalTables) -> str | None:
    try:
        return _version(conn, wanted)
    except TargetError:
        if _is_current(conn, wanted):  # they were made while we looked, table by table
            return HEAD
        raise


def _version(conn: sa.Connection, wanted: JournalTables) -> str | None:
    """The version of the tables by a closer look; None where none of them exists."""
    inspector = sa.inspect(conn)
    present = [table for table in (*wanted.contents, wanted.version) if _is_there(inspector, table)]
    if not present:
        return None
    if wanted.version not in present:
        raise _foreign(present[0])
    if not _same_columns(inspector, wanted.version):
        raise _foreign(wanted.version)
    versions: Sequence[str] = conn.scalars(sa.select(wanted.version.c.version_num)).all()
    if len(versions) != 1:
        raise _foreign(wanted.version)
    if versions[0] == HEAD:
        for table in wanted.contents:
            if table not in present or not _same_columns(inspector, table, more=table is wanted.undo):
                raise _foreign(table)
    return versions[0]


def _is_there(inspector: sa.Inspector, table: sa.Table) -> bool:
    try:
        return inspector.has_table(table.name, table.schema)
    except sa.exc.OperationalError as error:
        if not _is_of_what_is_gone(error):
            raise
        return True


def _is_of_what_is_gone(error: sa.exc.OperationalError) -> bool:
    """Whether SQLite says so of a view; it may as well be locked, or a server be gone."""
    return getattr(error.orig, "sqlite_errorname", None) == "SQLITE_ERROR"


def _same_columns(inspector: sa.Inspector, table: sa.Table, *, more: bool = False) -> bool:
    """``more``: the undo log of SQLite has columns for the cells of images besides."""
    try:
        found = {column["name"] for column in inspector.get_columns(table.name, table.schema)}
    except sa.exc.OperationalError as error:
        if not _is_of_what_is_gone(error):
            raise
        return False
    return found >= set(table.c.keys()) if more else found == set(table.c.keys())


def _create(conn: sa.Connection, wanted: JournalTables) -> JournalTables:
    wanted.metadata.create_all(conn, checkfirst=False)
    conn.execute(view(wanted, conn.dialect.name))
    conn.execute(wanted.version.insert().values(version_num=HEAD))
    return wanted


def _foreign(table: sa.Table) -> TargetError:
    return TargetError(
        f"the table {table.name} is not the journal's own, or was changed; it was left alone",
        hint='give the journal other names in the settings: [journal] prefix = "vu_"',
    )


def _other_version(version: str, wanted: JournalTables) -> TargetError:
    if version in REVISIONS:
        return TargetError(
            f"the journal ({wanted.logs.name}, …) has version {version}, this program writes {HEAD}",
            hint="run once: validate-updates db upgrade --target …",
        )
    return TargetError(
        f"the journal ({wanted.logs.name}, …) has version {version!r}, newer than the {HEAD} that this program knows",
        hint="install the validate-updates that last wrote to this database, or a newer one",
    )
