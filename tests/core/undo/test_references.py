"""Foreign keys: what a deletion takes along comes back with it, whatever tables refer to whatever rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.core.engine.target import Target
from tests.core.undo.taking_back import DELETING, taken_back
from validate_updates import Verdict

one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_rows_that_hang_on_a_deleted_one_come_back_with_it(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text)",
        "CREATE TABLE part (id integer PRIMARY KEY, t integer REFERENCES t ON DELETE CASCADE, name text)",
        "CREATE TABLE note (id integer PRIMARY KEY, part integer REFERENCES part ON DELETE CASCADE, name text)",
        "CREATE TABLE hint (id integer PRIMARY KEY, t integer REFERENCES t ON DELETE SET NULL, name text)",
        "CREATE TABLE mark (id integer PRIMARY KEY, t integer DEFAULT 1 REFERENCES t ON DELETE SET DEFAULT)",
    )
    target.insert("t", [(1, "one"), (2, "two"), (3, "three")])
    target.insert("part", [(1, 2, "a"), (2, 2, "b"), (3, 1, "c")])
    target.insert("note", [(1, 1, "x"), (2, 3, "y")])
    target.insert("hint", [(1, 2, "h"), (2, 1, "i"), (3, 3, "j")])
    target.insert("mark", [(1, 2), (2, 1), (3, 3)])
    before = target.dump()
    assert target.update([{"id": 1, "name": "uno"}], deletes=DELETING).verdict is Verdict.COMMITTED
    assert target.rows("SELECT id FROM part") == [(3,)]
    assert target.rows("SELECT id, t FROM hint ORDER BY id") == [(1, None), (2, 1), (3, None)]
    assert target.rows("SELECT t FROM mark ORDER BY id") == [(1,), (1,), (1,)]

    result = taken_back(target)

    assert target.dump() == before
    assert (result.conflicts, result.altered) == (0, 0)
    assert (result.restored, result.reinserted) == (5, 5)
    assert target.rows("SELECT * FROM update_undo") == []


def test_a_row_of_another_table_that_was_changed_since_is_left_alone(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY)",
        "CREATE TABLE hint (id integer PRIMARY KEY, t integer REFERENCES t ON DELETE SET NULL, name text)",
    )
    target.insert("t", [(1,), (2,)])
    target.insert("hint", [(1, 2, "h"), (2, 2, "i")])
    target.update([{"id": 1}], deletes=DELETING)
    target.execute("UPDATE hint SET name = 'by hand' WHERE id = 2")

    result = taken_back(target)

    assert target.rows("SELECT * FROM hint ORDER BY id") == [(1, 2, "h"), (2, None, "by hand")]
    assert [(one.table, one.key) for one in result.samples] == [("hint", "id=2")]


@pytest.mark.parametrize("action", ["NO ACTION", "CASCADE", "SET NULL"])
def test_a_table_that_refers_to_itself(target: Target, action: str) -> None:
    target.execute(f"CREATE TABLE t (id integer PRIMARY KEY, name text, boss integer REFERENCES t ON DELETE {action})")
    target.insert("t", [(1, "a", None), (2, "b", 1), (3, "c", 2), (4, "d", 1), (5, "e", 5)])
    before = target.dump()
    records = [{"id": 1, "name": "A"}, {"id": 5, "boss": None}, {"id": 9, "name": "new", "boss": 1}]
    if action == "SET NULL":
        records.append({"id": 3, "name": "C"})
    assert target.update(records, deletes=DELETING).verdict is Verdict.COMMITTED

    result = taken_back(target)

    assert target.dump() == before
    assert (result.conflicts, result.altered) == (0, 0)


Rows = list[tuple[Any, ...]]
ids = st.integers(1, 6)


@one_database
@given(
    action=st.sampled_from(["NO ACTION", "CASCADE", "SET NULL"]),
    own=st.sampled_from(["NO ACTION", "CASCADE", "SET NULL"]),
    rows=st.dictionaries(ids, st.tuples(st.integers(0, 3), ids | st.none()), max_size=6),
    children=st.dictionaries(ids, st.tuples(ids | st.none(), ids | st.none()), max_size=6),
    records=st.dictionaries(
        ids, st.fixed_dictionaries({}, optional={"n": st.integers(0, 3), "boss": ids | st.none()}), min_size=1
    ),
)
def test_any_update_of_tables_that_refer_to_each_other_can_be_taken_back(
    target: Target,
    *,
    action: str,
    own: str,
    rows: dict[int, tuple[int, int | None]],
    children: dict[int, tuple[int | None, int | None]],
    records: dict[int, dict[str, Any]],
) -> None:
    target.execute(
        "DROP TABLE IF EXISTS child",
        "DROP TABLE IF EXISTS t",
        f"CREATE TABLE t (id integer PRIMARY KEY, n integer, boss integer REFERENCES t ON DELETE {own})",
        f"CREATE TABLE child (id integer PRIMARY KEY, a integer REFERENCES t ON DELETE {action},"
        " b integer REFERENCES t ON DELETE SET NULL)",
    )
    target.insert("t", [(key, n, None) for key, (n, _) in rows.items()])
    target.execute(
        *(f"UPDATE t SET boss = {boss} WHERE id = {key}" for key, (_, boss) in rows.items() if boss in rows),
        *(
            f"INSERT INTO child VALUES ({key}, {a if a in rows else 'NULL'}, {b if b in rows else 'NULL'})"
            for key, (a, b) in children.items()
        ),
    )
    before = target.dump()
    source = [{"id": key, **record} for key, record in records.items()]
    result = target.update(source, deletes=DELETING)
    assume(result.verdict is Verdict.COMMITTED)
    assume(result.counts.inserted + result.counts.updated + result.counts.deleted)

    back = taken_back(target)

    assert target.dump() == before
    assert (back.conflicts, back.altered) == (0, 0)
