"""PostgreSQL: an advisory lock on the run's own connection, a table lock while a plan is applied, staging by COPY."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.errors import LockHeld, TargetError, UsageError
from validate_updates.targets.base import Database, TransactionEnded
from validate_updates.targets.compiled import kept_statements
from validate_updates.targets.copy_csv import FORMAT, as_csv
from validate_updates.targets.names import ROW, SEQ, qualified, quoted
from validate_updates.targets.reaching import told
from validate_updates.targets.table import Column, Kind
from validate_updates.targets.trouble import Blame, Trouble
from validate_updates.text import printable

if TYPE_CHECKING:
    import psycopg

    from validate_updates.patterns import Pattern
    from validate_updates.shapes import Rows, Shape
    from validate_updates.targets.deferred import Deferred
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.stage import Stage
    from validate_updates.targets.table import TargetTable

_POLL_SECONDS = 0.1
_LOCK_TIMEOUT = "10s"

# A silent network must end the session on both sides soon, or the server keeps our lock for hours.
_KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10000}
_SESSION = (
    # Dates in the one form that everybody reads, whatever the database's own setting.
    "-c DateStyle=ISO"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=10000"
)


class Postgresql(Database):
    """A PostgreSQL database, through psycopg 3."""

    is_sqlite = False
    batches_together = 20

    def _open(self, url: sa.URL) -> sa.Engine:
        try:
            import psycopg  # noqa: F401
        except ImportError as reason:
            raise UsageError(
                "PostgreSQL needs the driver psycopg", hint="pip install 'validate-updates[postgres]'"
            ) from reason
        options = " ".join(part for part in (url.query.get("options"), _SESSION) if isinstance(part, str))
        return _engine(url.set(drivername="postgresql+psycopg").difference_update_query(["options"]), options)

    def begin(
        self,
        connection: sa.Connection,
        *,
        write: bool = True,
        small_steps: bool = False,  # nothing to prepare for
    ) -> sa.RootTransaction:
        transaction = connection.begin()
        if write:
            try:
                _run(connection, f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            except self.errors:
                transaction.close()  # who asked for it has none to end
                raise
        return transaction

    @contextmanager
    def lock(self, connection: sa.Connection, *, run_id: str, tables: Sequence[str], wait: float) -> Iterator[None]:
        with told(self, connection):
            with connection.begin():
                keys = sorted(_lock_key(connection, table) for table in tables)
                named = sa.text("SELECT set_config('application_name', :name, false)")
                connection.execute(named, {"name": f"validate-updates {run_id}"})
                _let_go_when_dead(connection)
                for key in keys:
                    _acquire(connection, key, wait)
                backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            _refuse_pooler(connection, backend)
        try:
            yield
        finally:
            _release(connection)

    def hold_still(self, connection: sa.Connection, table: TargetTable) -> None:
        _run(connection, f"LOCK TABLE {qualified(table.schema, table.name)} IN SHARE ROW EXCLUSIVE MODE")

    def lost(self, connection: sa.Connection) -> bool:
        if connection.closed:
            return False
        return connection.invalidated or bool(connection.connection.driver_connection.closed)  # type: ignore[union-attr]

    def state(self, connection: sa.Connection) -> str:
        return _without_oldest(_run(connection, _SNAPSHOT)[0])

    def state_left(self, connection: sa.Connection) -> str | None:
        found = _run(connection, _LAST_SNAPSHOT)
        return _without_oldest(found[0]) if found else None

    def columns(self, connection: sa.Connection, table: sa.Table) -> tuple[Column, ...]:
        rows = connection.execute(_COLUMNS, {"oid": _oid(connection, table)}).all()
        return tuple(_column(row) for row in rows)

    def key_collations(self, connection: sa.Connection, table: sa.Table, key: Sequence[str]) -> dict[str, str]:
        return {}  # the stage's columns are declared with the target's types, and nondeterministic collations with them

    def has_rowid(self, connection: sa.Connection, table: sa.Table) -> bool:
        return False

    @contextmanager
    def loading(self, connection: sa.Connection, stage: Stage, shape: Shape) -> Iterator[Callable[[Rows], None]]:
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        statement, kinds = f"{stage.copy_statement(shape)} WITH {FORMAT}", stage.kinds(shape)
        with self.transaction(connection, write=False), driver.cursor() as cursor, cursor.copy(statement) as copy:
            yield lambda rows: copy.write(as_csv(rows, kinds))

    def temporary(self, name: str, *items: sa.schema.SchemaItem) -> sa.Table:
        return sa.Table(name, sa.MetaData(), *items, prefixes=["TEMPORARY"])

    def row_column(self) -> sa.Column[Any]:
        # A counter, and an index to keep it unique, would cost as much as the rows themselves.
        return sa.Column(ROW, sa.BigInteger, sa.Computed(SEQ, persisted=True))

    def may_divert_writes(self, connection: sa.Connection, table: TargetTable) -> bool:
        name = qualified(table.schema, table.name)
        return bool(connection.execute(_MAY_DIVERT, {"name": name}).scalar_one())

    def analyze(self, connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> None:
        names = ", ".join(quoted(name) for name in columns)
        _run(connection, "SET LOCAL default_statistics_target = 1")  # 300 rows tell enough
        _run(connection, f"ANALYZE {table.name} ({names})")

    def trouble(self, error: BaseException, connection: sa.Connection) -> Trouble:
        alive = not connection.invalidated and not connection.closed and _in_transaction(connection)
        original = getattr(error, "orig", None) or error
        state = getattr(original, "sqlstate", None) or ""
        diagnosis = getattr(original, "diag", None)
        constraint = getattr(diagnosis, "constraint_name", None) or ""
        column = getattr(diagnosis, "column_name", None) or _unread_column(getattr(diagnosis, "context", None))
        blame = _blame(state, original)
        return Trouble(
            blame=blame,
            code=state or type(original).__name__,
            message=_message(state, constraint, column, original),
            constraint=constraint,
            column=column,
            other_rows_matter=state in _OTHER_ROWS,
            transaction_alive=alive,
        )

    def prepare_guard(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "CREATE TEMPORARY TABLE IF NOT EXISTS vu_trap (step int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
        )

    @contextmanager
    def read_only(self, connection: sa.Connection) -> Iterator[None]:
        connection.exec_driver_sql("SAVEPOINT vu_read_only")
        # A commit would find this violated and undo everything: read-only mode alone does not forbid COMMIT.
        connection.exec_driver_sql("SET CONSTRAINTS pg_temp.vu_trap_step_key DEFERRED")
        connection.exec_driver_sql("INSERT INTO vu_trap VALUES (1), (1)")
        connection.exec_driver_sql("SET LOCAL transaction_read_only = on")
        try:
            yield
        finally:
            try:
                # Disarms the trap, brings back read-write, undoes what a check did to our temporary tables.
                connection.exec_driver_sql("ROLLBACK TO SAVEPOINT vu_read_only")
                connection.exec_driver_sql("RELEASE SAVEPOINT vu_read_only")
            except sa.exc.SQLAlchemyError as error:
                raise TransactionEnded from error

    def interrupt(self, connection: sa.Connection) -> None:
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        driver.cancel_safe(timeout=5)

    def deferred(self, connection: sa.Connection, plan: Plan) -> Deferred | None:
        name = {"name": qualified(plan.target.schema, plan.target.name)}
        return DeferredConstraints(connection) if connection.execute(_DEFERRABLE, name).scalar_one() else None

    def check_deferred(self, connection: sa.Connection) -> None:
        _run(connection, "SET CONSTRAINTS ALL IMMEDIATE")

    def integrity_problems(self, connection: sa.Connection, *, quick: bool, limit: int) -> list[str] | None:
        return None

    def foreign_key_orphans(
        self, connection: sa.Connection, schema: str | None, *, limit: int
    ) -> list[tuple[str, str, int]]:
        # The server vouches for every foreign key but those declared NOT VALID.
        unproven = connection.execute(_UNPROVEN_KEYS, {"schema": schema}).all()
        orphans = [(row.child, f"{row.columns} -> {row.parent}", _orphans(connection, row)) for row in unproven]
        return [orphan for orphan in orphans if orphan[2]][:limit]

    @contextmanager
    def streamed(
        self, connection: sa.Connection, statement: sa.Executable
    ) -> Iterator[sa.CursorResult[*tuple[Any, ...]]]:
        # All rows are wanted, not the first few soon, which is what a cursor is planned for.
        connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")
        with super().streamed(connection, statement) as result:
            yield result

    def matches(self, text: sa.ColumnElement[Any], pattern: Pattern) -> sa.ColumnElement[bool]:
        # Byte by byte: other collations may see no difference where there is one, or know no patterns at all.
        return sa.collate(text, "C").op("~", is_comparison=True)(pattern.postgresql)

    def run_check_sql(self, connection: sa.Connection, sql: str) -> Any:
        # A subquery must be one SELECT; parameters make the driver send one statement alone.
        select = sql.strip().rstrip(";").replace("%", "%%")
        wrapped = f"SELECT * FROM ({select}\n) AS checked WHERE %(yes)s"  # noqa: S608  # the owner's own SQL
        row = connection.exec_driver_sql(wrapped, {"yes": True}).first()
        return None if row is None else row[0]

    def among(self, column: sa.ColumnElement[int], name: str) -> sa.ColumnElement[bool]:
        # As one value: as many they would take longer to plan for than to look up, and anew for each number of them.
        return column == sa.any_(sa.bindparam(name, type_=sa.ARRAY(sa.BigInteger)))

    def comparable(self, column: Column, element: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.cast(element, sa.Text) if column.type.lower().rstrip("[]") in _WITHOUT_EQUALITY else element


def _run(connection: sa.Connection, sql: str) -> Any:
    """Execute statements on the driver's own cursor, which batches feel; the first row of the last one, if any."""
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(sql)
        while cursor.nextset():
            pass
        return cursor.fetchone() if cursor.description else None


