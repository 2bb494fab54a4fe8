"""SQLite: our own BEGIN IMMEDIATE, a lock file beside the database, staging by executemany."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from validate_updates.errors import TargetError, UsageError
from validate_updates.lockfile import locked_file
from validate_updates.targets.base import Database, TransactionEnded
from validate_updates.targets.compiled import kept_statements
from validate_updates.targets.names import ROW, quoted
from validate_updates.targets.savepoint import savepoint
from validate_updates.targets.table import Column, Kind
from validate_updates.targets.trouble import Blame, Trouble
from validate_updates.text import printable

if TYPE_CHECKING:
    from validate_updates.patterns import Pattern
    from validate_updates.shapes import Rows, Shape
    from validate_updates.targets.deferred import Deferred
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.stage import Stage
    from validate_updates.targets.table import TargetTable

_BUSY_SECONDS = 30
WORK: Final = "vu_work"
"""The database of our temporary tables, in a file that goes with the connection. SQLite's own would do, but for
:func:`_journals_of_savepoints_in_memory`."""
_CELLS_PER_STATEMENT = 480
"""Values bound by one INSERT into the stage; many rows a statement cost a third less than one."""


class Sqlite(Database):
    """A SQLite database in a file."""

    is_sqlite = True
    batches_together = 5  # more cost nothing less, and more where one is refused

    def _open(self, url: sa.URL) -> sa.Engine:
        self.path = database_path(url)
        if not self.path.exists():
            raise TargetError(f"there is no database file {self.path.name}", hint=f"check --target {self.url}")
        prove_savepoints()
        return _engine_of(url.set(drivername="sqlite", database=_in_full(url.database)))

    def begin(self, connection: sa.Connection, *, write: bool = True, small_steps: bool = False) -> sa.RootTransaction:
        connection.execution_options(sqlite_begin="IMMEDIATE" if write else "DEFERRED")
        with _journals_of_savepoints_in_memory(connection) if small_steps else nullcontext():
            return connection.begin()

    @contextmanager
    def lock(self, connection: sa.Connection, *, run_id: str, tables: Sequence[str], wait: float) -> Iterator[None]:
        real = self.path.resolve()
        with locked_file(real.with_name(real.name + ".vu.lock"), run_id=run_id, wait=wait):
            yield

    def hold_still(self, connection: sa.Connection, table: TargetTable) -> None:
        """BEGIN IMMEDIATE has the write lock already."""

    def lost(self, connection: sa.Connection) -> bool:
        return False

    def state(self, connection: sa.Connection) -> str:
        return str(connection.exec_driver_sql("PRAGMA data_version").scalar_one())

    def columns(self, connection: sa.Connection, table: sa.Table) -> tuple[Column, ...]:
        rows = connection.exec_driver_sql(f"PRAGMA table_xinfo({quoted(table.name)})").all()
        keys = sum(1 for row in rows if row[5])
        return tuple(_column(row, sole_key=keys == 1) for row in rows if row[6] != 1)

    def key_collations(self, connection: sa.Connection, table: sa.Table, key: Sequence[str]) -> dict[str, str]:
        for _, name, unique, *_rest in connection.exec_driver_sql(f"PRAGMA index_list({quoted(table.name)})").all():
            parts = connection.exec_driver_sql(f"PRAGMA index_xinfo({quoted(name)})").all()
            members = {part[2]: part[4] for part in parts if part[5]}
            if unique and set(members) == set(key):
                return {column: collation for column, collation in members.items() if collation != "BINARY"}
        return {}

    def has_rowid(self, connection: sa.Connection, table: sa.Table) -> bool:
        kinds = connection.exec_driver_sql("PRAGMA table_list").all()
        without = any(row[1] == table.name and row[0] == "main" and (row[4] or row[2] != "table") for row in kinds)
        shadowed = {column.name.lower() for column in table.columns} & {"rowid"}
        return not without and not shadowed

    @contextmanager
    def loading(self, connection: sa.Connection, stage: Stage, shape: Shape) -> Iterator[Callable[[Rows], None]]:
        with self.transaction(connection, write=False):
            yield lambda rows: _insert(connection, stage, rows)

    def temporary(self, name: str, *items: sa.schema.SchemaItem) -> sa.Table:
        return sa.Table(name, sa.MetaData(schema=WORK), *items)

    def row_column(self) -> sa.Column[Any]:
        return sa.Column(ROW, sa.Integer, primary_key=True)  # in the order of staging, which is nearly that of the key

    def may_divert_writes(self, connection: sa.Connection, table: TargetTable) -> bool:
        named = {"name": table.name}
        kind, sql = connection.execute(_DECLARED, named).one()
        if kind != "table" or _ODD_TABLE.search(sql):
            return True
        keys = connection.exec_driver_sql(f"PRAGMA foreign_key_list({quoted(table.name)})").all()
        cascades = any({key[5], key[6]} - {"NO ACTION", "RESTRICT"} for key in keys)
        return cascades or connection.execute(_TRIGGERS, named).first() is not None

    def analyze(self, connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> None:
        """Not needed: the order of the joins follows from the indexes."""

    def trouble(self, error: BaseException, connection: sa.Connection) -> Trouble:
        alive = _in_transaction(connection)
        original = getattr(error, "orig", None) or error
        if isinstance(original, OverflowError | UnicodeEncodeError):
            return Trouble(
                blame=Blame.RECORD, code=type(original).__name__, message="a value that SQLite cannot store",
                transaction_alive=alive,
            )  # fmt: skip
        name = getattr(original, "sqlite_errorname", None) or type(original).__name__
        text = str(original)
        if name.startswith(("SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG")):
            return _constraint(name, text, alive=alive)
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return Trouble(
                blame=Blame.RETRY, code=name, message="another program is writing to the database",
                transaction_alive=alive,
            )  # fmt: skip
        message = _WORLD.get("_".join(name.split("_")[:2]), f"SQLite failed ({name})")
        if name == "SQLITE_ERROR" and text.startswith("no such "):
            message = printable(text)  # a table, a function: of the schema, not of a record
        return Trouble(blame=Blame.WORLD, code=name, message=message, transaction_alive=alive)

    def prepare_guard(self, connection: sa.Connection) -> None:
        """SQLite asks us before each statement; nothing to prepare."""

    @contextmanager
    def read_only(self, connection: sa.Connection) -> Iterator[None]:
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        driver.set_authorizer(_authorize)
        try:
            yield
        finally:
            driver.set_authorizer(None)
        if not _in_transaction(connection):
            raise TransactionEnded

    def interrupt(self, connection: sa.Connection) -> None:
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        driver.interrupt()

    def deferred(self, connection: sa.Connection, plan: Plan) -> Deferred | None:
        from validate_updates.targets.deferred import deferred_keys

        return deferred_keys(connection, plan)

    def check_deferred(self, connection: sa.Connection) -> None:
        """SQLite counts what is broken, and does not tell before the commit, which is inside our try."""

    def integrity_problems(self, connection: sa.Connection, *, quick: bool, limit: int) -> list[str]:
        pragma = f"PRAGMA main.{'quick_check' if quick else 'integrity_check'}({int(limit)})"
        rows = [str(row[0]) for row in connection.exec_driver_sql(pragma)]
        return [] if rows == ["ok"] else rows[:limit]

    def virtual_tables(self, connection: sa.Connection) -> frozenset[str]:
        virtual = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%'"
        return frozenset(connection.exec_driver_sql(virtual).scalars())

    def foreign_key_orphans(
        self, connection: sa.Connection, schema: str | None, *, limit: int
    ) -> list[tuple[str, str, int]]:
        found = connection.exec_driver_sql(
            'SELECT "table", parent, fkid, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2, 3 ORDER BY 1, 2, 3'
        ).fetchmany(limit)
        return [
            (table, _foreign_key(connection, table, parent, number), count) for table, parent, number, count in found
        ]

    def matches(self, text: sa.ColumnElement[Any], pattern: Pattern) -> sa.ColumnElement[bool]:
        if pattern.glob is None:
            return sa.func.vu_fits(text, pattern.text, type_=sa.Boolean())
        is_whole = sa.func.instr(text, sa.func.char(0)) == 0
        return sa.and_(text.op("GLOB", is_comparison=True)(sa.literal(pattern.glob, sa.Text())), is_whole)

    def among(self, column: sa.ColumnElement[int], name: str) -> sa.ColumnElement[bool]:
        # As one value: SQLAlchemy takes longer to name many than SQLite to look them up.
        listed = sa.func.json_each(sa.bindparam(name, type_=sa.JSON)).table_valued("value")
        return column.in_(sa.select(listed.c.value))

    def run_check_sql(self, connection: sa.Connection, sql: str) -> Any:
        row = connection.exec_driver_sql(sql).first()
        return None if row is None else row[0]


_DECLARED = sa.text(
    "SELECT type, sql FROM main.sqlite_master WHERE name = :name COLLATE NOCASE AND type IN ('table', 'view')"
)
_TRIGGERS = sa.text("SELECT 1 FROM main.sqlite_master WHERE type = 'trigger' AND tbl_name = :name COLLATE NOCASE")
_ODD_TABLE = re.compile(r"\bvirtual\s+table\b|\bon\s+conflict\b", re.IGNORECASE)
"""Another rule than to refuse what is in the way may remove other rows; what a virtual table does is its own affair."""


def _insert(connection: sa.Connection, stage: Stage, rows: Rows) -> None:
    head, one = stage.insert_parts(rows.shape)
    at_once = max(_CELLS_PER_STATEMENT // rows.width, 1)
    step, whole = at_once * rows.width, len(rows) // at_once * at_once * rows.width
    many = f"{head} VALUES {', '.join([one] * at_once)}"
    cursor = connection.connection.cursor()
    try:
        for start in range(0, whole, step):
            cursor.execute(many, rows.cells[start : start + step])
        if whole < len(rows.cells):
            cursor.executemany(f"{head} VALUES {one}", list(replace(rows, cells=rows.cells[whole:]).tuples()))
    finally:
        cursor.close()


@lru_cache(maxsize=8)
def _engine_of(url: sa.URL) -> sa.Engine:
    """One for all runs of a process; it holds no connection."""
    return _engine(url, poolclass=sa.NullPool, execution_options=kept_statements())


def _in_full(name: str | None) -> str | None:
    """Whatever the working directory will be by the next run."""
    return name if name is None or name.startswith("file:") else str(Path(name).absolute())


def _engine(url: str | sa.URL, **options: Any) -> sa.Engine:
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        **options,
        # Validators run in threads of their own, one at a time, on the run's connection.
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


@cache
def prove_savepoints() -> None:
    """Make sure, once a process, that a rollback takes back what a savepoint kept: everything here rests on it.

    It is tried in a scratch database. Raises ``TargetError`` where it does not, as with Python's own way of beginning
    transactions, which may change.
    """
    engine = _engine("sqlite://", poolclass=sa.StaticPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE scratch (x INTEGER)")
        connection.commit()
        outer = connection.begin()
        with savepoint(connection):
            connection.exec_driver_sql("INSERT INTO scratch VALUES (1)")
        outer.rollback()
        left = connection.exec_driver_sql("SELECT count(*) FROM scratch").scalar_one()
    engine.dispose()
    if left:
        raise TargetError(
            "this Python's SQLite driver does not roll back what a savepoint kept; nothing was written",
            hint="use another version of Python, and tell us which one this is",
        )


def database_path(url: sa.URL) -> Path:
    """The file behind a SQLite URL. Raises ``UsageError`` for databases that are not in a file."""
    name = url.database or ""
    if name.startswith("file:"):
        name = name[len("file:") :].partition("?")[0]
    if not name or name == ":memory:":
        raise UsageError(
            "a SQLite database in memory cannot be updated from outside", hint="give a file: --target sqlite:///FILE"
        )
    return Path(name)


def _set_up(driver: sqlite3.Connection, _record: object) -> None:
    driver.isolation_level = None  # no transaction but our own; `autocommit` does not do (3.11, foreign keys)
    cursor = driver.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"ATTACH DATABASE '' AS {WORK}")
    cursor.execute(f"PRAGMA {WORK}.synchronous = OFF")  # else a commit would have to be one of two databases
    cursor.close()
    driver.create_function("vu_fits", 2, _fits, deterministic=True)


@contextmanager
def _journals_of_savepoints_in_memory(connection: sa.Connection) -> Iterator[None]:
    """For the transaction that is begun in the block.

    SQLite copies each page that a savepoint may have to bring back, in a large update most of what it writes, and asks
    at the beginning of the transaction where to. It is one setting for that, for temporary tables, of which there are
    none of SQLite's own, and for sorting, which is to use a file.
    """
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA temp_store = MEMORY")
    try:
        yield
    finally:
        cursor.execute("PRAGMA temp_store = DEFAULT")
        cursor.close()


def _fits(text: str | None, pattern: str) -> bool | None:
    return None if text is None else _fitting(pattern)(text)


@lru_cache(maxsize=256)
def _fitting(pattern: str) -> Callable[[str], bool]:
    """Read once; what its automaton learns from one text serves the next."""
    from validate_updates.patterns import Pattern

    return Pattern(pattern).fits


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'IMMEDIATE')}")


def _in_transaction(connection: sa.Connection) -> bool:
    if connection.invalidated or connection.closed:
        return False
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver.in_transaction


def _foreign_key(connection: sa.Connection, table: str, parent: str, number: int) -> str:
    parts = connection.exec_driver_sql(f"PRAGMA foreign_key_list({quoted(table)})").all()
    columns = [part[3] for part in parts if part[0] == number]
    return f"{', '.join(columns)} -> {parent}"


_ALLOWED_PRAGMAS = {
    *("foreign_key_check", "foreign_key_list", "integrity_check", "quick_check", "page_count"),
    *("index_info", "index_list", "index_xinfo", "table_info", "table_list", "table_xinfo"),
}
_ASKED_FOR = {"data_version", "page_size"}
"""Pragmas that are allowed without a value: FTS asks for them when its tables are read."""
_ALLOWED_ACTIONS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def _authorize(action: int, first: str | None, second: str | None, _db: str | None, _by: str | None) -> int:
    if action in _ALLOWED_ACTIONS:
        # load_extension is a function; everything else that reads is allowed
        return sqlite3.SQLITE_DENY if (second or "").lower() == "load_extension" else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_UPDATE and first == "sqlite_master":
        return sqlite3.SQLITE_OK  # asked for when a table-valued pragma is first used; SQLite lets nobody write there
    if action == sqlite3.SQLITE_PRAGMA:
        allowed = _ALLOWED_PRAGMAS if second else _ALLOWED_PRAGMAS | _ASKED_FOR
        return sqlite3.SQLITE_OK if (first or "").lower() in allowed else sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_DENY


_WORLD = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk failed to read or write",
    "SQLITE_READONLY": "the database is read-only",
    "SQLITE_CORRUPT": "the database file is damaged",
    "SQLITE_NOTADB": "the file is not a SQLite database",
    "SQLITE_NOMEM": "out of memory",
    "SQLITE_CANTOPEN": "the database file cannot be opened",
    "SQLITE_PERM": "permission denied",
    "SQLITE_AUTH": "the statement is not allowed here: checks may only read",
    "SQLITE_INTERRUPT": "the statement was interrupted",
}

_FAILED = re.compile(r"(?P<rule>[A-Z ]+) constraint failed(?:: (?P<what>.*))?", re.DOTALL)


def _constraint(name: str, text: str, *, alive: bool) -> Trouble:
    match = _FAILED.match(text)
    what = (match["what"] or "") if match else ""
    rule = match["rule"].lower() if match else ""
    columns = [part.rpartition(".")[2] for part in what.split(", ")] if rule in {"unique", "not null"} else []
    message = {
        "unique": f"{', '.join(columns)} must be unique",
        "not null": f"{', '.join(columns)} must not be null",
        "check": f"the check {what!r} failed",
        "foreign key": "a foreign key points to a row that does not exist",
    }.get(rule, "a trigger refused it" if name.endswith("TRIGGER") else f"SQLite refused it ({name})")
    return Trouble(
        blame=Blame.RECORD,
        code=name,
        message=message,
        constraint=what or rule,
        column=columns[0] if len(columns) == 1 else None,
        other_rows_matter=name.endswith(("_UNIQUE", "_PRIMARYKEY", "_ROWID", "_FOREIGNKEY", "_TRIGGER")),
        transaction_alive=alive,
    )


_NAMED_KINDS = {
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "DATETIME": Kind.TIMESTAMP,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMP_TZ,
    "TIMESTAMPTZ": Kind.TIMESTAMP_TZ,
    "BOOLEAN": Kind.BOOLEAN,
    "BOOL": Kind.BOOLEAN,
    "JSON": Kind.JSON,
    "JSONB": Kind.JSON,
    "NUMERIC": Kind.NUMERIC,
    "DECIMAL": Kind.NUMERIC,
    "UUID": Kind.UUID,
}
_TYPE = re.compile(
    r"\s*(?P<name>[^()]*?)\s*(?:\(\s*(?P<first>\d+)\s*(?:,\s*(?P<second>\d+)\s*)?\))?\s*(?P<rest>[^()]*)"
)


def _column(row: Sequence[Any], *, sole_key: bool) -> Column:
    """From ``PRAGMA table_xinfo``: cid, name, type, notnull, default, pk, hidden."""
    _, name, declared, not_null, default, in_key, hidden = row
    kind, first, second = _kind(declared)
    rowid_alias = bool(in_key) and sole_key and declared.upper() == "INTEGER"
    textual, numeric = kind is Kind.TEXT, kind is Kind.NUMERIC
    return Column(
        name=name,
        kind=kind,
        type=declared,
        nullable=not not_null and not in_key,
        has_default=default is not None or rowid_alias,
        generated=hidden in (2, 3),
        length=first if textual else None,
        precision=first if numeric else None,
        scale=(second or 0) if numeric and first is not None else None,
    )


def _kind(declared: str) -> tuple[Kind, int | None, int | None]:
    """Our kind for a declared type: by its name where it is a known one, else by SQLite's rules of affinity."""
    match = _TYPE.fullmatch(declared)
    name = " ".join(f"{match['name']} {match['rest']}".upper().split()) if match else declared.upper()
    first = int(match["first"]) if match and match["first"] else None
    second = int(match["second"]) if match and match["second"] else None
    if name in _NAMED_KINDS:
        return _NAMED_KINDS[name], first, second
    if "INT" in name:
        return Kind.INTEGER, None, None
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return Kind.TEXT, first, None
    if "BLOB" in name:
        return Kind.BYTES, None, None
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return Kind.REAL, None, None
    return Kind.OTHER, None, None
