"""Tables of PostgreSQL: every value comes back, and nothing beyond the tables is touched."""

from __future__ import annotations

import psycopg
import pytest

from tests.core.backups.conftest import ROWS, Saved
from validate_updates.errors import TargetError, UpdateError

EVERY_TYPE = """
CREATE TABLE odd (
  "a%b" integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  "c""d" text DEFAULT E'tab\\tline\\nreturn\\rback\\\\slash \\\\N ünï \U0001f600',
  "select" json DEFAULT '{"b": 1, "a": [1, 2]}',
  j jsonb DEFAULT '{"b": 1, "a": null}',
  n numeric DEFAULT 1.10,
  f double precision DEFAULT 0.1 + 0.2,
  nan double precision DEFAULT 'NaN',
  b bytea DEFAULT '\\x00ff0a09',
  d date DEFAULT '0044-03-15 BC',
  ts timestamptz DEFAULT '2024-02-29 23:59:59.123456+05:30',
  iv interval DEFAULT '1 year -2 days 03:04:05.6',
  arr text[] DEFAULT ARRAY['a,b', NULL, '"', '{}'],
  p point DEFAULT '(1.5,-2)',
  r regclass DEFAULT 'pg_class',
  m money DEFAULT '12.34',
  c text COLLATE "C" DEFAULT 'MiXed',
  nothing text,
  computed integer GENERATED ALWAYS AS (1 + 1) STORED
)
"""


def table(saved: Saved, *statements: str) -> None:
    saved.target.execute("DROP TABLE t", *statements)


def dump(saved: Saved, name: str) -> list[str]:
    """Each row as the server writes it."""
    return sorted(row for (row,) in saved.target.rows(f"SELECT x::text FROM {name} x"))


def test_every_type_comes_back_exactly(postgres: Saved) -> None:
    table(
        postgres,
        EVERY_TYPE,
        "INSERT INTO odd (nothing) VALUES ('1'), (NULL), (''), (E'\\\\.')",
    )
    before = dump(postgres, "odd")
    postgres.create()
    postgres.target.execute(
        'UPDATE odd SET n = 1.1, c = \'mixed\', "select" = \'{"a":[1,2],"b":1}\' WHERE "a%b" = 1',
        'DELETE FROM odd WHERE "a%b" > 2',
        "INSERT INTO odd (nothing) VALUES ('new')",
    )
    assert dump(postgres, "odd") != before

    postgres.restore()

    assert dump(postgres, "odd") == before
    assert postgres.target.rows('INSERT INTO odd DEFAULT VALUES RETURNING "a%b"') == [(6,)], (
        "numbers are not given again"
    )


def test_the_settings_of_the_user_change_nothing(postgres: Saved) -> None:
    user = "ALTER DATABASE {} SET {}"
    [(name,)] = postgres.target.rows("SELECT current_database()")
    table(postgres, "CREATE TABLE odd (id int PRIMARY KEY, d date, i interval, f double precision, b bytea)")
    postgres.target.execute("INSERT INTO odd VALUES (1, '2024-02-01', '1 mon -1 day', 0.30000000000000004, '\\x00')")
    before = dump(postgres, "odd")
    made = postgres.create()
    for setting in ("datestyle = 'SQL, DMY'", "intervalstyle = 'sql_standard'", "extra_float_digits = -5"):
        postgres.target.execute(user.format(f'"{name}"', setting))
    other = postgres.create()
    files = [(postgres.folder / f"{one.name}.1.copy").read_bytes() for one in (made, other)]
    assert files[0] == files[1]
    postgres.target.execute("DELETE FROM odd")

    postgres.restore(made.name)

    for setting in ("datestyle", "intervalstyle", "extra_float_digits"):
        postgres.target.execute(f'ALTER DATABASE "{name}" RESET {setting}')
    assert dump(postgres, "odd") == before


def test_rows_may_change_places_under_a_unique_constraint(postgres: Saved) -> None:
    table(postgres, "CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE, amount int)")
    postgres.target.execute("INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 0)")
    before = postgres.rows()
    postgres.create()
    postgres.target.execute("DELETE FROM t", "INSERT INTO t VALUES (1, 'b', 0), (2, 'a', 0)")

    postgres.restore()

    assert postgres.rows() == before


