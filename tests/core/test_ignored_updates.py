"""A database may leave an update out without an error; the counts must not claim it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

import validate_updates
from validate_updates import Verdict

RECORDS = [{"id": 1, "x": "new"}, {"id": 2, "x": "new"}, {"id": 3, "x": "new"}]
ON_SQLITE = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);
    INSERT INTO t VALUES (1, 'old'), (2, 'old');
    CREATE TRIGGER silent BEFORE UPDATE ON t WHEN old.id = 2 BEGIN SELECT raise(IGNORE); END;
"""
ON_POSTGRES = """
    CREATE TABLE t (id int PRIMARY KEY, x text);
    INSERT INTO t VALUES (1, 'old'), (2, 'old');
    CREATE FUNCTION silent() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN IF old.id = 2 THEN RETURN NULL; END IF; RETURN new; END$$;
    CREATE TRIGGER silent BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION silent();
"""


def assert_refused(url: str) -> None:
    result = validate_updates.run(RECORDS, target=url, table="t", plugins=())
    assert result.verdict is Verdict.REJECTED
    assert [(one.code, one.key) for one in result.findings] == [("rows_not_landed", "id=2")]
    assert (result.counts.rolled_back, result.counts.updated) == (3, 0)


def test_an_update_that_a_trigger_ignores_is_refused_on_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(ON_SQLITE)
    assert_refused(f"sqlite:///{path}")


def test_an_update_that_a_constraint_ignores_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            """CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE ON CONFLICT IGNORE);
            INSERT INTO t VALUES (1, 'old'), (2, 'older'), (9, 'taken')"""
        )
    records = [{"id": 1, "x": "new"}, {"id": 2, "x": "taken"}]
    result = validate_updates.run(records, target=f"sqlite:///{path}", table="t", plugins=())
    assert (result.verdict, [one.key for one in result.findings]) == (Verdict.REJECTED, ["id=2"])


def test_an_update_that_a_trigger_ignores_is_refused_on_postgresql(postgres_url: str) -> None:
    engine = sa.create_engine(sa.make_url(postgres_url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(ON_POSTGRES)
    assert_refused(postgres_url)
