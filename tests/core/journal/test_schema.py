from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from tests.core.journal.made import start
from validate_updates.errors import TargetError, UsageError
from validate_updates.journal import schema
from validate_updates.journal.reading import show
from validate_updates.journal.schema import HEAD, REVISIONS, find, prepare, upgrade
from validate_updates.journal.tables import JournalTables, tables
from validate_updates.journal.writing import Journal

MIGRATIONS = Path(schema.__file__).parent / "migrations"


def names(conn: sa.Connection, schema: str | None = None) -> set[str]:
    seen = sa.inspect(conn)
    return {*seen.get_table_names(schema), *seen.get_view_names(schema)}


def test_there_is_no_journal_until_one_is_made(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        assert find(conn, "update_") is None
        assert names(conn) == set()
        made = prepare(conn, "update_")
        assert names(conn) == made.names
        assert len(made.names) == 10
    with engine.begin() as conn:
        assert find(conn, "update_") is made


def test_tables_come_with_the_transaction_or_not_at_all(engine: sa.Engine) -> None:
    with engine.connect() as conn:
        prepare(conn, "update_")
        conn.rollback()
        assert names(conn) == set()


def test_a_run_pays_one_select(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        prepare(conn, "update_")
    seen: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2].split()[0]))
    with engine.begin() as conn:
        prepare(conn, "update_")
    assert seen.count("SELECT") == 1
    assert set(seen) <= {"BEGIN", "SELECT", "SAVEPOINT", "RELEASE"}