def test_a_table_without_a_primary_key_comes_back_with_its_duplicates(postgres: Saved) -> None:
    table(postgres, "CREATE TABLE t (id int, name text, amount int)")
    postgres.target.execute("INSERT INTO t VALUES (1, 'a', NULL), (1, 'a', NULL), (NULL, NULL, NULL)")
    before = dump(postgres, "t")
    postgres.create()
    postgres.target.execute("DELETE FROM t WHERE ctid = '(0,1)'", "INSERT INTO t VALUES (5, 'x', 0)")

    postgres.restore()

    assert dump(postgres, "t") == before


def test_tables_that_refer_to_each_other_come_back_together(postgres: Saved) -> None:
    table(
        postgres,
        "CREATE TABLE z_parent (id int PRIMARY KEY, boss int REFERENCES z_parent)",
        "CREATE TABLE a_child (id int PRIMARY KEY, parent int NOT NULL REFERENCES z_parent)",
        "INSERT INTO z_parent VALUES (1, NULL), (2, 1), (3, 2)",
        "INSERT INTO a_child SELECT n, n % 3 + 1 FROM generate_series(1, 20) n",
    )
    before = [dump(postgres, name) for name in ("z_parent", "a_child")]
    made = postgres.create()
    assert [name for name, _ in made.tables] == ["public.a_child", "public.z_parent"]
    postgres.target.execute("DELETE FROM a_child", "DELETE FROM z_parent", "INSERT INTO z_parent VALUES (9, NULL)",
                            "INSERT INTO a_child VALUES (1, 9)")  # fmt: skip

    postgres.restore()

    assert [dump(postgres, name) for name in ("z_parent", "a_child")] == before


def only_t(saved: Saved) -> str:
    """The name of a backup of ``t`` alone."""
    return saved.create(tables=["t"]).name


def test_rows_that_others_refer_to_are_changed_in_place(postgres: Saved) -> None:
    postgres.target.execute(
        "CREATE TABLE outside (t int REFERENCES t ON DELETE CASCADE)", "INSERT INTO outside SELECT id FROM t"
    )
    name = only_t(postgres)
    postgres.target.execute("UPDATE t SET name = 'spoilt'")

    postgres.restore(name)

    assert postgres.rows() == ROWS
    assert postgres.target.rows("SELECT count(*) FROM outside") == [(len(ROWS),)]


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_restore_that_would_reach_other_tables_is_taken_back(postgres: Saved, action: str) -> None:
    name = only_t(postgres)
    postgres.target.execute(
        f"CREATE TABLE outside (t int DEFAULT 1 REFERENCES t ON DELETE {action})",
        "INSERT INTO t VALUES (1000, 'new', 0)",
        "INSERT INTO outside VALUES (1000), (1000), (5)",
        "UPDATE t SET name = 'spoilt' WHERE id = 7",
    )
    before = postgres.target.dump()

    with pytest.raises(TargetError, match=r"other tables, public\.outside \(2 rows\)"):
        postgres.restore(name)

    assert postgres.target.dump() == before


def test_rows_that_others_need_cannot_be_taken_away(postgres: Saved) -> None:
    name = only_t(postgres)
    postgres.target.execute(
        "CREATE TABLE outside (t int CONSTRAINT needed REFERENCES t)",
        "INSERT INTO t VALUES (1000, 'new', 0)",
        "INSERT INTO outside VALUES (1000)",
    )
    before = postgres.target.dump()

    with pytest.raises(TargetError, match="foreign key needed"):
        postgres.restore(name)

    assert postgres.target.dump() == before


def test_triggers_do_not_fire_and_are_as_they_were(postgres: Saved) -> None:
    postgres.create()
    postgres.spoil()
    postgres.target.watch()
    postgres.target.execute(
        "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.name := 'meddled'; RETURN NEW; END $$",
        "CREATE TRIGGER always BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION meddle()",
        "ALTER TABLE t ENABLE ALWAYS TRIGGER always",
        "CREATE TRIGGER off BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION meddle()",
        "ALTER TABLE t DISABLE TRIGGER off",
    )

    postgres.restore()

    assert postgres.rows() == ROWS
    assert postgres.target.written() == []
    states = "SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    assert postgres.target.rows(states) == [("always", "A"), ("off", "D"), ("watch", "O")]


