"""Rows that are no longer what the run left are named and left alone; with force they are taken back too."""

from __future__ import annotations

import pytest

from tests.core.engine.target import Target
from tests.core.undo.taking_back import DELETING, taken_back
from validate_updates import Verdict
from validate_updates.journal.rows import RunState
from validate_updates.undo.result import Reason

BEFORE = [(1, "one", 1), (2, "two", 2), (3, "three", 3)]
RECORDS = [{"id": 1, "name": "uno", "n": 1}, {"id": 2, "name": "due"}, {"id": 4, "name": "quattro"}]


@pytest.fixture
def updated(target: Target) -> Target:
    """Rows 1 and 2 were changed, 3 was deleted, 4 was added."""
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text, n integer DEFAULT 7)")
    target.insert("t", BEFORE)
    assert target.update(RECORDS, deletes=DELETING).verdict is Verdict.COMMITTED
    return target


def rows(target: Target) -> list[tuple[object, ...]]:
    return target.rows("SELECT id, name, n FROM t ORDER BY id")


def test_what_others_changed_is_left_alone_and_told(updated: Target) -> None:
    run = updated.story().run.run_id
    updated.execute("UPDATE t SET name = 'by hand' WHERE id = 2", "UPDATE t SET n = 8 WHERE id = 4")

    result = taken_back(updated)

    assert rows(updated) == [(1, "one", 1), (2, "by hand", 2), (3, "three", 3), (4, "quattro", 8)]
    assert (result.restored, result.reinserted, result.deleted, result.conflicts) == (1, 1, 0, 2)
    told = {one.key: (one.reason, [(cell.column, cell.old, cell.new) for cell in one.cells]) for one in result.samples}
    assert told == {
        "id=2": (Reason.CHANGED, [("name", "due", "by hand")]),
        "id=4": (Reason.CHANGED, [("n", "7", "8")]),
    }
    assert result.exit_code == 5
    story = updated.story()
    assert story.run.state is RunState.COMMITTED_WITH_QUARANTINE
    assert [(finding.code, finding.key) for finding in story.findings] == [
        ("rollback_conflict", "id=4"),
        ("rollback_conflict", "id=2"),
    ]
    assert updated.story(run).run.state is RunState.ROLLED_BACK
    assert updated.story(run).run.note == f"taken back by run {result.run_id}, but for 2 rows"


def test_what_was_deleted_or_added_again_is_left_alone(updated: Target) -> None:
    updated.execute("DELETE FROM t WHERE id IN (1, 4)", "INSERT INTO t VALUES (3, 'another', 0)")

    result = taken_back(updated)

    assert rows(updated) == [(2, "two", 2), (3, "another", 0)]
    assert (result.restored, result.already, result.conflicts) == (1, 1, 2)  # 4 is gone already, as it was before
    assert {one.key: one.reason for one in result.samples} == {"id=1": Reason.GONE, "id=3": Reason.THERE_AGAIN}


@pytest.mark.parametrize("at_once", [True, False])
def test_force_takes_back_everything(updated: Target, *, at_once: bool) -> None:
    run = updated.story().run.run_id
    updated.execute(
        "UPDATE t SET name = 'by hand', n = 0 WHERE id IN (2, 4)",
        "DELETE FROM t WHERE id = 1",
        "INSERT INTO t VALUES (3, 'another', 0)",
    )
    if not at_once:
        assert taken_back(updated).conflicts == 4
        assert rows(updated) != BEFORE

    result = taken_back(updated, run, force=True)

    assert rows(updated) == BEFORE
    assert (result.restored, result.deleted, result.reinserted, result.conflicts) == (2, 1, 1, 0)
    assert updated.story(run).run.state is RunState.ROLLED_BACK
    assert updated.rows("SELECT * FROM update_undo") == []


def test_rows_as_before_already_are_no_conflict(updated: Target) -> None:
    updated.execute(
        "UPDATE t SET name = 'one' WHERE id = 1", "INSERT INTO t VALUES (3, 'three', 3)", "DELETE FROM t WHERE id = 4"
    )

    result = taken_back(updated)

    assert rows(updated) == BEFORE
    assert (result.restored, result.already, result.conflicts) == (1, 3, 0)


def test_a_dry_run_tells_the_same_and_writes_nothing(updated: Target) -> None:
    updated.execute("UPDATE t SET name = 'by hand' WHERE id = 2")
    before = {name: updated.rows(f"SELECT * FROM {name}") for name in updated.all_tables()}

    foreseen = taken_back(updated, dry_run=True)

    assert {name: updated.rows(f"SELECT * FROM {name}") for name in updated.all_tables()} == before
    result = taken_back(updated)
    assert foreseen.run_id is None
    assert (foreseen.restored, foreseen.deleted, foreseen.conflicts) == (1, 1, 1)
    assert (result.restored, result.deleted, result.conflicts) == (1, 1, 1)
    assert foreseen.samples == result.samples


def test_runs_are_taken_back_one_after_the_other(updated: Target) -> None:
    first = updated.story().run.run_id
    between = rows(updated)
    updated.update([{"id": 1, "name": "eins"}, {"id": 5, "name": "fünf"}])
    second = updated.story().run.run_id

    assert taken_back(updated, first, dry_run=True).conflicts == 1
    assert taken_back(updated, second).conflicts == 0
    assert rows(updated) == between
    assert taken_back(updated, first).conflicts == 0
    assert rows(updated) == BEFORE
    assert updated.states() == ["rolled back", "rolled back", "committed", "committed"]


