from __future__ import annotations

from typing import Any

import msgspec
import pytest

from validate_updates import Severity
from validate_updates_static_thresholds.settings import CODES, SqlCheck, StaticThresholds


def settings(**table: Any) -> StaticThresholds:
    return msgspec.convert(table, StaticThresholds)


def check(**table: Any) -> dict[str, Any]:
    return {"name": "lonely", "sql": "select 1", "warn_above": 1} | table


def test_defaults_are_those_of_the_documented_checks() -> None:
    limits = settings()
    assert (limits.added_most, limits.added_ratio, limits.added_floor, limits.average_runs) == (1000, 3.0, 50, 10)
    assert (limits.changed_ratio, limits.changed_runs) == (0.3, 5)
    assert (limits.errors_percent, limits.errors_ratio, limits.errors_floor) == (5.0, 2.0, 2)
    assert (limits.seconds_between_runs, limits.every_changed_floor) == (3600, 20)
    assert (limits.years_ahead, limits.years_back, limits.repeats_most) == (2, 2, 5)
    assert (limits.missing_percent, limits.missing_floor) == (30.0, 20)
    assert (limits.required_tables, limits.minimum_rows, limits.severities, limits.checks) == ((), {}, {}, ())


@pytest.mark.parametrize("kind", [StaticThresholds, SqlCheck])
def test_every_setting_is_described(kind: type[msgspec.Struct]) -> None:
    (components,) = (msgspec.json.schema(kind)["$defs"][kind.__name__]["properties"],)
    assert [name for name, schema in components.items() if not schema.get("description")] == []


def test_numbers_of_a_toml_file_are_taken_as_they_are_written() -> None:
    limits = settings(errors_percent=7, minimum_rows={"hearings": 100}, checks=[check(warn_above=3)])
    assert limits.errors_percent == 7.0
    assert limits.minimum_rows == {"hearings": 100}
    assert limits.checks == (SqlCheck(name="lonely", sql="select 1", warn_above=3.0),)


@pytest.mark.parametrize(
    "table",
    [
        {"added_most": -1},
        {"added_ratio": 0},
        {"changed_ratio": 1.1},
        {"errors_percent": 100.1},
        {"missing_percent": -0.1},
        {"years_ahead": -1},
        {"average_runs": 0},
        {"minimum_rows": {"hearings": -1}},
        {"severities": {"rows_added_high": "fatal"}},
        {"added_mots": 5},
        {"date_columns": "hearing_date"},
    ],
)
def test_values_that_make_no_sense_are_refused(table: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings(**table)


@pytest.mark.parametrize("code", CODES)
def test_the_severity_of_every_code_can_be_set(code: str) -> None:
    assert settings(severities={code: "info"}).severities[code] is Severity.INFO


def test_a_severity_for_an_unknown_code_names_the_known_ones() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"no finding 'rows_aded'.*rows_added_high"):
        settings(severities={"rows_aded": "info"})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"warn_above": None}, "at least one"),
        ({"warn_above": 5, "critical_above": 4}, "warn_above must not be more"),
        ({"warn_below": 4, "critical_below": 5}, "warn_below must not be less"),
        ({"warn_above": float("nan")}, "finite"),
        ({"warn_above": float("inf")}, "finite"),
        ({"name": "Without Committee"}, "regex"),
        ({"sql": ""}, "length"),
    ],
)
def test_a_check_that_could_not_work_is_refused_with_its_place(table: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=rf"{message}.*checks\[0\]"):
        settings(checks=[check(**table)])


def test_equal_warning_and_critical_limits_are_allowed() -> None:
    assert settings(checks=[check(warn_above=5, critical_above=5)]).checks[0].critical_above == 5


def test_an_average_of_too_few_runs_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="changed_runs must not be more than average_runs"):
        settings(average_runs=4)
    assert settings(average_runs=4, changed_runs=4).average_runs == 4


def test_two_checks_of_one_name_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="'lonely' is used more than once"):
        settings(checks=[check(), check(sql="select 2")])