def test_what_would_not_be_as_it_was_is_taken_back(postgres: Saved) -> None:
    postgres.create()
    postgres.spoil()
    before = postgres.rows()
    postgres.target.execute("CREATE RULE keep AS ON INSERT TO t WHERE NEW.id > 190 DO INSTEAD NOTHING")

    with pytest.raises(TargetError, match=r"9 rows of public\.t would not be what they were"):
        postgres.restore()

    assert postgres.rows() == before


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE t ADD COLUMN more int", "ALTER TABLE t DROP COLUMN amount", "ALTER TABLE t RENAME name TO title",
     "ALTER TABLE t ALTER amount TYPE bigint"],
)  # fmt: skip
def test_a_table_with_other_columns_is_left_alone(postgres: Saved, change: str) -> None:
    postgres.create()
    postgres.target.execute(change)
    before = postgres.target.dump()

    with pytest.raises(TargetError, match="other columns now"):
        postgres.restore()

    assert postgres.target.dump() == before


def test_a_partitioned_table_is_copied_whole(postgres: Saved) -> None:
    table(
        postgres,
        "CREATE TABLE t (id int PRIMARY KEY, name text, amount int) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE high PARTITION OF t FOR VALUES FROM (100) TO (1000)",
        f"INSERT INTO t VALUES {', '.join(map(str, ROWS))}",
    )
    made = postgres.create()
    assert made.tables == (("public.t", len(ROWS)),)
    postgres.target.execute("DELETE FROM low WHERE id < 20", "UPDATE t SET id = 500 WHERE id = 50")

    postgres.restore()

    assert postgres.rows() == ROWS


def test_a_table_with_children_has_no_backup(postgres: Saved) -> None:
    postgres.target.execute("CREATE TABLE child () INHERITS (t)")
    with pytest.raises(TargetError, match="child tables"):
        postgres.create()


def test_rows_that_the_user_may_not_see_are_not_left_out_silently(postgres: Saved) -> None:
    postgres.target.execute(
        "CREATE ROLE vu_half_blind", "GRANT SELECT ON t TO vu_half_blind", "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY few ON t USING (id < 5)",
    )  # fmt: skip
    url = f"{postgres.target.url}&options=-c%20role%3Dvu_half_blind"
    try:
        half_blind = Saved.__new__(Saved)
        half_blind.url = type(postgres.url)(url)
        half_blind.policy = postgres.policy
        with pytest.raises(UpdateError, match="permission denied"):
            half_blind.create()
    finally:
        postgres.target.execute("DROP OWNED BY vu_half_blind", "DROP ROLE vu_half_blind")
    assert list(postgres.folder.iterdir()) == []


def test_one_moment_for_all_tables(postgres: Saved) -> None:
    """Rows that come while the backup is made are in none of its tables."""
    postgres.target.execute("CREATE TABLE u (LIKE t)", "INSERT INTO u SELECT * FROM t")
    made = postgres.create()
    with psycopg.connect(postgres.target.url) as open_one:
        open_one.execute("DELETE FROM u")
        assert postgres.create().tables == made.tables, "what is not committed is not there"


def test_another_schema(postgres: Saved) -> None:
    postgres.target.execute('CREATE SCHEMA "ODD one"', 'CREATE TABLE "ODD one".t (LIKE t INCLUDING ALL)',
                            'INSERT INTO "ODD one".t VALUES (1, \'x\', 2)')  # fmt: skip
    from datetime import UTC, datetime

    from validate_updates.backups import create, restore

    options = {"journal_prefix": "update_", "schema": "ODD one", "wait": 0.0, "now": datetime.now(UTC)}
    made, _ = create(postgres.policy, postgres.url, **options)  # type: ignore[arg-type]  # of mixed types
    assert made.tables == (("ODD one.t", 1),)
    postgres.target.execute('DELETE FROM "ODD one".t')

    restore(postgres.policy, postgres.url, "last", **options)  # type: ignore[arg-type]  # of mixed types

    assert postgres.target.rows('SELECT id FROM "ODD one".t') == [(1,)]
    assert postgres.target.rows('SELECT count(*) FROM "ODD one".update_logs') == [(1,)]
    assert postgres.rows() == ROWS