def test_a_row_that_others_refer_to_stays(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text)",
        "CREATE TABLE child (id integer PRIMARY KEY, t integer REFERENCES t)",
    )
    target.update([{"id": number, "name": "new"} for number in range(1, 8)])
    run = target.story().run.run_id
    target.execute("INSERT INTO child VALUES (1, 3), (2, 6)")

    result = taken_back(target)

    assert target.rows("SELECT id FROM t ORDER BY id") == [(3,), (6,)]
    assert (result.deleted, result.conflicts, result.forceable) == (5, 2, 0)
    assert {(one.key, one.reason) for one in result.samples} == {("id=3", Reason.REFUSED), ("id=6", Reason.REFUSED)}
    assert {one.detail for one in result.samples} == {"other rows refer to it"}
    target.execute("DELETE FROM child")
    assert taken_back(target, run).deleted == 2
    assert target.rows("SELECT * FROM t") == []


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_rows_that_would_go_with_a_row_keep_it(target: Target, action: str) -> None:
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text, above integer REFERENCES t ON DELETE CASCADE)",
        f"CREATE TABLE child (id integer PRIMARY KEY, t integer REFERENCES t ON DELETE {action})",
    )
    target.update([{"id": number, "name": "new", "above": number - 1 or None} for number in range(1, 8)])
    run = target.story().run.run_id
    target.execute("INSERT INTO child VALUES (1, 3)")

    result = taken_back(target)

    assert target.rows("SELECT id FROM t ORDER BY id") == [(1,), (2,), (3,)]
    assert target.rows("SELECT * FROM child") == [(1, 3)]
    assert (result.deleted, result.conflicts, result.forceable) == (4, 3, 3)
    assert {(one.key, one.reason) for one in result.samples} == {(f"id={n}", Reason.REFERRED_TO) for n in (1, 2, 3)}
    assert "is referred to by rows that came later" in target.story().findings[0].message
    assert taken_back(target, run, force=True).deleted == 3
    assert target.rows("SELECT * FROM t") == []
    assert target.rows("SELECT * FROM child") == ([] if action == "CASCADE" else [(1, None)])


def test_rows_that_would_go_with_a_row_are_no_hindrance_once_they_are_gone(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text)",
        "CREATE TABLE child (id integer PRIMARY KEY, t integer REFERENCES t ON DELETE CASCADE)",
    )
    target.update([{"id": 1, "name": "new"}])
    run = target.story().run.run_id
    target.execute("INSERT INTO child VALUES (1, 1)")
    assert taken_back(target).conflicts == 1
    target.execute("DELETE FROM child")

    assert taken_back(target, run).deleted == 1
    assert target.rows("SELECT * FROM t") == []


def test_when_nothing_can_be_taken_back_the_run_still_stands(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    target.update([{"id": 1, "name": "new"}])
    run = target.story().run.run_id
    target.execute("UPDATE t SET name = 'by hand'")

    assert taken_back(target).conflicts == 1
    assert target.story(run).run.state is RunState.COMMITTED
    assert target.rows("SELECT name FROM t") == [("by hand",)]


def test_a_value_that_is_taken_meanwhile_is_in_the_way(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE)")
    target.insert("t", [(1, "a"), (2, "b")])
    target.update([{"id": 1, "name": "A"}, {"id": 2, "name": "B"}])
    target.insert("t", [(3, "a")])

    result = taken_back(target)

    assert target.rows("SELECT * FROM t ORDER BY id") == [(1, "A"), (2, "b"), (3, "a")]
    assert [(one.key, one.reason) for one in result.samples] == [("id=1", Reason.REFUSED)]


def test_values_that_changed_places_one_after_the_other_go_back(target: Target) -> None:
    """Row by row in the order of the update, the way back would meet itself."""
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE)")
    target.insert("t", [(number, f"n{number}") for number in range(1, 30)])
    target.update([{"id": number, "name": f"n{number - 1}"} for number in range(1, 30)])
    assert target.rows("SELECT name FROM t WHERE id = 29") == [("n28",)]

    result = taken_back(target)

    assert result.conflicts == 0
    assert target.rows("SELECT * FROM t ORDER BY id") == [(number, f"n{number}") for number in range(1, 30)]


def test_a_trigger_that_has_its_say_is_told(sqlite: Target) -> None:
    sqlite.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, version INTEGER DEFAULT 0)")
    sqlite.insert("t", [(1, "one", 4)])
    sqlite.execute(
        "CREATE TRIGGER bump AFTER UPDATE OF name ON t BEGIN UPDATE t SET version = version + 1 WHERE id = new.id; END"
    )
    assert sqlite.update([{"id": 1, "name": "uno"}]).verdict is Verdict.COMMITTED
    assert sqlite.rows("SELECT * FROM t") == [(1, "uno", 5)]

    result = taken_back(sqlite)

    assert (result.restored, result.conflicts, result.altered) == (1, 0, 1)
    assert [finding.code for finding in sqlite.story().findings] == ["rollback_not_exact"]
