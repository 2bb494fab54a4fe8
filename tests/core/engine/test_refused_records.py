"""One record that the database refuses: all of the update is rolled back; record, rule and place are named."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target, jsonl
from validate_updates import ExitCode, Finding, Severity, Verdict
from validate_updates.journal.rows import RunState

TABLES = (
    "CREATE TABLE teams (id integer PRIMARY KEY)",
    """CREATE TABLE t (
        id integer PRIMARY KEY, email text UNIQUE, name text NOT NULL,
        age integer CONSTRAINT grown_up CHECK (age >= 18), team integer REFERENCES teams (id)
    )""",
    "INSERT INTO teams VALUES (1), (2)",
    "INSERT INTO t VALUES (1, '1@example.org', 'old', 31, 1), (900, 'taken@example.org', 'other', 30, 1)",
)
RECORDS = 120
BAD = 77
"""The record that breaks a rule; it stands in the line after its number."""


@dataclass(frozen=True, slots=True)
class Break:
    """One way to break a rule."""

    change: dict[str, Any]
    sqlite: str
    """What the message says there."""
    postgresql: str
    column: str | None = None
    drop: tuple[str, ...] = field(default=())


_NOT_NULL = "name must not be null"
_NOT_UNIQUE = ("email must be unique", "t_email_key must be unique")
_NO_PARENT = ("a foreign key points to a row that does not exist", "t_team_fkey points to a row that does not exist")
BREAKS = {
    "check": Break({"age": 17}, "the check 'grown_up' failed", "the check grown_up failed"),
    "not null": Break({"name": None}, _NOT_NULL, _NOT_NULL, column="name"),
    "left out": Break({}, _NOT_NULL, _NOT_NULL, column="name", drop=("name",)),
    "unique": Break({"email": "taken@example.org"}, *_NOT_UNIQUE),
    "unique among the records": Break({"email": "90@example.org"}, *_NOT_UNIQUE),
    "foreign key": Break({"team": 3}, *_NO_PARENT),
}


def person(number: int) -> dict[str, Any]:
    return {"id": number, "email": f"{number}@example.org", "name": f"n{number}", "age": 40, "team": 2}


def people(broken: Break) -> list[dict[str, Any]]:
    records = [person(number) for number in range(RECORDS)]
    bad = {name: value for name, value in records[BAD].items() if name not in broken.drop}
    records[BAD] = bad | broken.change
    return records


def only_critical(findings: tuple[Finding, ...]) -> Finding:
    (found,) = [finding for finding in findings if finding.severity is Severity.CRITICAL]
    return found


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS.keys())
def test_the_update_is_rolled_back_and_the_record_named(target: Target, tmp_path: Path, broken: Break) -> None:
    target.execute(*TABLES)
    before = target.dump()

    result = target.update(jsonl(tmp_path / "people.jsonl", people(broken)))

    assert (result.verdict, result.exit_code) == (Verdict.REJECTED, ExitCode.REJECTED)
    assert target.dump() == before
    assert result.rows_after == result.rows_before == 2
    assert (result.counts.rolled_back, result.counts.add_up) == (RECORDS, True)
    finding = only_critical(result.findings)
    rule = broken.sqlite if target.is_sqlite else broken.postgresql
    assert finding.code == "record_refused"
    # Of two records in each other's way, the later in key order is named.
    bad = 90 if "90" in str(broken.change) else BAD
    assert finding.key == f"id={bad}"
    assert rule in finding.message
    assert f"id={bad}" in finding.message
    assert finding.samples == (f"{tmp_path}/people.jsonl, line {bad + 1}",)
    assert finding.table == "t"
    if broken.column:
        assert finding.column == broken.column


def test_the_journal_tells_the_story(target: Target, tmp_path: Path) -> None:
    target.execute(*TABLES)

    result = target.update(jsonl(tmp_path / "people.jsonl", people(BREAKS["check"])))
    story = target.story()

    assert story.run.run_id == result.run_id
    assert story.run.state is RunState.REJECTED
    assert story.run.error_code == "record_refused"
    assert story.run.counts == result.counts
    told, found = only_critical(story.findings), only_critical(result.findings)
    assert (told.code, told.key, told.message, told.table) == (found.code, found.key, found.message, found.table)
    assert told.samples == ("people.jsonl, line 78",), "without the folder, which is nobody's business"


def test_several_bad_records_are_all_named(target: Target) -> None:
    target.execute(*TABLES)
    records = [person(number) for number in range(2, RECORDS)]
    for number in (10, 50, 99):
        records[number] |= {"age": 1}

    result = target.update(records)

    critical = [finding.key for finding in result.findings if finding.severity is Severity.CRITICAL]
    assert critical == ["id=12", "id=52", "id=101"]


def test_a_rule_that_is_checked_at_the_commit_rejects_the_update(target: Target) -> None:
    target.execute(
        "CREATE TABLE teams (id integer PRIMARY KEY)",
        "CREATE TABLE t (id integer PRIMARY KEY, team integer REFERENCES teams (id) DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO teams VALUES (1)",
        "INSERT INTO t VALUES (1, 1)",
    )
    before = target.dump()

    result = target.update([{"id": 1, "team": None}, {"id": 2, "team": 9}])

    assert (result.verdict, result.exit_code) == (Verdict.REJECTED, ExitCode.REJECTED)
    assert target.dump() == before
    finding = only_critical(result.findings)
    assert (finding.code, finding.key) == ("record_refused", "id=2")
    assert "foreign key" in finding.message
    assert target.story().run.state is RunState.REJECTED
    assert result.counts.rolled_back == 2


def test_a_deferred_rule_about_a_table_that_is_missing_is_no_obstacle_to_rows_that_leave_it_alone(
    sqlite: Target,
) -> None:
    sqlite.execute(
        "PRAGMA foreign_keys = OFF",  # otherwise SQLite would not let the row in
        "CREATE TABLE t (id integer PRIMARY KEY, name text,"
        " team integer REFERENCES teams (id) DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO t VALUES (1, 'old', NULL)",
    )

    assert sqlite.update([{"id": 1, "name": "new"}]).verdict is Verdict.COMMITTED
    assert sqlite.rows("SELECT name FROM t") == [("new",)]


def test_a_deferred_rule_that_holds_in_the_end_is_no_obstacle(postgres: Target) -> None:
    """Two rows exchange a unique value: forbidden row by row, allowed at the end."""
    postgres.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, place integer UNIQUE DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO t VALUES (1, 1), (2, 2)",
    )

    result = postgres.update([{"id": 1, "place": 2}, {"id": 2, "place": 1}])

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert sorted(postgres.rows("SELECT * FROM t")) == [(1, 2), (2, 1)]


@pytest.mark.parametrize("how", ["ABORT", "FAIL", "ROLLBACK"])
def test_a_trigger_that_refuses_a_record_takes_nothing_down_with_it(sqlite: Target, how: str) -> None:
    """``ROLLBACK`` ends the whole transaction in the middle of our savepoints."""
    sqlite.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text)",
        "INSERT INTO t VALUES (1, 'one')",
        f"CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = 3 BEGIN SELECT RAISE({how}, 'no three'); END",
    )
    before = sqlite.dump()

    result = sqlite.update([{"id": number, "name": "new"} for number in range(1, 6)])

    assert result.verdict in {Verdict.REJECTED, Verdict.FAILED}
    assert "trigger refused it" in result.reason
    assert sqlite.dump() == before
    assert result.counts.add_up
    assert sqlite.states() == [result.verdict.value]


def test_a_trigger_that_drops_a_row_without_a_word_is_noticed(sqlite: Target) -> None:
    sqlite.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text)",
        "CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = 3 BEGIN SELECT RAISE(IGNORE); END",
    )

    result = sqlite.update([{"id": number, "name": "new"} for number in range(1, 6)])

    assert result.verdict is Verdict.REJECTED
    assert only_critical(result.findings).code == "rows_not_landed"
    assert sqlite.rows("SELECT * FROM t") == []


def test_a_trigger_that_drops_a_change_without_a_word_is_noticed(target: Target) -> None:
    """The row is there, so counting keys does not tell: what was written has to be compared."""
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)", "INSERT INTO t VALUES (1, 'old'), (2, 'old')")
    if target.is_sqlite:
        target.execute("CREATE TRIGGER no BEFORE UPDATE ON t WHEN new.id = 2 BEGIN SELECT RAISE(IGNORE); END")
    else:
        target.execute(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
            "CREATE TRIGGER no BEFORE UPDATE ON t FOR EACH ROW WHEN (new.id = 2) EXECUTE FUNCTION no()",
        )

    result = target.update([{"id": 1, "name": "new"}, {"id": 2, "name": "new"}])

    assert result.verdict is Verdict.REJECTED
    assert only_critical(result.findings).code == "rows_not_landed"
    assert sorted(target.rows("SELECT * FROM t")) == [(1, "old"), (2, "old")]


def test_rows_that_a_trigger_adds_are_mentioned(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    add = "INSERT INTO t VALUES (new.id + 100, 'twin')"
    if target.is_sqlite:
        target.execute(f"CREATE TRIGGER twin AFTER INSERT ON t WHEN new.id < 100 BEGIN {add}; END")
    else:
        target.execute(
            f"CREATE FUNCTION twin() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {add}; RETURN NULL; END $$",
            "CREATE TRIGGER twin AFTER INSERT ON t FOR EACH ROW WHEN (new.id < 100) EXECUTE FUNCTION twin()",
        )

    result = target.update([{"id": 1, "name": "one"}])

    assert result.verdict is Verdict.COMMITTED
    assert [finding.code for finding in result.findings] == ["other_rows_changed"]
    assert (result.rows_before, result.rows_after) == (0, 2)
