"""Rules that could never be checked are refused when the settings are read, with the place."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import Pattern
from validate_updates_rules.days import CLOCK, DATE, read_day, read_layout
from validate_updates_rules.expressions import names_in, problem_of
from validate_updates_rules.settings import Rule, RulesSettings


def settings(*rules: dict[str, Any]) -> RulesSettings:
    return msgspec.convert({"rules": list(rules)}, RulesSettings)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"column": "a"}, "it checks nothing"),
        ({"required": True}, "it needs a column"),
        ({"column": "a", "columns": ["b"], "unique": True}, "not both"),
        ({"columns": ["a", "b"], "min": 1}, "columns is for unique and exists, not for min"),
        ({"column": "a", "min": 2, "max": 1}, "min must not be more than max"),
        ({"column": "a", "min_length": 2, "max_length": 1}, "min_length must not be more than max_length"),
        ({"column": "a", "min": float("nan")}, "finite"),
        ({"column": "a", "allowed": [float("inf")]}, "finite"),
        ({"column": "a", "max_length": -1}, ">= 0"),
        ({"column": "a", "min": -(2**63) - 1}, "-9223372036854775809 is beyond 64 bits - at `$.rules[0]`"),
        ({"column": "a", "max": 2**63}, "beyond 64 bits"),
        ({"column": "a", "allowed": [1, 2**64]}, "beyond 64 bits"),
        ({"column": "a", "max_length": 2**63}, "beyond 64 bits"),
        ({"column": "a", "earliest": "2024-02-02", "latest": "2024-02-01"}, "earliest must not be after latest"),
        ({"column": "a", "pattern": "(a"}, "a group is not closed"),
        ({"column": "a", "pattern": "a*?"}, "one repetition after another"),
        ({"column": "a", "earliest": "tomorrow"}, "'tomorrow' is no day"),
        ({"column": "a", "latest": "today + two years"}, "is no day"),
        ({"column": "a", "date_format": "%d.%m.%y"}, "%y is none of"),
        ({"column": "a", "date_format": "%d.%m"}, "it needs %Y, %m and %d"),
        ({"column": "a", "date_format": "%Y-%m-%d %d"}, "%d stands there twice"),
        ({"column": "a", "compare": "starts"}, "compare is a sign and a column"),
        ({"column": "a", "exists": "committees"}, "exists is a table and its columns"),
        ({"columns": ["a", "b"], "exists": "t.x"}, "exists names 1 columns, and the rule is about 2"),
        ({"sql": "a > 1; DROP TABLE t"}, "it holds a semicolon"),
        ({"sql": "a > 1) OR (1 = 1"}, "it closes a ) that it has not opened"),
        ({"sql": "a IN (1, 2"}, "it does not close )"),
        ({"sql": "a = 'x"}, "a quote that is not closed"),
        ({"sql": "a = 1 -- yes"}, "it holds a comment"),
        ({"sql": "a /* b */ = 1"}, "it holds a comment"),
        ({"sql": "a = $$x$$"}, "a dollar quote"),
        ({"sql": " "}, "it is empty"),
        ({"column": "a", "type": "text"}, "Invalid enum value"),
        ({"column": "a", "requird": True}, "unknown field"),
    ],
)
def test_a_rule_that_could_not_be_checked(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        settings(rule)

    assert said in str(caught.value)
    assert "rules[0]" in str(caught.value)


def test_two_rules_of_one_name() -> None:
    rule = {"name": "x", "column": "a", "required": True}
    with pytest.raises(msgspec.ValidationError, match="the name 'x' is used more than once"):
        settings(rule, rule)


@pytest.mark.parametrize("name", ["min", "max", "min_length", "max_length"])
def test_zero_is_a_bound(name: str) -> None:
    assert msgspec.convert({"column": "a", name: 0}, Rule).checks == (name,)


@pytest.mark.parametrize("sql", ["a = 'it''s ; -- (ok'", 'a = "x;"', "(a)[1] > 0", "f(a, (b)) IN (1, 2)", "'$$' = a"])
def test_an_expression_may_hold_anything_in_quotes(sql: str) -> None:
    assert problem_of(sql) == ""


def test_names_in_an_expression() -> None:
    assert names_in("""record."Pages é" > 3 AND title LIKE 'chamber %' AND ends_on""") == {
        *("record", "pages é", "and", "title", "like", "ends_on")
    }


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("today", date(2026, 1, 31)),
        ("today+1 month", date(2026, 2, 28)),
        ("today - 2 weeks", date(2026, 1, 17)),
        (" today + 1 day ", date(2026, 2, 1)),
        ("today - 11 years", date(2015, 1, 31)),
        ("today + 99999 years", date.max),
        ("today - 99999 months", date.min),
        ("today - 20 weeks", date(2025, 9, 13)),
    ],
)
def test_days(text: str, day: date) -> None:
    assert read_day(text).at(date(2026, 1, 31)) == day


@given(day=st.dates())
def test_every_day_of_the_calendar_is_a_date(day: date) -> None:
    assert Pattern(DATE).fits(str(day))


@given(text=st.from_regex(r"[0-9]{4}-[0-1][0-9]-[0-3][0-9]", fullmatch=True))
def test_and_no_other(text: str) -> None:
    try:
        date.fromisoformat(text)
        real = text.isascii()
    except ValueError:
        real = False

    assert Pattern(DATE).fits(text) is real


@given(time=st.times())
def test_every_time_is_a_time(time: Any) -> None:
    assert Pattern(CLOCK).fits(str(time))


@given(day=st.dates())
def test_a_layout_says_where_the_parts_stand(day: date) -> None:
    layout = read_layout("on %d/%m in %Y (100 %%)")
    text = f"on {day.day:02}/{day.month:02} in {day.year:04} (100 %)"

    assert Pattern(layout.pattern).fits(text)
    parts = [text[layout.at[one] - 1 :][:width] for one, width in (("Y", 4), ("m", 2), ("d", 2))]
    assert "-".join(parts) == str(day)
