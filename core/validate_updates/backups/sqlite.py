"""SQLite: its online backup, in both directions.

Never a copy of the file, which lacks what is in the write-ahead log and whose reading would drop the process's locks.
Always on a connection of its own: one with an open transaction waits for itself.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from validate_updates.backups.manifest import Contents, Manifest, TableEntry
from validate_updates.backups.policy import Verify
from validate_updates.backups.store import sqlite_path
from validate_updates.errors import LockHeld, StateUncertain, TargetError
from validate_updates.secret import SecretUrl
from validate_updates.targets.names import quoted
from validate_updates.targets.reaching import told
from validate_updates.text import printable

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.backups.deadline import Deadline
    from validate_updates.backups.store import Draft, Store
    from validate_updates.targets.base import Database

SUFFIX: Final = "db"
_PROBLEMS: Final = 10
_PAGE: Final = 200
"""Characters shown of what SQLite finds damaged."""


def copy_out(database: Database, draft: Draft, tables: Sequence[str], *, verify: Verify, limit: Deadline) -> Contents:
    """Copy the whole file, and look whether the copy is sound; ``tables`` is no matter here."""
    del tables
    path = draft.new_file(SUFFIX)
    with _live(database, path) as source, closing(sqlite3.connect(path, isolation_level=None)) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # the file is synced when it is whole
        source.backup(copy, pages=-1, progress=_until(limit))  # in steps, a steady writer would starve it
        copy.execute("PRAGMA journal_mode = DELETE")  # the copy of a WAL database would want files beside it
    return examined(path, verify)


def check(store: Store, manifest: Manifest, verify: Verify) -> None:
    """Raise ``TargetError`` where the backup is damaged or holds something else than its manifest says."""
    found = examined(store.path(manifest.name, SUFFIX), verify)
    if found != manifest.contents:
        raise TargetError(
            f"the backup {manifest.name} cannot be used: it does not hold the tables and rows of its manifest",
            hint="take another one: validate-updates backup list",
        )


def fit(connection: sa.Connection, manifest: Manifest, ours: Collection[str]) -> None:
    """Raise ``TargetError`` where the live database is plainly another one: not a table in common but ``ours``."""
    live = {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    saved = {table.name for table in manifest.contents.tables}
    if live - {*ours} and not (live & saved) - {*ours}:
        raise TargetError(
            f"the backup {manifest.name} has no table in common with the database: it is of another one",
            hint="validate-updates backup list --verbose shows the tables of each",
        )


def bring_back(
    database: Database,
    connection: sa.Connection,
    store: Store,
    manifest: Manifest,
    *,
    verify: Verify,
    limit: Deadline,
    note: Callable[[sa.Connection], None],
) -> Sequence[str]:
    """Copy a checked backup into the live database: the old state or the new one, whatever happens.

    ``note`` writes the journal's entry into a copy of the backup, which then goes into the live database whole, so that
    the state of then is never there without it. What kept it from that is the result: the restore stands all the same.
    """
    path = store.path(manifest.name, SUFFIX)
    with store.scratch(manifest) as copy:
        _duplicate(path, copy, limit)
        unwritten = _noted(copy, note)
        with _live(database, path) as live, closing(_read_only(copy)) as backup:
            live.execute("PRAGMA synchronous = FULL")
            _require_page_size(live, backup)
            backup.backup(live, pages=-1, progress=_until(limit))
    _require_sound(database, connection, manifest, verify)
    return unwritten


def _duplicate(path: Path, copy: Path, limit: Deadline) -> None:
    try:
        with closing(_read_only(path)) as backup, closing(sqlite3.connect(copy, isolation_level=None)) as duplicate:
            duplicate.execute("PRAGMA synchronous = OFF")  # nobody needs it after a crash
            backup.backup(duplicate, pages=-1, progress=_until(limit))
    except sqlite3.Error as reason:
        raise TargetError(
            f"nothing was restored: the backup could not be copied beside itself [{_code(reason)}]",
            hint="make room where the backups are, then try again",
        ) from reason


def _noted(copy: Path, note: Callable[[sa.Connection], None]) -> Sequence[str]:
    """Write the entry; what was in the way."""
    from validate_updates.targets import open_database

    database = open_database(SecretUrl(f"sqlite:///{quote(str(copy))}"))
    try:
        with database.connect() as connection, told(database, connection), database.transaction(connection):
            note(connection)
    except (TargetError, LockHeld) as error:
        return (f"the journal has no entry of it: {error.message}",)
    return ()


def _require_page_size(live: sqlite3.Connection, backup: sqlite3.Connection) -> None:
    """SQLite gives a database another page size, but not where it has a write-ahead log."""
    now, then = (one.execute("PRAGMA page_size").fetchone()[0] for one in (live, backup))
    if now != then and live.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        raise TargetError(
            f"nothing was restored: the page size was {then} and is {now}, which a write-ahead log does not let change",
            hint="move the database away with its -wal and -shm, then restore again: that makes a new file",
        )


def _require_sound(database: Database, connection: sa.Connection, manifest: Manifest, verify: Verify) -> None:
    with told(database, connection), database.transaction(connection, write=False):
        problems = database.integrity_problems(connection, quick=verify is Verify.QUICK, limit=_PROBLEMS)
    if problems:
        raise StateUncertain(
            f"the backup {manifest.name} was restored, and the database is damaged: {printable(problems[0], _PAGE)}",
            hint="the disk may be failing; restore to another one: docs/backups.md",
        )


def examined(path: Path, verify: Verify) -> Contents:
    """What a finished copy holds. Raises ``TargetError`` where SQLite finds it damaged, or where nothing is in it."""
    name = path.name.partition(".")[0]
    try:
        with closing(_read_only(path)) as copy:
            pragma = "quick_check" if verify is Verify.QUICK else "integrity_check"
            problems = [str(row[0]) for row in copy.execute(f"PRAGMA {pragma}({_PROBLEMS})")]
            if problems != ["ok"]:
                raise TargetError(
                    f"the backup {name} is no sound copy: {printable(problems[0], _PAGE)}",
                    hint="where it was just made, the database itself is damaged: validate-updates doctor",
                )
            tables = tuple(_tables(copy))
            orphans = sum(1 for _ in copy.execute("PRAGMA foreign_key_check"))
    except sqlite3.Error as reason:
        raise TargetError(f"the backup {name} is no sound copy [{_code(reason)}]") from reason
    if not tables:
        raise TargetError("the database has no tables: there is nothing to back up, or to restore")
    return Contents(tables=tables, orphans=orphans)


def _tables(copy: sqlite3.Connection) -> Iterator[TableEntry]:
    found = copy.execute(
        "SELECT m.name, m.sql FROM sqlite_master m JOIN pragma_table_list l ON l.name = m.name AND l.schema = 'main'"
        " WHERE m.type = 'table' AND l.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name"
    ).fetchall()
    for name, sql in found:
        columns = [str(row[1]) for row in copy.execute(f"PRAGMA table_xinfo({quoted(name)})")]
        [rows] = copy.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()  # noqa: S608  # SQLite's own name
        yield TableEntry(
            schema=None,
            name=name,
            rows=rows,
            columns=tuple(columns),
            fingerprint=hashlib.sha256(str(sql).encode()).hexdigest(),
        )


def _read_only(path: Path) -> sqlite3.Connection:
    """A finished copy: no lock is taken, and a journal that somebody put beside it is not played back."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


@contextmanager
def _live(database: Database, copy: Path) -> Iterator[sqlite3.Connection]:
    """A connection of our own to the live database, which has asked nothing of it yet: that could wait for long."""
    path = sqlite_path(database.url)
    if copy.samefile(path):
        raise TargetError(f"the backup {copy.name} is the database itself; nothing was copied")
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as live:
            yield live
    except sqlite3.Error as reason:  # of copying, whose words hold no values
        raise TargetError(
            f"the database could not be copied: {printable(reason)} [{_code(reason)}]",
            hint="mend it, then try again; nothing was changed",
        ) from reason


def _code(error: BaseException) -> str:
    """The database's name for an error, which never holds values."""
    original = getattr(error, "orig", None) or error
    return getattr(original, "sqlite_errorname", None) or type(original).__name__


def _until(limit: Deadline) -> Callable[[int, int, int], None]:
    """Called by SQLite after each step, also one that found the database locked, which it would repeat for ever."""

    def check(status: int, _remaining: int, _total: int) -> None:
        if status != sqlite3.SQLITE_DONE:  # what is done stands, whatever the clock says
            limit.check()

    return check