def test_journals_of_two_prefixes_do_not_touch(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        ours = prepare(conn, "update_")
        assert find(conn, "vu_") is None
        other = prepare(conn, "vu_")
        assert names(conn) == ours.names | other.names


def test_a_schema_of_its_own(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as conn:
        conn.execute(sa.schema.CreateSchema("state"))
        assert find(conn, "update_", "state") is None
        made = prepare(conn, "update_", "state")
        assert names(conn) == set()
        assert names(conn, "state") == made.names
    assert upgrade(engine, "vu_", "state") == REVISIONS
    assert upgrade(engine, "vu_", "state") == ()
    with engine.begin() as conn:
        assert names(conn) == set()
        assert names(conn, "state") == made.names | tables("vu_").names
        assert described(conn, "state.update_") == described(conn, "state.vu_")
    engine.dispose()


def test_migrations_and_create_all_give_the_same_schema(engine: sa.Engine) -> None:
    assert upgrade(engine, "vu_") == REVISIONS
    assert upgrade(engine, "vu_") == ()
    with engine.begin() as conn:
        created, migrated = prepare(conn, "update_"), prepare(conn, "vu_")
        assert described(conn, "update_") == described(conn, "vu_")
        for one in (created, migrated):
            assert differences(conn, one) == []


def differences(conn: sa.Connection, ours: JournalTables) -> list[Any]:
    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in ours.names

    context = MigrationContext.configure(conn, opts={"include_name": is_ours, "compare_server_default": True})
    found: list[Any] = compare_metadata(context, ours.metadata)
    return found


IN_SQLITE = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name LIKE :like"
IN_POSTGRESQL = """
WITH ours AS (SELECT oid FROM pg_class WHERE relkind IN ('r', 'v') AND oid::regclass::text LIKE :like)
SELECT pg_get_indexdef(indexrelid) AS text FROM pg_index WHERE indrelid IN (TABLE ours)
UNION ALL
SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
WHERE conrelid IN (TABLE ours)
UNION ALL
SELECT concat_ws(' ', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
                 pg_get_expr(adbin, adrelid))
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid IN (TABLE ours) AND attnum > 0
UNION ALL
SELECT pg_get_viewdef(oid) FROM ours WHERE pg_get_viewdef(oid) IS NOT NULL
"""


def described(conn: sa.Connection, prefix: str) -> list[str]:
    """Everything that the database's catalog says about the tables that begin so."""
    query = IN_SQLITE if conn.dialect.name == "sqlite" else IN_POSTGRESQL
    found = list(conn.scalars(sa.text(query), {"like": f"{prefix}%"}))
    assert len(found) > 6
    return sorted("".join(text.replace(prefix.rpartition(".")[2], "").split()) for text in found)


def test_known_revisions_are_those_of_the_migrations() -> None:
    texts = [path.read_text() for path in sorted((MIGRATIONS / "versions").glob("v*.py"))]
    assert len(texts) == len(REVISIONS)
    for text, revision in zip(texts, REVISIONS, strict=True):
        assert f'\nrevision = "{revision}"\n' in text
    assert ScriptDirectory(str(MIGRATIONS)).dir == str(MIGRATIONS)


def test_an_older_journal_names_the_command(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine.begin() as conn:
        ours = prepare(conn, "update_")
    monkeypatch.setattr(schema, "REVISIONS", (HEAD, "next"))
    monkeypatch.setattr(schema, "HEAD", "next")
    for look in (find, prepare):
        with engine.begin() as conn, pytest.raises(TargetError, match=f"version {HEAD}") as caught:
            look(conn, ours.prefix)
        assert "validate-updates db upgrade --target" in caught.value.hint


FIRST_UNDO_LOG = """CREATE TABLE update_undo (
    run_id TEXT NOT NULL, batch_no BIGINT NOT NULL, undo_no BIGINT NOT NULL, table_name TEXT NOT NULL,
    action TEXT NOT NULL, before_image TEXT, after_image TEXT, PRIMARY KEY (run_id, batch_no, undo_no))"""


FIRST_METRICS = """CREATE TABLE update_metrics (
    run_id TEXT NOT NULL, name TEXT NOT NULL, value DOUBLE PRECISION NOT NULL, PRIMARY KEY (run_id, name))"""
NUMBERS = {
    "zero": 0.0,
    "a third": 1 / 3,
    "huge": -1e300,
    "small": 5e-324,
    'odd "\\ \n:name %': 3.0,
    "ü": 2.0**53 + 2,
    "quoted wrong by SQLite": 0.5308934685835069,  # as another number
    "and this": 28575.748599125902,
    "huger": 1.7976931348623157e308,
}


def journal_of_the_first_version(engine: sa.Engine) -> JournalTables:
    """With the run `r`, of which these numbers are known, and another."""
    with engine.begin() as conn:
        made = prepare(conn, "update_")
        written = Journal(made)
        for run_id in ("r", "empty"):
            start(written, conn, run_id)
        conn.exec_driver_sql("DROP VIEW update_metrics")
        conn.exec_driver_sql("ALTER TABLE update_logs DROP COLUMN metrics")
        conn.exec_driver_sql(FIRST_METRICS)
        rows = [{"run_id": "r", "name": name, "value": value} for name, value in NUMBERS.items()]
        conn.execute(sa.insert(sa.table("update_metrics", *map(sa.column, rows[0]))), rows)
        for later in (made.watermarks, made.states, made.switches, made.undo):
            later.drop(conn)
        conn.exec_driver_sql(FIRST_UNDO_LOG)
        conn.execute(made.version.update().values(version_num="0001"))
    return made


def test_a_journal_of_the_first_version_keeps_what_it_holds(engine: sa.Engine) -> None:
    made = journal_of_the_first_version(engine)

    assert upgrade(engine, "update_") == REVISIONS[1:]

    with engine.begin() as conn:
        assert find(conn, "update_") is made
        assert show(conn, made, "r").metrics == NUMBERS
        assert show(conn, made, "empty").metrics == {}
        assert conn.execute(sa.select(made.metrics.c.name, made.metrics.c.value)).all() == sorted(NUMBERS.items())
        assert compare_metadata(MigrationContext.configure(conn), made.metadata) == []


def test_no_digit_is_lost_where_a_database_shows_fewer(server: sa.Engine) -> None:
    made = journal_of_the_first_version(server)
    few = sa.create_engine(server.url, connect_args={"options": "-c extra_float_digits=0"})

    upgrade(few, "update_")

    few.dispose()
    with server.begin() as conn:
        assert show(conn, made, "r").metrics == NUMBERS


def test_who_could_read_the_metrics_still_can(server: sa.Engine) -> None:
    journal_of_the_first_version(server)
    with server.begin() as conn:
        conn.exec_driver_sql('CREATE ROLE "a ""reader"": 1"')
        conn.exec_driver_sql('GRANT SELECT ON update_metrics TO PUBLIC, "a ""reader"": 1"')

    upgrade(server, "update_")

    with server.begin() as conn:
        granted = "SELECT grantee FROM information_schema.role_table_grants WHERE table_name = 'update_metrics'"
        readers = conn.scalars(sa.text(f"{granted} AND privilege_type = 'SELECT' AND grantee <> current_user")).all()
        assert sorted(readers) == ["PUBLIC", 'a "reader": 1']
        conn.exec_driver_sql('DROP OWNED BY "a ""reader"": 1"')
        conn.exec_driver_sql('DROP ROLE "a ""reader"": 1"')


def test_a_view_of_somebody_else_stops_the_upgrade_before_it_begins(server: sa.Engine) -> None:
    made = journal_of_the_first_version(server)
    with server.begin() as conn:
        conn.exec_driver_sql("CREATE VIEW mine AS SELECT * FROM update_metrics")

    with pytest.raises(TargetError, match=r"depend on the journal's tables \(update_logs") as caught:
        upgrade(server, "update_")
    assert "make them anew" in caught.value.hint

    with server.begin() as conn:
        assert conn.scalars(sa.select(made.version.c.version_num)).all() == ["0001"]
        conn.exec_driver_sql("DROP VIEW mine")
    assert upgrade(server, "update_") == REVISIONS[1:]


def test_a_newer_journal_is_refused(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        ours = prepare(conn, "update_")
        conn.execute(ours.version.update().values(version_num="9999"))
    with engine.begin() as conn, pytest.raises(TargetError, match="'9999', newer than"):
        prepare(conn, "update_")
    with pytest.raises(TargetError, match="'9999', newer than"):
        upgrade(engine, "update_")


@pytest.mark.parametrize("name", sorted(tables("update_").names))
@pytest.mark.parametrize("kind", ["TABLE {0} (id INTEGER)", "VIEW {0} AS SELECT 1 AS id", "TABLE {1} (id INTEGER)"])
def test_a_foreign_table_is_named_and_left_alone(engine: sa.Engine, name: str, kind: str) -> None:
    with engine.begin() as conn:
        conn.exec_driver_sql(f"CREATE {kind.format(name, name.upper())}")
    with engine.begin() as conn, pytest.raises(TargetError, match=name) as caught:
        prepare(conn, "update_")
    assert '[journal] prefix = "vu_"' in caught.value.hint
    with pytest.raises(TargetError, match=name):
        upgrade(engine, "update_")
    with engine.begin() as conn:
        assert [column["name"] for column in sa.inspect(conn).get_columns(name)] == ["id"]
        assert {one.lower() for one in names(conn)} <= {name}
        prepare(conn, "vu_")


@pytest.mark.parametrize("name", ["update_logs", "update_metrics"])
def test_a_foreign_materialized_view_is_named(server: sa.Engine, name: str) -> None:
    with server.begin() as conn:
        conn.exec_driver_sql(f"CREATE MATERIALIZED VIEW {name} AS SELECT 1 AS id")
    with server.begin() as conn, pytest.raises(TargetError, match=name):
        prepare(conn, "update_")
    with pytest.raises(TargetError, match=name):
        upgrade(server, "update_")


@pytest.mark.parametrize(
    "change", ["ALTER TABLE {} DROP COLUMN {}", "ALTER TABLE {} RENAME COLUMN {} TO other", "DROP TABLE {}"]
)
@pytest.mark.parametrize("name", sorted({*tables("update_").metadata.tables} - {"update_version"}))
def test_a_changed_table_is_named(engine: sa.Engine, name: str, change: str) -> None:
    with engine.begin() as conn:
        ours = prepare(conn, "update_")
        *_, column = [one.name for one in ours.metadata.tables[name].c if one.name != "metrics"]
        is_needed = name == "update_logs" and change.startswith("DROP") and engine.dialect.name == "postgresql"
        conn.exec_driver_sql(change.format(name, column) + " CASCADE" * is_needed)
    with engine.begin() as conn, pytest.raises(TargetError, match=name):
        prepare(conn, "update_")


@pytest.mark.parametrize("change", ["", "SELECT 1 AS run_id, 'x' AS name, 2 AS other", "SELECT * FROM gone"])
def test_a_changed_view_is_named(engine: sa.Engine, change: str) -> None:
    with engine.begin() as conn:
        prepare(conn, "update_")
        conn.exec_driver_sql("DROP VIEW update_metrics")
        if "gone" in change:
            conn.exec_driver_sql("CREATE TABLE gone AS SELECT run_id, 'x' AS name, 2 AS value FROM update_logs")
        if change:
            conn.exec_driver_sql(f"CREATE VIEW update_metrics AS {change}")
        if "gone" in change:
            conn.exec_driver_sql("DROP TABLE gone" + " CASCADE" * (engine.dialect.name == "postgresql"))
    with engine.begin() as conn, pytest.raises(TargetError, match="update_metrics"):
        prepare(conn, "update_")


def test_a_version_table_without_a_version_is_refused(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        conn.execute(prepare(conn, "update_").version.delete())
    with engine.begin() as conn, pytest.raises(TargetError, match="update_version"):
        prepare(conn, "update_")


def test_two_first_runs_at_the_same_moment(engine: sa.Engine) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def first_run() -> None:
        try:
            together.wait()
            with engine.begin() as conn:
                prepare(conn, "update_")
        except BaseException as error:  # noqa: BLE001  # shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=first_run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with engine.begin() as conn:
        assert conn.scalars(sa.select(tables("update_").version.c.version_num)).all() == [HEAD]


@pytest.fixture
def server(postgres_url: str) -> Iterator[sa.Engine]:
    """PostgreSQL: on SQLite only one of them is in a transaction that may write."""
    engine = sa.create_engine(postgres_url, connect_args={"options": "-c lock_timeout=10s"})
    yield engine
    engine.dispose()


def asked_for_the_lock(here: threading.Barrier) -> Callable[..., None]:
    first = iter([here])

    def waiting(*args: Any) -> None:
        if "advisory" in args[2] and (barrier := next(first, None)):
            barrier.wait()

    return waiting


def test_those_that_come_second_do_not_wait_for_each_other(server: sa.Engine) -> None:
    with ExitStack() as stack:
        maker, *others = (stack.enter_context(server.connect()) for _ in range(4))
        made = prepare(maker, "update_")
        pool = stack.enter_context(ThreadPoolExecutor())
        here = threading.Barrier(4)
        for one in others:
            sa.event.listen(one, "before_cursor_execute", asked_for_the_lock(here))
        found = [pool.submit(prepare, one, "update_") for one in others]
        here.wait()
        maker.commit()
        assert [one.result() for one in found] == [made] * 3  # while each of them is still in its transaction


def test_tables_that_are_made_while_one_looks_are_no_strangers(server: sa.Engine) -> None:
    looks: list[str] = []

    def make_them(*args: Any) -> None:
        looks.append(args[2])
        if len([sql for sql in looks if "pg_catalog.pg_class" in sql]) == 3:
            with server.begin() as other:
                prepare(other, "update_")

    with server.begin() as conn:
        sa.event.listen(conn, "before_cursor_execute", make_them)
        assert find(conn, "update_") is tables("update_", None)


def test_a_server_that_goes_while_one_looks_is_no_foreign_table(server: sa.Engine) -> None:
    def end_it(*args: Any) -> None:
        if "pg_catalog.pg_class" in args[2]:
            with server.begin() as other:
                other.execute(sa.select(sa.func.pg_terminate_backend(pid)))

    with server.connect() as conn:
        pid = conn.scalar(sa.select(sa.func.pg_backend_pid()))
        sa.event.listen(conn, "before_cursor_execute", end_it)
        with pytest.raises(sa.exc.OperationalError):
            find(conn, "update_")


@pytest.mark.parametrize("prefix", ["", "Update_", "a b", 'x"; DROP TABLE y; --', "1_", "é_", "a" * 32, "vu_\n"])
def test_a_prefix_is_plain(prefix: str) -> None:
    with pytest.raises(UsageError, match="prefix"):
        tables(prefix)


def test_no_name_needs_quotes(engine: sa.Engine) -> None:
    preparer = engine.dialect.identifier_preparer
    for table in (*tables("update_").contents, tables("update_").version):
        for name in (table.name, *table.c.keys()):
            assert preparer.quote(name) == name
