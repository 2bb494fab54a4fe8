"""Columns of unusual types, and those that the database fills itself."""

from __future__ import annotations

from tests.core.engine.target import Target
from tests.core.undo.taking_back import DELETING, taken_back
from validate_updates import Verdict

CELLS = {
    "mood": ("mood", "'sad'"),
    "pair": ("pair", "(1, 'a,b')"),
    "positive": ("positive", "3"),
    "numbers": ("integer[]", "ARRAY[1, NULL, 3]"),
    "words": ("text[]", "ARRAY['a\"b', NULL, '']"),
    "j": ("json", """'{"a" : 1,  "a": 2}'"""),
    "b": ("jsonb", """'{"b": 1.10}'"""),
    "bytes": ("bytea", "'\\x00ff'"),
    "span": ("interval", "'1 mon -3 days 04:05:06.7'"),
    "range": ("int4range", "'[1,5)'"),
    "moment": ("timestamptz", "'2024-03-31 01:30:00.123456+02'"),
    "day": ("date", "'2024-03-04'"),
    "clock": ("time", "'23:59:59.5'"),
    "money": ("money", "12.34"),
    "bits": ("bit varying(9)", "B'101'"),
    "net": ("inet", "'10.0.0.1/8'"),
    "point": ("point", "'(1.5,-2)'"),
    "single": ("real", "1e-7"),
    "double": ("double precision", "0.30000000000000004"),
    "number": ("numeric", "'NaN'"),
    "small": ("numeric(5,1)", "1.5"),
    "code": ("char(4)", "'ab'"),
    "ts": ("tsvector", "'the fat cat'"),
    "flag": ("boolean", "true"),
    '"per%cent"': ("text", "'x'"),
    '"Quo""te"': ("text", "'y'"),
    "c": ('text COLLATE "C"', "'é'"),
}


def test_every_type_of_postgresql_comes_back(postgres: Target) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in CELLS.items())
    values = ", ".join(value for _, value in CELLS.values())
    postgres.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE TYPE pair AS (a integer, b text)",
        "CREATE DOMAIN positive AS integer NOT NULL DEFAULT 5 CHECK (VALUE > 0)",
        "CREATE TABLE t (id integer PRIMARY KEY, x integer, no bigint GENERATED ALWAYS AS IDENTITY,"
        f" twice integer GENERATED ALWAYS AS (x * 2) STORED, {columns})",
        *(f"INSERT INTO t VALUES ({number}, {number}, DEFAULT, DEFAULT, {values})" for number in (1, 2, 3)),
        "INSERT INTO t (id, x, double, single) VALUES (4, NULL, 'Infinity', '-0')",
    )
    before = texts(postgres)
    name = postgres.rows("SELECT current_database()")[0][0]
    postgres.execute(f"ALTER DATABASE {name} SET extra_float_digits = 0")
    records = [{"id": 1, "x": 7}, {"id": 4, "x": 8, "j": {"k": [1]}, "mood": "ok"}, {"id": 9, "x": 1}]
    result = postgres.update(records, deletes=DELETING)
    assert (result.verdict, result.counts.deleted) == (Verdict.COMMITTED, 2), result.reason
    for setting in ("IntervalStyle = 'sql_standard'", "DateStyle = 'ISO, DMY'", "TimeZone = 'Asia/Tokyo'"):
        postgres.execute(f"ALTER DATABASE {name} SET {setting}")

    back = taken_back(postgres)

    assert (back.conflicts, back.altered) == (0, 0)
    postgres.execute(f"ALTER DATABASE {name} RESET ALL")
    assert texts(postgres) == before


def texts(target: Target) -> list[str]:
    return [text for (text,) in target.rows("SELECT t::text FROM t ORDER BY id")]


def test_a_schema_of_its_own(postgres: Target) -> None:
    postgres.execute(
        'CREATE SCHEMA "my.own"',
        'CREATE TABLE "my.own".t (id integer PRIMARY KEY, name text)',
        'CREATE TABLE "my.own".part (id integer PRIMARY KEY, t integer REFERENCES "my.own".t ON DELETE CASCADE)',
        "CREATE TABLE t (id integer PRIMARY KEY, name text)",
        "INSERT INTO \"my.own\".t VALUES (1, 'one'), (2, 'two')",
        'INSERT INTO "my.own".part VALUES (1, 2)',
    )
    postgres.update([{"id": 1, "name": "uno"}], schema="my.own", deletes=DELETING)
    assert postgres.rows('SELECT * FROM "my.own".part') == []

    assert taken_back(postgres, schema="my.own").reinserted == 2

    assert postgres.rows('SELECT * FROM "my.own".t ORDER BY id') == [(1, "one"), (2, "two")]
    assert postgres.rows('SELECT * FROM "my.own".part') == [(1, 2)]


def test_columns_that_sqlite_computes(sqlite: Target) -> None:
    sqlite.execute(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER, twice INTEGER AS (x * 2) STORED,"
        " also TEXT AS (json_object('x', x)) VIRTUAL)"
    )
    sqlite.execute("INSERT INTO t (id, x) VALUES (1, 1), (2, 2)")
    before = sqlite.dump()
    assert sqlite.update([{"id": 1, "x": 5}, {"id": 3, "x": 6}], deletes=DELETING).verdict is Verdict.COMMITTED

    assert taken_back(sqlite).conflicts == 0

    assert sqlite.dump() == before


def test_keys_that_differ_by_case_alone(sqlite: Target) -> None:
    sqlite.execute("CREATE TABLE t (k TEXT COLLATE NOCASE, name TEXT COLLATE NOCASE)")
    sqlite.execute("CREATE UNIQUE INDEX keys ON t (k COLLATE BINARY)")
    sqlite.insert("t", [("a", "x"), ("A", "y"), ("b", "z")])
    before = sqlite.dump()
    records = [{"k": "a", "name": "X"}, {"k": "A", "name": "Y"}, {"k": "B", "name": "new"}]
    assert sqlite.update(records, key="k", deletes=DELETING).counts.updated == 2

    assert taken_back(sqlite).conflicts == 0

    assert sqlite.dump() == before


def test_a_key_without_case(sqlite: Target) -> None:
    sqlite.execute("CREATE TABLE t (k TEXT PRIMARY KEY COLLATE NOCASE, name TEXT) WITHOUT ROWID")
    sqlite.insert("t", [("a", "x"), ("b", "y")])
    before = sqlite.dump()
    assert sqlite.update([{"k": "A", "name": "X"}, {"k": "c", "name": "Y"}], deletes=DELETING).counts.updated == 1

    assert taken_back(sqlite).conflicts == 0

    assert sqlite.dump() == before
