"""The numbers of the log's entries: a run's stand together, and SQLite counts them while they come last."""

from __future__ import annotations

import pytest

from tests.core.engine.target import Target
from tests.core.undo.taking_back import taken_back

PER_RUN = 1 << 40
ROWS = (
    f"SELECT entry_no - run_no * {PER_RUN}, action FROM update_undo JOIN update_logs ON run_no = entry_no / {PER_RUN}"
)


@pytest.fixture
def table(target: Target) -> Target:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    return target


def test_the_layout_comes_before_the_changes(table: Target) -> None:
    runs = [
        table.update([{"id": 1, "name": name}, {"id": number, "name": name}]) for number, name in ((3, "c"), (4, "d"))
    ]

    for run in runs:
        found = table.rows(f"{ROWS} WHERE run_id = '{run.run_id}' ORDER BY entry_no")
        assert [action for _, action in found] == ["L", "U", "I"]
        assert found[0][0] < 4096 <= found[1][0]


def test_sqlite_counts_the_changes_one_by_one(sqlite: Target) -> None:
    sqlite.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')")

    sqlite.update([{"id": number, "name": "x"} for number in range(1, 6)])

    assert sqlite.rows(f"{ROWS} WHERE action <> 'L' ORDER BY entry_no") == [
        *((number, "U") for number in (4096, 4097)),
        *((number, "I") for number in (4098, 4099, 4100)),
    ]


def test_a_run_stays_with_its_own_numbers_where_others_are_beyond(table: Target) -> None:
    before = table.dump()
    first = table.update([{"id": 9, "name": "i"}])
    taken_back(table, first.run_id)
    columns = "entry_no, batch_no, table_name, action"
    table.execute(f"INSERT INTO update_undo ({columns}) VALUES ({99 * PER_RUN}, 1, 't', 'D')")

    run = table.update([{"id": 1, "name": "x"}, {"id": 2, "name": "y"}, {"id": 3, "name": "z"}])

    found = table.rows(f"{ROWS} WHERE run_id = '{run.run_id}' ORDER BY entry_no")
    assert [action for _, action in found] == ["L", "U", "U", "I"]
    assert taken_back(table, run.run_id).restored == 2
    assert table.dump() == before
