"""Rules about the children of a unit: a bad child takes its whole unit out, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.core.engine.target import Target
from tests.core.units.test_batches import SMALL
from tests.core.units.test_law import BAD, World, make, model, same, settings_of, state_of, worlds
from tests.core.units.test_references import CREATING
from tests.core.units.world import Hearings, hearing, witness
from tests.plugins.rules.world import Ruled
from validate_updates import Counts, RunResult, SettingsError, Severity, Verdict

Record = dict[str, Any]
KEYED: dict[str, Record] = {**CREATING, "appearances": {**CREATING["appearances"], "key": ["witness_id", "hearing_id"]}}


@pytest.fixture
def hearings(database_url: str) -> Hearings:
    return Hearings.made(database_url)


def bring(hearings: Hearings, records: list[Record], *rules: Record, batch: bool = False, **options: Any) -> RunResult:
    """``batch``: by two; else all or nothing."""
    plugins = {"rules": {"rules": list(rules), **options.pop("of_table", {})}, **(SMALL["settings"] if batch else {})}
    result = hearings.bring(*records, tables=KEYED, plugins=tuple(plugins), settings=plugins, **options)
    assert result.counts.add_up
    return result


def day(*bad: int) -> list[Record]:
    """Five hearings with a committee, a witness of their own and one that they share, and a document each."""
    return [
        hearing(
            str(number),
            hearing_committees=[{"system_code": "a"}],
            appearances=[
                witness(f"W{number}", position="seen" if number in bad else "guest", documents=[{"url": f"u{number}"}]),
                witness("Shared", position="guest"),
            ],
        )
        for number in range(1, 6)
    ]


POSITIONS: Record = {"table": "appearances", "column": "position", "allowed": ["guest", "chair"]}
URLS: Record = {"name": "urls", "table": "documents", "column": "url", "pattern": "u[1-4]"}


@pytest.mark.parametrize("batch", [False, True], ids=["all or nothing", "batch"])
def test_a_bad_child_takes_its_unit_out_and_nobody_elses(hearings: Hearings, *, batch: bool) -> None:
    result = bring(hearings, day(1, 3), POSITIONS, URLS, batch=batch)

    assert (result.verdict, result.counts) == (
        Verdict.COMMITTED_WITH_QUARANTINE,
        Counts(read=5, inserted=2, quarantined=3),
    )
    assert [row[0] for row in hearings.has("hearings")] == ["2", "4"]
    assert [row[0] for row in hearings.has("hearing_committees")] == ["2", "4"]
    assert [row[0] for row in hearings.has("documents")] == ["2", "4"]
    assert sorted(row[0] for row in hearings.has("witnesses")) == ["Ann", "Bob", "Shared", "W2", "W4"]
    kept = {one.kept.key: one.kept for one in hearings.entries()}
    assert {key: (one.code, one.column, one.constraint) for key, one in kept.items()} == {
        "event_id=1": ("rule_allowed", "position", "position_allowed"),
        "event_id=3": ("rule_allowed", "position", "position_allowed"),
        "event_id=5": ("rule_pattern", "url", "urls"),
    }
    said = "position 'seen' is not one of 'guest', 'chair' (rule position_allowed)"
    assert kept["event_id=1"].message == f"appearances (full_name=W1): {said}"
    assert kept["event_id=5"].message == "documents (url=u5): url 'u5' does not fit u[1-4] (rule urls)"
    told = {finding.table: finding for finding in result.findings if finding.plugin == "rules"}
    assert told["appearances"].message == f"2 records kept out: event_id=1: appearances (full_name=W1): {said}"
    assert {table: one.observed for table, one in told.items()} == {"appearances": 2, "documents": 1}


def test_of_several_bad_rows_of_a_unit_the_first_gives_the_reason(hearings: Hearings) -> None:
    records = [hearing("1", "", appearances=[witness("A", position="x"), witness("B", position="y")])]

    result = bring(hearings, records, POSITIONS, {"column": "title", "required": True})

    assert result.counts == Counts(read=1, quarantined=1)
    assert [one.message for one in result.kept_out] == ["title '' is missing (rule title_required)"]


def test_a_warning_about_a_child_lets_its_unit_pass_and_tells(hearings: Hearings) -> None:
    result = bring(hearings, day(1, 3), {**POSITIONS, "severity": "warning"})

    assert (result.verdict, result.counts.inserted) == (Verdict.COMMITTED, 5)
    (finding,) = result.findings
    assert (finding.code, finding.severity, finding.observed) == ("rule_allowed", Severity.WARNING, 2)
    assert (finding.table, finding.column, finding.expected) == ("appearances", "position", "position_allowed")
    said = "appearances: position 'seen' is not one of 'guest', 'chair' (rule position_allowed)"
    assert finding.message == f"2 rows of appearances break the rule position_allowed: event_id=1: {said}"
    assert finding.samples == (f"event_id=1: {said}", f"event_id=3: {said}")


def test_rows_that_are_there_already_are_not_asked(hearings: Hearings) -> None:
    """Neither children nor records: what the table has had for years keeps nothing out."""
    bring(hearings, day(1, 3))
    records = day(1)
    records[1]["appearances"][0]["position"] = "odd"
    records[2]["appearances"][0]["position"] = "chair"

    result = bring(hearings, records[:3], POSITIONS, {"column": "title", "max_length": 1})

    assert result.counts == Counts(read=3, unchanged=1, updated=1, quarantined=1)
    assert [one.key for one in result.kept_out] == ["event_id=2"]


def test_the_constraints_of_children_are_checked_as_those_of_records(hearings: Hearings) -> None:
    hearings.execute(
        "ALTER TABLE appearances ADD COLUMN badge text",
        "CREATE UNIQUE INDEX one_badge ON appearances (badge)",
    )
    bring(hearings, [hearing("0", appearances=[{**witness("Ann", "Oxfam"), "badge": "b0"}])])
    records = [
        hearing("1", hearing_committees=[{"system_code": "a", "is_primary": None}]),
        hearing("2", hearing_committees=[{"committee_id": 99}]),
        hearing("3", appearances=[{**witness("Ann", "Oxfam"), "badge": "b0"}]),
        hearing("4", appearances=[{**witness("New"), "badge": "b1"}]),
        hearing("5", appearances=[{**witness("New"), "badge": "b1"}]),
        hearing("7", appearances=[{**witness(name), "badge": "b2"} for name in "AB"]),
        hearing("6", hearing_committees=[{"committee_id": 1}], appearances=[{**witness("New"), "badge": None}]),
    ]

    result = bring(hearings, records)

    assert result.counts == Counts(read=7, inserted=2, quarantined=5)
    assert {one.key: (one.code, one.column, one.constraint) for one in result.kept_out} == {
        "event_id=1": ("rule_required", "is_primary", "not null"),
        "event_id=2": ("rule_exists", "committee_id", "foreign key (committee_id)"),
        "event_id=3": ("rule_unique", "badge", "unique (badge)"),
        "event_id=5": ("rule_unique", "badge", "unique (badge)"),
        "event_id=7": ("rule_unique", "badge", "unique (badge)"),
    }
    off = bring(hearings, records[1:2], of_table={"target_constraints": "off"})
    assert off.verdict is Verdict.REJECTED, "the database finds it"


def test_what_the_update_brings_or_takes_away_elsewhere_counts(target: Ruled) -> None:
    """A parent known by a natural key that is new; a unique value of a child that is no longer listed."""
    target.execute(
        "CREATE TABLE t (code text PRIMARY KEY)",
        "CREATE TABLE parts (t_code text REFERENCES t (code), n integer, mark text UNIQUE, PRIMARY KEY (t_code, n))",
    )
    options: Record = {"tables": {"t": {}, "parts": {"key": ["t_code", "n"], "parent": "t", "children": "replace"}}}
    first = target.apply([{"code": "x", "parts": [{"n": 1, "mark": "m"}]}], **options)
    rule = {"name": "parents", "table": "parts", "column": "t_code", "exists": "t.code"}
    mark = {"table": "parts", "column": "n", "compare": "<> n", "name": "never"}

    second = target.apply([{"code": "x", "parts": [{"n": 2, "mark": "m"}]}, {"code": "y"}], rule, **options)
    third = target.apply([{"code": "z", "parts": []}, {"code": "w", "parts": [{"n": 1}]}], mark, **options)

    assert first.counts == Counts(read=1, inserted=1)
    assert second.counts == Counts(read=2, inserted=1, updated=1)
    assert third.counts == Counts(read=2, inserted=1, quarantined=1)
    assert target.rows("SELECT * FROM parts") == [("x", 2, "m")]


def test_unique_exists_and_sql_over_children(hearings: Hearings) -> None:
    rules: list[Record] = [
        {"name": "once", "table": "documents", "column": "url", "unique": True},
        {"name": "sober", "table": "appearances", "sql": "position <> 'chair' OR record.position IS NULL"},
    ]
    records = day()
    records[1]["appearances"][0]["documents"] = [{"url": "u1"}]
    records[3]["appearances"][1]["position"] = "chair"

    result = bring(hearings, records, *rules)

    assert {one.key: one.constraint for one in result.kept_out} == {
        "event_id=1": "once",
        "event_id=2": "once",
        "event_id=4": "sober",
    }


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"table": "appearances", "column": "title", "required": True}, "appearances has no column 'title'"),
        ({"column": "position", "required": True}, "hearings has no column 'position'"),
        ({"table": "nowhere", "column": "x", "required": True}, "there is no table 'nowhere'"),
    ],
)
def test_a_rule_that_fits_no_table_is_an_error_of_settings(hearings: Hearings, rule: Record, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        bring(hearings, day(), rule)

    assert said in caught.value.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=15)
@given(world=worlds())
def test_rules_keep_out_the_units_that_the_model_does(target: Ruled, world: World) -> None:
    """All or nothing, over any tables: what a batch would find out by trying is known before."""
    database = Target(target.url)
    make(database, world)
    tables = settings_of(world)
    rules = [
        {"name": f"{one.name}_number", "table": one.name, "column": "number", "max": BAD - 1} for one in world.tables
    ]
    state = state_of(database, world)
    for records in (world.first, world.second):
        expected = model(world, state, records)

        result = target.update(
            records, table="t0", tables=tables, plugins=("rules",), settings={"rules": {"rules": rules}}
        )

        assert result.verdict in {Verdict.COMMITTED, Verdict.COMMITTED_WITH_QUARANTINE}, result.reason
        assert result.counts.quarantined == len(expected.kept_out), [one.message for one in result.kept_out]
        assert same(state_of(database, world), expected.state)
        state = expected.state