_SNAPSHOT = "SELECT txid_current_snapshot()::text"
_LAST_SNAPSHOT = (
    "SAVEPOINT vu_last; INSERT INTO vu_trap VALUES (NULL); ROLLBACK TO SAVEPOINT vu_last; RELEASE SAVEPOINT vu_last;"
    # Rows of foreign tables change without a transaction of this server.
    " SELECT txid_current_snapshot()::text WHERE NOT EXISTS (SELECT FROM pg_foreign_table)"
)
"""A snapshot names the open transactions of others, of those that began before the last one to end. A savepoint
with a write in it counts as one: it ends now, so that nobody who is at work is missing. Who commits from here on is
either named, or began after it; and who is named all the while had not written to a table that we hold still again.
"""


def _without_oldest(snapshot: str) -> str:
    """Of ``oldest:end:open,…`` all but the oldest, which may be our own."""
    return snapshot.partition(":")[2]


_MAY_DIVERT = sa.text(
    "SELECT c.relkind <> 'r' OR c.relhassubclass OR c.relhasrules OR c.relrowsecurity"
    " OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)"
    # Rows of the table that go, or change, with rows of another: cascades may come back to where they began.
    " OR EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f'"
    "            AND (f.confdeltype NOT IN ('a', 'r') OR f.confupdtype NOT IN ('a', 'r')))"
    " FROM pg_class c WHERE c.oid = to_regclass(:name)"
)
"""Anything but a plain table without children, triggers, rules, policies and cascades."""


