"""PostgreSQL: tables by COPY, out in one snapshot, in within one transaction. No other program is needed.

What is brought back is made equal by its difference: rows that are the same are not touched, so that what refers to
them stays valid. Afterwards every row is compared with the backup, and what else was changed in the transaction is
asked of the server: a restore that would reach into other tables is taken back.
"""

# Names in statements are those that the server's catalogue gave.
# ruff: noqa: S608

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from validate_updates.backups.manifest import Contents, Manifest, TableEntry
from validate_updates.backups.policy import Verify
from validate_updates.errors import StateUncertain, TargetError
from validate_updates.targets.names import qualified, quoted
from validate_updates.targets.reaching import told
from validate_updates.targets.savepoint import savepoint
from validate_updates.targets.trouble import Blame
from validate_updates.text import counted, printable

if TYPE_CHECKING:
    from validate_updates.backups.deadline import Deadline
    from validate_updates.backups.store import Draft, Store
    from validate_updates.targets.base import Database

_BLOCK: Final = 1 << 20
_LOCK_TIMEOUT: Final = "10s"
_SAME_TEXT: Final = (
    "SET LOCAL client_encoding = 'UTF8'",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL extra_float_digits = 3",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL xmloption = 'content'",
    "SET LOCAL row_security = off",  # an error rather than a backup of the rows that this user may see
)
"""Whatever the server and the user have set, values are written and read in one form."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the live database."""

    oid: int
    schema: str
    name: str
    columns: tuple[str, ...]
    """Without those that the database computes."""
    settable: tuple[str, ...]
    """Those that an UPDATE may set, without the key."""
    key: tuple[str, ...]
    fingerprint: str
    copy: str = ""
    """The temporary table with the rows of the backup."""

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def title(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def inserting(self) -> str:
        return f"INSERT INTO {self.sql} ({self.listed()}) OVERRIDING SYSTEM VALUE"

    def listed(self, alias: str = "") -> str:
        return _listed(self.columns, alias)


# --- out --------------------------------------------------------------------------------------------------------------


def copy_out(database: Database, draft: Draft, tables: Sequence[str], *, verify: Verify, limit: Deadline) -> Contents:
    """Copy ``tables`` (quoted names) as they are at one moment, and count the rows twice."""
    del verify  # what is read back is always counted
    entries = []
    with database.connect() as connection, told(database, connection), limit.telling(database), connection.begin():
        _run(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = [_table(connection, name) for name in tables]
        _settle(connection, limit)
        _run(connection, "SET LOCAL search_path = 'pg_catalog'")  # names in values (regclass) are then written whole
        for number, table in enumerate(found, start=1):
            path = draft.new_file(f"{number}.copy")
            copied = _write(connection, table, path, limit)
            entry = TableEntry(
                schema=table.schema,
                name=table.name,
                rows=_run(connection, f"SELECT count(*) FROM {table.sql}"),
                columns=table.columns,
                fingerprint=table.fingerprint,
            )
            if not copied == entry.rows == _counted(path, entry):
                raise TargetError(f"no backup: {table.title} has {entry.rows} rows, and {copied} were copied")
            entries.append(entry)
    return Contents(tables=tuple(entries))


def check(store: Store, manifest: Manifest, verify: Verify) -> None:
    """Raise ``TargetError`` where the files do not hold the rows that the manifest names."""
    del verify
    for table, file in zip(manifest.contents.tables, manifest.files, strict=False):
        if _counted(store.path(manifest.name, file.suffix), table) != table.rows:
            raise TargetError(
                f"the backup {manifest.name} cannot be used: it does not hold the {table.rows} rows of {table.title}",
                hint="take another one: validate-updates backup list",
            )
    if len(manifest.contents.tables) != len(manifest.files):
        raise TargetError(f"the backup {manifest.name} cannot be used: its manifest is not its own")


def _write(connection: sa.Connection, table: _Table, path: Path, limit: Deadline) -> int:
    """The table's rows in the server's text form, which ``psql`` can read too; how many."""
    query = f"COPY (SELECT {table.listed()} FROM {table.sql}) TO STDOUT"
    with path.open("r+b") as file, _cursor(connection) as cursor:
        with cursor.copy(query) as rows:
            for block in rows:
                file.write(block)
                limit.check()
        return int(cursor.rowcount)


def _counted(path: Path, table: TableEntry) -> int:
    """Rows in a file; -1 where a line is not one of this table. Line breaks and tabs in values are escaped."""
    rows, tabs = 0, len(table.columns) - 1
    with path.open("rb") as file:
        for line in file:
            if line[-1:] != b"\n" or line.count(b"\t") != max(tabs, 0):
                return -1
            rows += 1
    return rows


# --- in ---------------------------------------------------------------------------------------------------------------


def fit(connection: sa.Connection, manifest: Manifest, ours: Collection[str]) -> None:
    """Raise ``TargetError`` where a table of the backup is not in the live database, or has other columns there."""
    del ours
    for entry in manifest.contents.tables:
        _fitting(connection, entry)


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
    """Make the tables of a checked backup what they were, in one transaction with the journal's entry (``note``).

    Readers see the old rows until the commit; writers wait.
    """
    del verify  # what is there at the end is always compared, row by row
    with told(database, connection), limit.telling(database), database.transaction(connection):
        entries = manifest.contents.tables
        tables = [_fitting(connection, entry, f"vu_backup_{n}") for n, entry in enumerate(entries, start=1)]
        _settle(connection, limit)
        for table in tables:
            _run(connection, f"LOCK TABLE {table.sql} IN SHARE ROW EXCLUSIVE MODE")
        with _without_triggers(connection, tables):
            for table, entry, file in zip(tables, entries, manifest.files, strict=True):
                _load(connection, table, entry, store.path(manifest.name, file.suffix), limit)
            _make_equal(database, connection, _parents_first(connection, tables), limit)
            _run(connection, "SET CONSTRAINTS ALL IMMEDIATE")
        _require_equal(connection, tables)
        note(connection)
        _commit(database, connection)
    return ()


def _commit(database: Database, connection: sa.Connection) -> None:
    transaction = connection.get_transaction()
    if transaction is None:
        raise AssertionError("asked to commit outside of a transaction")
    try:
        transaction.commit()
    except database.errors as error:
        trouble = database.trouble(error, connection)
        if trouble.blame is Blame.WORLD:
            raise StateUncertain(
                "the commit of the restore got no clear answer: it stood or it did not, wholly",
                hint="when the server is back: validate-updates runs list (the restore is there: it stood)",
            ) from error
        raise


def _fitting(connection: sa.Connection, entry: TableEntry, copy: str = "") -> _Table:
    """The live table of an entry. Raises ``TargetError`` where it is gone, or has other columns now."""
    name = qualified(entry.schema, entry.name)
    table = _table(connection, name, copy)
    if table.fingerprint != entry.fingerprint or table.columns != entry.columns:
        raise TargetError(
            f"{table.title} has other columns now than in the backup; nothing was restored",
            hint="bring the table back to its old columns first, or load the file by hand: docs/backups.md",
        )
    return table


def _load(connection: sa.Connection, table: _Table, entry: TableEntry, path: Path, limit: Deadline) -> None:
    """The backup's rows into a temporary table."""
    _run(
        connection,
        f"CREATE TEMPORARY TABLE {table.copy} ON COMMIT DROP AS SELECT {table.listed()} FROM {table.sql} WITH NO DATA",
    )
    with path.open("rb") as file, _cursor(connection) as cursor:
        with cursor.copy(f"COPY {table.copy} FROM STDIN") as rows:
            while block := file.read(_BLOCK):
                rows.write(block)
                limit.check()
        if cursor.rowcount != entry.rows:
            raise TargetError(f"the backup holds {cursor.rowcount} rows of {table.title}, not {entry.rows}")


def _make_equal(database: Database, connection: sa.Connection, tables: Sequence[_Table], limit: Deadline) -> None:
    """By the difference; where a constraint does not let rows change places, by all rows anew."""
    for way in (_by_difference, _all_anew):
        limit.check()
        before = _changed_elsewhere(connection, tables)
        try:
            with savepoint(connection):
                way(connection, tables)
            break
        except database.errors as error:
            if database.trouble(error, connection).blame is not Blame.RECORD or way is _all_anew:
                raise
    after = _changed_elsewhere(connection, tables)
    reached = {name: rows - before.get(name, 0) for name, rows in after.items() if rows != before.get(name, 0)}
    if reached:
        which = ", ".join(f"{printable(name)} ({counted(rows, 'row')})" for name, rows in sorted(reached.items()))
        raise TargetError(
            f"nothing was restored: it would also change other tables, {which}",
            hint="a foreign key there deletes or empties rows with those that they refer to; mend these tables first",
        )


def _by_difference(connection: sa.Connection, tables: Sequence[_Table]) -> None:
    if any(not table.key for table in tables):
        _all_anew(connection, tables)
        return
    for t in reversed(tables):
        _run(connection, f"DELETE FROM {t.sql} t WHERE NOT EXISTS (SELECT FROM {t.copy} b WHERE {_same(t.key)})")
    for t in tables:
        if t.settable:
            values = ", ".join(f"{quoted(name)} = b.{quoted(name)}" for name in t.settable)
            changed = f"{_same(t.key)} AND NOT {_same(t.columns)}"
            _run(connection, f"UPDATE {t.sql} t SET {values} FROM {t.copy} b WHERE {changed}")
        absent = f"NOT EXISTS (SELECT FROM {t.sql} t WHERE {_same(t.key)})"
        _run(connection, f"{t.inserting} SELECT {t.listed('b')} FROM {t.copy} b WHERE {absent}")


def _all_anew(connection: sa.Connection, tables: Sequence[_Table]) -> None:
    for t in reversed(tables):
        _run(connection, f"DELETE FROM {t.sql}")
    for t in tables:
        _run(connection, f"{t.inserting} SELECT {t.listed()} FROM {t.copy}")


def _require_equal(connection: sa.Connection, tables: Sequence[_Table]) -> None:
    for t in tables:
        live, copy = (
            f"SELECT {_text(t.columns, alias)} FROM {name} {alias}" for alias, name in (("t", t.sql), ("b", t.copy))
        )
        for some, others in ((live, copy), (copy, live)):
            differing = _run(connection, f"SELECT count(*) FROM (({some}) EXCEPT ALL ({others})) AS differing")
            if differing:
                raise TargetError(
                    f"nothing was restored: {counted(differing, 'row')} of {t.title} would not be what they were",
                    hint="rules or types of this table change what is written; load the file by hand: docs/backups.md",
                )


@contextmanager
def _without_triggers(connection: sa.Connection, tables: Sequence[_Table]) -> Iterator[None]:
    """The triggers of users do not fire: a restore is no change of theirs. Those of foreign keys do."""
    found = [
        (table.sql, quoted(name), "ALWAYS " if state == "A" else "")
        for table in tables
        for name, state in connection.execute(_TRIGGERS, {"oid": table.oid}).all()
    ]
    for table, trigger, _ in found:
        _run(connection, f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    yield
    for table, trigger, always in found:
        _run(connection, f"ALTER TABLE {table} ENABLE {always}TRIGGER {trigger}")


_TRIGGERS = sa.text(
    "SELECT tgname, tgenabled::text FROM pg_trigger"
    " WHERE tgrelid = :oid AND NOT tgisinternal AND tgenabled IN ('O', 'A') ORDER BY tgname"
)


def _changed_elsewhere(connection: sa.Connection, tables: Sequence[_Table]) -> Mapping[str, int]:
    """Rows changed in this transaction, by table, but for our own tables, their partitions and temporary ones."""
    rows = connection.execute(_CHANGED, {"own": [table.oid for table in tables]}).all()
    return {name: number for name, number in rows if number}


_CHANGED = sa.text(
    "WITH RECURSIVE own(oid) AS (SELECT unnest(CAST(:own AS oid[]))"
    " UNION SELECT i.inhrelid FROM pg_inherits i JOIN own ON i.inhparent = own.oid)"
    " SELECT format('%s.%s', schemaname, relname), n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
    " WHERE relid NOT IN (SELECT oid FROM own) AND schemaname NOT LIKE 'pg\\_temp%'"
)


def _parents_first(connection: sa.Connection, tables: Sequence[_Table]) -> list[_Table]:
    """In the order in which rows can be inserted; as they are where they refer to each other in a ring."""
    by_oid = {table.oid: table for table in tables}
    links = connection.execute(_REFERENCES, {"own": list(by_oid)}).all()
    graph = {oid: {parent for child, parent in links if child == oid != parent} for oid in by_oid}
    try:
        return [by_oid[oid] for oid in TopologicalSorter(graph).static_order()]
    except CycleError:
        return list(tables)


_REFERENCES = sa.text(
    "SELECT conrelid::bigint, confrelid::bigint FROM pg_constraint"
    " WHERE contype = 'f' AND conrelid = ANY(CAST(:own AS oid[])) AND confrelid = ANY(CAST(:own AS oid[]))"
)


# --- both -------------------------------------------------------------------------------------------------------------


def table_names(connection: sa.Connection, schema: str | None) -> list[str]:
    """The tables of a schema, in order; of a partitioned one not the parts."""
    query = sa.text(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = coalesce(:schema, current_schema()) AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " ORDER BY c.relname"
    )
    return list(connection.scalars(query, {"schema": schema}))


def _table(connection: sa.Connection, name: str, copy: str = "") -> _Table:
    """The table that a quoted name means here. Raises ``TargetError`` where there is none."""
    found = connection.execute(_PLACE, {"name": name}).first()
    if found is None:
        raise TargetError(f"there is no table {printable(name)} in the database")
    if found.has_children:
        raise TargetError(f"the table {printable(name)} has child tables, which backups cannot hold")
    columns = connection.execute(_COLUMNS, {"oid": found.oid}).all()
    plain = [row for row in columns if not row.generated]
    return _Table(
        oid=found.oid,
        schema=found.nspname,
        name=found.relname,
        columns=tuple(row.attname for row in plain),
        settable=tuple(row.attname for row in plain if not row.in_key and row.identity != "a"),
        key=tuple(row.attname for row in plain if row.in_key),
        fingerprint=hashlib.sha256(json.dumps([[row.attname, row.declared] for row in plain]).encode()).hexdigest(),
        copy=f"pg_temp.{copy}",
    )


_PLACE = sa.text(
    "SELECT c.oid::bigint AS oid, n.nspname, c.relname,"
    " c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AS has_children"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.oid = to_regclass(:name) AND c.relkind IN ('r', 'p')"
)
_COLUMNS = sa.text(
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS declared, a.attgenerated <> '' AS generated,"
    " a.attidentity::text AS identity, coalesce(a.attnum = ANY(i.indkey), false) AS in_key"
    " FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
    " WHERE a.attrelid = :oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)


def _settle(connection: sa.Connection, limit: Deadline) -> None:
    for statement in _SAME_TEXT:
        _run(connection, statement)
    _run(connection, f"SET LOCAL statement_timeout = {limit.milliseconds_left}")


def _run(connection: sa.Connection, statement: str) -> Any:
    """The first cell of what it answers. On the driver's cursor, to which a % in a name is no parameter."""
    with _cursor(connection) as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


@contextmanager
def _cursor(connection: sa.Connection) -> Iterator[Any]:
    """The driver's own, which knows COPY."""
    cursor = connection.connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


def _text(columns: Sequence[str], alias: str) -> str:
    """A row as exact text: equality by the type would take 1.0 for 1.00, and some types have none."""
    return f"ROW({_listed(columns, alias)})::text"


def _same(columns: Sequence[str]) -> str:
    return f"{_text(columns, 't')} = {_text(columns, 'b')}"


def _listed(columns: Sequence[str], alias: str = "") -> str:
    return ", ".join(f"{alias}.{quoted(name)}" if alias else quoted(name) for name in columns)
