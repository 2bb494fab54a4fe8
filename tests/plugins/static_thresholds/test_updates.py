"""The plugin in whole updates, through the public call, on both databases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

import validate_updates
from validate_updates import Finding, RunResult, Severity, Verdict

TABLES = """
CREATE TABLE committees (committee_id INTEGER PRIMARY KEY);
CREATE TABLE hearings (
  event_id VARCHAR(20) PRIMARY KEY,
  title TEXT,
  hearing_date DATE,
  update_date TIMESTAMP,
  seats INTEGER,
  committee_id INTEGER
);
INSERT INTO committees VALUES (1)
"""


@dataclass
class Target:
    """A database, and updates of its table of hearings."""

    url: str
    settings: dict[str, Any] = field(default_factory=dict)

    def update(self, *records: dict[str, Any], table: str = "hearings", **options: Any) -> RunResult:
        settings = {"static_thresholds": {"seconds_between_runs": 0} | self.settings | options.pop("settings", {})}
        return validate_updates.run(list(records), target=self.url, table=table, settings=settings, **options)

    def do(self, script: str) -> None:
        engine = sa.create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            for statement in script.split(";"):
                connection.exec_driver_sql(statement)
        engine.dispose()

    def rows(self, table: str = "hearings") -> int:
        engine = sa.create_engine(self.url, poolclass=NullPool)
        with engine.connect() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()
        engine.dispose()
        return count


@pytest.fixture
def target(database_url: str) -> Target:
    made = Target(database_url)
    made.do(TABLES)
    return made


def hearing(number: int, **cells: Any) -> dict[str, Any]:
    """A record that no check minds, in the days around now."""
    day = (datetime.now(UTC) + timedelta(days=number % 30)).date().isoformat()
    plain = {
        "event_id": f"e{number}",
        "title": f"Hearing {number} on the budget of the year after next",
        "hearing_date": day,
        "update_date": f"{day}T09:30:00",
        "seats": 100,
        "committee_id": 1,
    }
    return plain | cells


def hearings(first: int, count: int, **cells: Any) -> list[dict[str, Any]]:
    return [hearing(number, **cells) for number in range(first, first + count)]


def grave(result: RunResult) -> list[str]:
    """Codes of findings that are more than an info."""
    return sorted(finding.code for finding in result.findings if finding.severity is not Severity.INFO)


def one(result: RunResult, code: str) -> Finding:
    (finding,) = (finding for finding in result.findings if finding.code == code)
    return finding


def test_a_plain_update_is_committed_and_every_check_has_its_say(target: Target) -> None:
    result = target.update(*hearings(1, 25))
    assert (result.verdict, grave(result)) == (Verdict.COMMITTED, [])
    assert target.rows() == 25
    assert (result.metrics["foreign_key_orphans.total"], result.metrics["values.records"]) == (0, 25)
    asked = {judged.validator: judged.outcome for judged in result.judged if judged.plugin == "static_thresholds"}
    assert {"rows_added_high", "database_damaged", "dates_out_of_range", "text_repeated"} <= set(asked)
    assert "failed" not in asked.values()


def test_at_the_limit_it_stands_and_one_more_leaves_the_table_as_it_was(target: Target) -> None:
    settings = {"added_most": 5}
    assert target.update(*hearings(1, 5), settings=settings).verdict is Verdict.COMMITTED
    result = target.update(*hearings(6, 6), settings=settings)
    assert (result.verdict, result.exit_code, target.rows()) == (Verdict.REJECTED, 1, 5)
    finding = one(result, "rows_added_high")
    assert (finding.plugin, finding.validator, finding.moment) == ("static_thresholds", "rows_added_high", "plan")
    assert "at most 5 are allowed" in result.reason


def test_averages_are_of_the_runs_in_the_journal_that_stood(target: Target) -> None:
    settings = {"added_floor": 0, "added_most": 20}
    runs = [target.update(*hearings(10 * number, 4), settings=settings).run_id for number in range(5)]
    rejected = target.update(*hearings(500, 21), settings=settings)
    assert rejected.verdict is Verdict.REJECTED
    assert one(rejected, "rows_added_above_average").runs == tuple(reversed(runs))
    few = target.update(hearing(600), settings=settings)
    assert few.verdict is Verdict.COMMITTED
    assert one(few, "rows_changed_low").runs == tuple(reversed(runs))
    assert "the last 5 updates that changed any changed 4.0 on average" in one(few, "rows_changed_low").message


def test_a_second_update_within_the_hour_is_noticed(target: Target) -> None:
    first = target.update(hearing(1))
    settings = {"seconds_between_runs": 3600}
    assert one(target.update(hearing(2), settings=settings), "last_run_recent").runs == (first.run_id,)
    later = target.update(hearing(3), settings=settings, as_of=datetime.now(UTC) + timedelta(hours=2))
    assert grave(later) == []
    past = target.update(hearing(4), settings=settings, as_of=datetime.now(UTC) - timedelta(hours=2))
    assert grave(past) == []
    assert any("is dated after this one" in finding.message for finding in past.findings)


def test_tables_that_must_be_there_and_hold_rows(target: Target) -> None:
    settings = {"minimum_rows": {"committees": 2, "witnesses": 1}, "required_tables": ["committees"]}
    result = target.update(hearing(1), settings=settings)
    assert (result.verdict, target.rows()) == (Verdict.REJECTED, 0)
    assert grave(result) == ["table_missing", "table_too_small"]
    target.do(
        "INSERT INTO committees VALUES (2); CREATE TABLE witnesses (id INTEGER); INSERT INTO witnesses VALUES (1)"
    )
    assert target.update(hearing(1), settings=settings).verdict is Verdict.COMMITTED


def test_the_share_of_records_in_quarantine(target: Target) -> None:
    good = target.update(*hearings(1, 19), hearing(20, seats="many"))
    assert good.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    bad = target.update(*hearings(21, 18), hearing(39, seats="many"), hearing(40, seats="many"))
    assert (bad.verdict, target.rows()) == (Verdict.REJECTED, 19)
    assert one(bad, "error_rate_high").observed == 10


def test_a_table_that_would_be_left_empty(target: Target) -> None:
    result = target.update(hearing(1, seats="many"), settings={"errors_percent": 100})
    assert (result.verdict, grave(result)) == (Verdict.REJECTED, sorted({*grave(result), "table_left_empty"}))


def test_an_empty_source_is_a_warning(target: Target) -> None:
    result = target.update()
    assert (result.verdict, grave(result)) == (Verdict.COMMITTED, ["source_empty"])


def test_values_out_of_the_ordinary_are_warnings_and_the_update_stands(target: Target) -> None:
    far = hearing(30, hearing_date="2250-01-01", update_date="1999-01-01T00:00:00")
    records = [*hearings(1, 6, title="To receive a closed briefing"), *hearings(7, 14, seats=None), far]
    result = target.update(*records)
    assert (result.verdict, target.rows()) == (Verdict.COMMITTED, 21)
    assert grave(result) == ["dates_out_of_range", "dates_out_of_range", "text_repeated", "values_missing"]
    assert one(result, "values_missing").column == "seats"
    samples = {finding.column: finding.samples for finding in result.findings if finding.code == "dates_out_of_range"}
    assert samples["hearing_date"] == ("2250-01-01 (event_id=e30)",)
    assert samples["update_date"][0].startswith("1999-01-01")


def test_the_settings_can_make_a_warning_decide(target: Target) -> None:
    settings = {"severities": {"dates_out_of_range": "critical"}}
    result = target.update(hearing(1, hearing_date="2250-01-01"), settings=settings)
    assert (result.verdict, target.rows()) == (Verdict.REJECTED, 0)


def test_the_same_records_again_write_nothing_and_say_what_was_not_looked_at(target: Target) -> None:
    target.update(*hearings(1, 20))
    again = target.update(*hearings(1, 20))
    assert (again.verdict, again.counts.unchanged, grave(again)) == (Verdict.COMMITTED, 20, [])
    unseen = {finding.validator for finding in again.findings if finding.code == "not_checked"}
    assert {"dates_out_of_range", "text_repeated", "values_missing"} <= unseen


def test_every_record_changed(target: Target) -> None:
    target.update(*hearings(1, 20))
    assert grave(target.update(*hearings(1, 20, seats=99))) == ["every_record_changed"]


def test_orphans_of_before_do_not_stop_an_update(target: Target) -> None:
    if target.url.startswith("sqlite"):
        target.do(
            "CREATE TABLE links (id INTEGER PRIMARY KEY, committee_id INTEGER REFERENCES committees (committee_id));"
            "INSERT INTO links VALUES (1, 7)"
        )
    else:
        target.do(
            "CREATE TABLE links (id INTEGER PRIMARY KEY, committee_id INTEGER); INSERT INTO links VALUES (1, 7);"
            "ALTER TABLE links ADD FOREIGN KEY (committee_id) REFERENCES committees NOT VALID"
        )
    result = target.update(hearing(1))
    assert (result.verdict, grave(result)) == (Verdict.COMMITTED, ["orphans_before"])
    assert one(result, "orphans_before").table == "links"
    assert target.update({"id": 2, "committee_id": 1}, table="links").verdict is Verdict.COMMITTED


def check(sql: str, **limits: Any) -> dict[str, Any]:
    return {"checks": [{"name": "lonely", "sql": sql, **limits}]}


def test_a_named_check_sees_the_table_as_it_would_be(target: Target) -> None:
    settings = check("SELECT count(*) FROM hearings WHERE committee_id IS NULL", warn_above=0, critical_above=1)
    assert grave(target.update(hearing(1), settings=settings)) == []
    warned = target.update(hearing(2, committee_id=None), settings=settings)
    assert (warned.verdict, grave(warned)) == (Verdict.COMMITTED, ["sql_check_outside_limits"])
    assert warned.metrics["check.lonely"] == 1
    stopped = target.update(hearing(3, committee_id=None), settings=settings)
    assert (stopped.verdict, stopped.metrics["check.lonely"], target.rows()) == (Verdict.REJECTED, 2, 2)
    assert one(stopped, "sql_check_outside_limits").validator == "check.lonely"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM hearings",
        "SELECT 0; DELETE FROM hearings",
        "SELECT no_such_column FROM hearings",
        "COMMIT",
        "WITH gone AS (DELETE FROM hearings RETURNING 1) SELECT count(*) FROM gone",
    ],
)
def test_a_named_check_that_cannot_be_read_stops_the_update_and_writes_nothing(target: Target, sql: str) -> None:
    target.update(hearing(1))
    result = target.update(hearing(2), settings=check(sql, warn_above=0))
    assert (result.verdict, target.rows()) == (Verdict.REJECTED, 1)
    assert one(result, "validator_failed").validator == "check.lonely"


def test_a_named_check_that_gives_null_is_reported_as_not_checked(target: Target) -> None:
    result = target.update(
        hearing(1), settings=check("SELECT max(seats) FROM hearings WHERE seats > 999", warn_above=0)
    )
    assert (result.verdict, grave(result)) == (Verdict.COMMITTED, ["not_checked"])
    assert "check.lonely" not in result.metrics


def test_a_percent_sign_and_a_colon_in_a_named_check_are_plain_text(target: Target) -> None:
    sql = "SELECT count(*) FROM hearings WHERE title LIKE '%:budget%' OR title LIKE '%budget%'"
    assert target.update(hearing(1), settings=check(sql, warn_below=1)).metrics["check.lonely"] == 1


WIDE = {
    "sqlite": "CREATE TABLE wide (id INTEGER PRIMARY KEY, a BOOLEAN, b BLOB, c NUMERIC(8, 2), d REAL, e TIME, f JSON,"
    " g TEXT CHECK (g IN ('x', 'y')), h VARCHAR(40), i CHAR(4), j DATETIME, k)",
    "postgresql": "CREATE TYPE mood AS ENUM ('x', 'y'); CREATE TABLE wide (id BIGINT PRIMARY KEY, a BOOLEAN, b BYTEA,"
    " c NUMERIC(8, 2), d REAL, e TIME, f JSONB, g mood, h VARCHAR(40), i CHAR(4), j TIMESTAMPTZ, k UUID)",
}


def test_columns_of_all_types_can_be_looked_at(target: Target) -> None:
    target.do(WIDE[sa.make_url(target.url).get_backend_name()])
    record = {"a": True, "c": "1.50", "d": 0.5, "e": "09:30:00", "f": {"n": 1}, "g": "x", "h": "y" * 40, "i": "abcd"}
    record |= {"j": "2250-01-01T00:00:00Z", "k": "7e57ab1e-0000-4000-8000-000000000001"}
    records = [{"id": number} | (record if number > 7 else dict.fromkeys(record)) for number in range(20)]
    result = target.update(*records, table="wide")
    assert result.verdict is Verdict.COMMITTED, result.reason
    missing = sorted(finding.column or "" for finding in result.findings if finding.code == "values_missing")
    assert missing == sorted(record)
    assert one(result, "dates_out_of_range").column == "j"
    assert one(result, "text_repeated").column == "h"


def test_virtual_tables_of_other_programs_are_no_reason_to_reject(sqlite_url: str) -> None:
    """A search over texts, an index of places, and one whose module is not there."""
    target = Target(sqlite_url)
    target.do(TABLES)
    target.do("CREATE VIRTUAL TABLE words USING fts5(text);CREATE VIRTUAL TABLE older USING fts4(text)")
    target.do("CREATE VIRTUAL TABLE places USING rtree(id, low, high);INSERT INTO places VALUES (1, 1, 2)")
    target.do(
        "PRAGMA writable_schema = ON;INSERT INTO sqlite_master VALUES"
        " ('table', 'gone', 'gone', 0, 'CREATE VIRTUAL TABLE gone USING nowhere(text)')"
    )
    searched = [{"name": name, "sql": f"SELECT count(*) FROM {name}", "warn_above": 0} for name in ("words", "older")]

    result = target.update(hearing(1), settings={"checks": searched, "required_tables": ["words"]})

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert {one.outcome for one in result.judged} <= {"passed", "found", "not checked"}
    assert (result.metrics["check.words"], result.metrics["check.older"]) == (0, 0)