_DEFERRABLE = sa.text("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(:name) AND tgdeferrable)")
"""Foreign keys from and to it, unique and exclusion constraints are kept by triggers of the server's own."""


class DeferredConstraints:
    """Constraints that may be checked late are checked at the end of a batch, however they were declared."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def begin(self) -> None:
        """Until the end of the batch."""
        self._connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")

    def violated(self, first: int, last: int) -> Trouble | None:
        """Raises as the commit would."""
        del first, last
        self._connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        return None


_WITHOUT_EQUALITY = {"json", "xml", "point", "polygon", "box", "line", "lseg", "path", "circle"}


@lru_cache(maxsize=8)
def _engine(url: sa.URL, options: str) -> sa.Engine:
    """One for all runs of a process; it holds no connection.

    Of each engine, SQLAlchemy keeps its questions to the catalogue in caches of a class: some 0.6 MB, for 128 engines.
    """
    return sa.create_engine(
        url,
        hide_parameters=True,
        poolclass=sa.NullPool,
        execution_options=kept_statements(),
        connect_args={
            "application_name": "validate-updates",
            "connect_timeout": 10,
            "options": options,
            # Behind a pooler, prepared statements may belong to another session.
            "prepare_threshold": 5,
            **_KEEPALIVE,
        },
    )


def _in_transaction(connection: sa.Connection) -> bool:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    return not driver.closed and driver.info.transaction_status.name in {"INTRANS", "INERROR"}


def _lock_key(connection: sa.Connection, table: str) -> int:
    """Of a table, quoted: the same for all who mean it, whatever their search path."""
    place = connection.execute(_PLACE_OF_TABLE, {"name": table}).one()
    digest = hashlib.sha256("\x00".join(place).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


_PLACE_OF_TABLE = sa.text(
    "SELECT current_database(), n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.oid = to_regclass(:name)"
)


def _let_go_when_dead(connection: sa.Connection) -> None:
    """Have the server look, in the middle of a long statement, whether we are still there: a killed run lets go soon.

    Servers before 14, and some platforms, cannot; there a statement of the dead goes on to its end.
    """
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("SET client_connection_check_interval = '2s'")
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in {"42704", "22023"}:  # unknown setting, or value not allowed
            raise


def _acquire(connection: sa.Connection, key: int, wait: float) -> None:
    deadline = time.monotonic() + wait
    while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar_one():
        if time.monotonic() >= deadline:
            raise LockHeld(
                f"another run has the lock: {_holder(connection, key)}",
                hint="try again when it has finished, or wait for it with --wait SECONDS",
            )
        time.sleep(_POLL_SECONDS)


def _holder(connection: sa.Connection, key: int) -> str:
    unsigned = key & (2**64 - 1)
    row = connection.execute(
        sa.text(
            "SELECT a.application_name, a.pid, coalesce(a.client_hostname, host(a.client_addr), 'this host') AS host,"
            " to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') AS since"
            " FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND l.classid = :high AND l.objid = :low"
        ),
        {"high": unsigned >> 32, "low": unsigned & 0xFFFFFFFF},
    ).first()
    if row is None:
        return "it has just let go"
    run = printable(row.application_name.removeprefix("validate-updates "), 60)
    return f"run {run}, server process {row.pid} from {printable(row.host, 80)}, since {row.since}+00:00"


def _refuse_pooler(connection: sa.Connection, backend: int) -> None:
    with connection.begin():
        query = "SELECT pg_backend_pid(), count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        now, held = connection.exec_driver_sql(query).one()
    if now != backend or not held:
        raise TargetError(
            "the connection goes through a pooler that changes sessions between transactions",
            hint="connect to the server itself, or to a pool in session mode",
        )


def _release(connection: sa.Connection) -> None:
    if connection.invalidated or connection.closed:
        return  # the server frees the lock with the session
    try:
        if connection.in_transaction():
            connection.rollback()
        with connection.begin():
            connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
    except sa.exc.SQLAlchemyError:
        connection.invalidate()  # ends the session, if it has not ended; the run's outcome is written down already


_RECORD_CLASSES = ("22", "23", "44")
_OTHER_ROWS = {"23505", "23503", "23P01", "P0001", "44000"}
_RETRY_STATES = {"40001", "40P01", "55P03"}


def _blame(state: str, original: BaseException) -> Blame:
    if state.startswith(_RECORD_CLASSES) or state in {"P0001", "P0004"}:
        return Blame.RECORD
    if state in _RETRY_STATES:
        return Blame.RETRY
    if not state and isinstance(original, OverflowError | UnicodeEncodeError | ValueError):
        return Blame.RECORD
    if not state and type(original).__name__ == "DataError":
        return Blame.RECORD  # psycopg refused to send the value
    return Blame.WORLD


_IN_COPY = re.compile(r"COPY [^\n]*?, line \d+, column (.+?): ")


def _unread_column(context: str | None) -> str | None:
    """The column whose value COPY could not read, as far as the server says so, and in English."""
    found = _IN_COPY.match(context or "")
    return found[1] if found else None


_MEANINGS = {
    "23505": "{what} must be unique",
    "23502": "{column} must not be null",
    "23514": "the check {what} failed",
    "23503": "the foreign key {what} points to a row that does not exist, or is pointed to",
    "23P01": "the exclusion {what} forbids it",
    "22P02": "a text cannot be read as a value of its column's type",
    "22001": "a text is too long for its column",
    "22003": "a number is out of its column's range",
    "55P03": "another program holds a lock on the table",
    "40001": "another transaction came between",
    "40P01": "two transactions waited for each other",
    "53100": "the disk of the server is full",
    "25006": "the database is read-only: checks may only read",
    "42501": "permission denied",
    "57014": "the statement was cancelled",
    "57P01": "the server ended the session",
    "P0001": "a trigger refused it",
}


def _message(state: str, constraint: str, column: str | None, original: BaseException) -> str:
    meaning = _MEANINGS.get(state)
    if meaning:
        return meaning.format(what=constraint or "constraint", column=column or "a column")
    if not state:
        return f"the connection to the server failed ({type(original).__name__})"
    return f"PostgreSQL refused it ({state} {type(original).__name__})"


_UNPROVEN_KEYS = sa.text(
    "SELECT c.conrelid::regclass::text AS child, c.confrelid::regclass::text AS parent,"
    " (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k(attnum, n)"
    "   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS columns,"
    " (SELECT string_agg(format('c.%I = p.%I', a.attname, f.attname), ' AND ' ORDER BY k.n)"
    "   FROM unnest(c.conkey, c.confkey) WITH ORDINALITY k(attnum, fattnum, n)"
    "   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum"
    "   JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = k.fattnum) AS matching,"
    " (SELECT string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') FROM unnest(c.conkey) k(attnum)"
    "   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS filled"
    " FROM pg_constraint c WHERE c.contype = 'f' AND NOT c.convalidated"
    " AND c.connamespace = coalesce(to_regnamespace(:schema), to_regnamespace(current_schema()))"
)


def _orphans(connection: sa.Connection, key: sa.Row[Any]) -> int:
    # Every name in it was quoted by the server itself.
    query = (
        f"SELECT count(*) FROM {key.child} c WHERE {key.filled}"  # noqa: S608
        f" AND NOT EXISTS (SELECT FROM {key.parent} p WHERE {key.matching})"
    )
    return int(connection.exec_driver_sql(query).scalar_one())


def _oid(connection: sa.Connection, table: sa.Table) -> int:
    name = qualified(table.schema, table.name)
    return int(connection.execute(sa.text("SELECT to_regclass(:name)::oid"), {"name": name}).scalar_one())


_COLUMNS = sa.text(
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS declared, NOT a.attnotnull AS nullable,"
    " a.atthasdef OR a.attidentity <> '' AS has_default, a.attgenerated <> '' OR a.attidentity = 'a' AS generated,"
    " t.typtype, coalesce(format_type(nullif(t.typbasetype, 0), t.typtypmod), '') AS base,"
    " CASE WHEN t.typtype = 'e' THEN (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder)"
    "   FROM pg_enum e WHERE e.enumtypid = t.oid) END AS labels,"
    " c.collname, c.collisdeterministic"
    " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation c ON c.oid = a.attcollation"
    " WHERE a.attrelid = :oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)

_KINDS = {
    "smallint": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "real": Kind.REAL,
    "double precision": Kind.REAL,
    "numeric": Kind.NUMERIC,
    "text": Kind.TEXT,
    "character varying": Kind.TEXT,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "time without time zone": Kind.TIME,
    "timestamp without time zone": Kind.TIMESTAMP,
    "timestamp with time zone": Kind.TIMESTAMP_TZ,
    "bytea": Kind.BYTES,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
    "uuid": Kind.UUID,
}
_BITS = {"smallint": 16, "integer": 32, "bigint": 64}
_SPELLING = re.compile(
    r"(?P<name>[a-z ]+?)(?:\((?P<first>\d+)(?:,(?P<second>-?\d+))?\))?(?P<rest> with(?:out)? time zone)?"
)


def _column(row: sa.Row[Any]) -> Column:
    spelled = row.base or row.declared  # of a domain, the type under it decides; its checks are the database's
    match = _SPELLING.fullmatch(spelled)
    name = (match["name"] + (match["rest"] or "")) if match else ""
    kind = Kind.TEXT if row.labels else _KINDS.get(name, Kind.OTHER)
    first = int(match["first"]) if match and match["first"] else None
    second = int(match["second"]) if match and match["second"] else None
    return Column(
        name=row.attname,
        kind=kind,
        type=spelled,
        nullable=row.nullable,
        has_default=row.has_default,
        generated=row.generated,
        length=first if kind is Kind.TEXT else None,
        precision=first if kind is Kind.NUMERIC else None,
        scale=(second or 0) if kind is Kind.NUMERIC and first is not None else None,
        bits=_BITS.get(name, 64),
        choices=tuple(row.labels or ()),
    )
