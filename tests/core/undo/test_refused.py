"""Runs that cannot be taken back: the message says why, and nothing is changed."""

from __future__ import annotations

import pytest

from tests.core.engine.target import Target
from tests.core.undo.taking_back import DELETING, taken_back
from validate_updates.errors import LockHeld, TargetError, UsageError
from validate_updates.journal.rows import RunState
from validate_updates.journal.run_id import new_run_id
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database


@pytest.fixture
def updated(target: Target) -> Target:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    target.insert("t", [(1, "one"), (2, "two")])
    target.update([{"id": 1, "name": "uno"}, {"id": 3, "name": "tre"}], deletes=DELETING)
    return target


def refused(target: Target, run: str = "last") -> str:
    before, states = target.dump(), target.states()
    with pytest.raises(UsageError) as error:
        taken_back(target, run)
    assert (target.dump(), target.states()) == (before, states)
    return error.value.message


def test_without_a_journal(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY)")
    with pytest.raises(UsageError, match="no run has been written down"):
        taken_back(target)


def test_an_unknown_run(updated: Target) -> None:
    assert "there is no run '2000'" in refused(updated, "2000")


def test_a_run_that_was_taken_back_and_the_roll_back_itself(updated: Target) -> None:
    run = updated.story().run.run_id
    taken_back(updated)
    assert "has been taken back already" in refused(updated, run)
    assert "is a rollback" in refused(updated)


def test_a_run_that_wrote_nothing(updated: Target) -> None:
    updated.update([{"id": 1, "name": "uno"}])
    assert "wrote nothing" in refused(updated)


def test_a_run_that_did_not_stand(updated: Target) -> None:
    updated.execute("CREATE UNIQUE INDEX names ON t (name)")
    updated.update([{"id": 8, "name": "uno"}])
    assert "was rejected; nothing of it was kept" in refused(updated)


def test_a_table_that_is_gone(updated: Target) -> None:
    updated.execute("ALTER TABLE t RENAME TO u")
    assert "there is no table 't'" in refused(updated)


def test_a_column_that_is_gone(updated: Target) -> None:
    updated.execute("ALTER TABLE t RENAME COLUMN name TO title")
    assert "its column name is gone" in refused(updated)


def test_a_new_column_that_needs_a_value(postgres: Target) -> None:
    postgres.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    postgres.insert("t", [(2, "two")])
    postgres.update([{"id": 1, "name": "uno"}], deletes=DELETING)
    postgres.execute("ALTER TABLE t ADD extra integer NOT NULL DEFAULT 0", "ALTER TABLE t ALTER extra DROP DEFAULT")
    assert "new column extra, which needs a value" in refused(postgres)


def test_a_new_column_with_a_default_is_no_hindrance(updated: Target) -> None:
    updated.execute("ALTER TABLE t ADD COLUMN extra integer NOT NULL DEFAULT 7")
    assert taken_back(updated).conflicts == 0
    assert updated.rows("SELECT id, name, extra FROM t ORDER BY id") == [(1, "one", 7), (2, "two", 7)]


def test_while_another_run_is_under_way(updated: Target) -> None:
    database = open_database(SecretUrl(updated.url))
    with (
        database.connect() as connection,
        database.lock(connection, run_id="20240101-000000-abcdef", tables=['"t"'], wait=0),
        pytest.raises(LockHeld),
    ):
        taken_back(updated)
    database.engine.dispose()
    assert taken_back(updated).conflicts == 0


def test_a_run_that_died_is_marked_before(updated: Target) -> None:
    run = updated.story().run.run_id
    updated.execute(f"UPDATE update_logs SET state = 'running' WHERE run_id = '{run}'")

    result = taken_back(updated, run)

    assert result.recovered == (run,)
    assert updated.story(run).run.state is RunState.ROLLED_BACK


def test_a_trigger_that_breaks_a_constraint_which_is_checked_at_the_end(sqlite: Target) -> None:
    sqlite.execute(
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (t INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TRIGGER gone AFTER DELETE ON t BEGIN INSERT INTO child VALUES (99); END",
    )
    sqlite.update([{"id": 1}, {"id": 2}])

    with pytest.raises(TargetError, match="refuses the roll-back at its end"):
        taken_back(sqlite)

    assert sqlite.rows("SELECT * FROM t ORDER BY id") == [(1,), (2,)]
    assert sqlite.states() == ["committed", "failed"]


def test_a_deferred_constraint_is_traced_to_its_row(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY)",
        "CREATE TABLE child (t integer REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
    )
    target.update([{"id": 1}, {"id": 2}, {"id": 3}], deletes=DELETING)
    target.insert("child", [(2,)])

    assert [one.key for one in taken_back(target).samples] == ["id=2"]
    assert target.rows("SELECT * FROM t") == [(2,)]


def test_a_row_that_refers_to_one_gone_since_does_not_come_back(target: Target) -> None:
    target.execute(
        "CREATE TABLE parent (id integer PRIMARY KEY)",
        "CREATE TABLE t (id integer PRIMARY KEY, p integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO parent VALUES (1), (2), (3)",
        "INSERT INTO t VALUES (1, 1), (2, 2), (3, 1), (4, 2)",
    )
    target.update([{"id": 1, "p": 3}, {"id": 2, "p": 3}], deletes=DELETING)
    target.execute("DELETE FROM parent WHERE id = 2")

    assert [one.key for one in taken_back(target).samples] == ["id=4", "id=2"]
    assert target.rows("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 3), (3, 1)]


def test_ids_of_runs_are_not_guessed(updated: Target) -> None:
    updated.update([{"id": 1, "name": "eins"}])
    assert "more than one run begins with" in refused(updated, new_run_id(updated.story().run.started_at)[:8])
