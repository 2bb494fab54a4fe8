"""Where a database may make something else of a row than what was written, the rows are recounted by key."""

from __future__ import annotations

import pytest

from tests.core.engine.target import Target
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database
from validate_updates.targets.reflect import target_table

PLAIN = (
    "CREATE TABLE other (id integer PRIMARY KEY)",
    "CREATE TABLE t (id integer PRIMARY KEY, other integer REFERENCES other, name text UNIQUE CHECK (name <> 'x'))",
    "CREATE INDEX t_other ON t (other)",
    "CREATE TABLE third (t integer REFERENCES t ON DELETE CASCADE)",
)
CASCADING = (PLAIN[0], "CREATE TABLE t (id integer PRIMARY KEY, other integer REFERENCES other ON DELETE SET NULL)")
FUNCTION = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"


def may_divert(target: Target) -> bool:
    database = open_database(SecretUrl(target.url))
    with database.connect() as connection, database.transaction(connection, write=False):
        table = target_table(database, connection, "t", schema=None, key=("id",))
        return database.may_divert_writes(connection, table)


def test_a_plain_table_diverts_nothing(target: Target) -> None:
    target.execute(*PLAIN)

    assert not may_divert(target)


def test_a_trigger_on_another_table_is_of_no_concern(target: Target) -> None:
    target.execute(*PLAIN, "CREATE TABLE written (action text)")
    target.watch("other")

    assert not may_divert(target)


def test_triggers_and_cascades_may(target: Target) -> None:
    target.execute(*CASCADING)
    assert may_divert(target)

    target.execute("DROP TABLE t", "CREATE TABLE t (id integer PRIMARY KEY)")
    assert not may_divert(target)
    target.watch()
    assert may_divert(target)


@pytest.mark.parametrize(
    "odd",
    [
        "CREATE TABLE child () INHERITS (t)",
        "CREATE RULE odd AS ON INSERT TO t DO INSTEAD NOTHING",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE TRIGGER odd BEFORE INSERT ON t EXECUTE FUNCTION nothing()",
    ],
)
def test_so_may_what_only_postgresql_has(postgres: Target, odd: str) -> None:
    postgres.execute("CREATE TABLE t (id integer PRIMARY KEY)", FUNCTION)
    assert not may_divert(postgres)

    postgres.execute(odd)

    assert may_divert(postgres)


def test_so_may_a_table_in_parts(postgres: Target) -> None:
    postgres.execute(
        "CREATE TABLE t (id integer PRIMARY KEY) PARTITION BY RANGE (id)", "CREATE TABLE part PARTITION OF t DEFAULT"
    )

    assert may_divert(postgres)


@pytest.mark.parametrize("rule", ["IGNORE", "REPLACE"])
def test_so_may_another_rule_for_conflicts(sqlite: Target, rule: str) -> None:
    sqlite.execute(f"CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE ON  Conflict {rule})")

    assert may_divert(sqlite)
