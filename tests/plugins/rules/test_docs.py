"""``docs/rules.md`` names every setting and code, its settings are valid, and its example says what it says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from tests.plugins.rules.world import Ruled
from validate_updates import Pattern
from validate_updates_rules.compiling import _CODES, _COMPILERS, _named
from validate_updates_rules.settings import Rule, RulesSettings

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()
SNIPPETS = re.findall(r"(?s)```toml\n(.*?)```", PAGE)


def test_every_setting_stands_there() -> None:
    cells = re.findall(r"(?m)^\| ((?:`\w+`(?:, )?)+) \|", PAGE)
    told = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}

    assert told >= {*Rule.__struct_fields__, *RulesSettings.__struct_fields__}


def test_every_code_stands_there() -> None:
    told = set(re.findall(r"`(rule_\w+)`", PAGE))

    assert told == {f"rule_{_CODES.get(name, name)}" for name in _COMPILERS}


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_the_settings_on_the_page_are_valid(snippet: str) -> None:
    msgspec.convert(tomllib.loads(snippet)["plugins"]["rules"], RulesSettings)


def test_the_patterns_on_the_page_are_valid() -> None:
    _, _, table = PAGE.partition("## Patterns")
    rows = re.findall(r"(?m)^\| (`.*?`) \|", table.partition("## SQL")[0])
    shown = [part for row in rows for part in re.findall(r"`([^`]+)`", row) if "…" not in part]

    for text in shown:
        for pattern in text.split() if text[0] in "?*+{" else [text]:
            Pattern(f"x{pattern}" if pattern[0] in "?*+{" else pattern)


def test_the_first_example_says_what_the_page_says(target: Ruled) -> None:
    target.execute(
        "CREATE TABLE t (event_id text PRIMARY KEY, chamber text, title text, hearing_date date, pages integer)"
    )
    rules = tomllib.loads(SNIPPETS[0])["plugins"]["rules"]["rules"]
    title = "Hearings to examine the budget"
    records = [
        {"event_id": "e1", "chamber": "Senate", "title": title, "pages": 3},
        {"event_id": "e2", "chamber": "Hause", "title": title, "pages": 3},
        {"event_id": "e3", "chamber": "Joint", "title": title, "pages": 0},
    ]

    result = target.apply(records, *rules)

    said = PAGE.partition("QUARANTINE  hearings\n")[2].partition("```")[0]
    assert [line.strip() for line in said.splitlines()] == [
        finding.message for finding in sorted(result.findings, key=lambda one: one.code)
    ]


def test_of_a_bad_child_is_told_what_the_page_says(sqlite: Ruled) -> None:
    sqlite.execute(
        "CREATE TABLE witnesses (witness_id integer PRIMARY KEY, full_name text UNIQUE)",
        "CREATE TABLE t (event_id text PRIMARY KEY)",
        "CREATE TABLE witness_appearances (event_id text REFERENCES t, witness_id integer REFERENCES witnesses,"
        " position text, PRIMARY KEY (event_id, witness_id))",
    )
    refers = {"witness_id": {"to": "witnesses.full_name", "missing": "create"}}
    appearances = [{"full_name": "David Miko", "position": "x" * 300}]

    result = sqlite.apply(
        [{"event_id": "e1", "witness_appearances": appearances}],
        *tomllib.loads(SNIPPETS[1])["plugins"]["rules"]["rules"],
        tables={"t": {}, "witness_appearances": {"parent": "t", "references": refers}},
    )

    said = PAGE.partition("the child's key: `")[2].partition("`")[0].replace("\n", " ")
    assert [one.message.replace("x" * 59, "") for one in result.kept_out] == [said]


def test_an_expression_may_look_into_other_tables(target: Ruled) -> None:
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, building text, seats integer)",
        "CREATE TABLE rooms (building text, seats integer)",
        "INSERT INTO rooms VALUES ('Rayburn', 200), ('Dirksen', 50)",
    )
    rules = tomllib.loads(SNIPPETS[2])["plugins"]["rules"]["rules"]

    target.apply(
        [
            {"id": 1, "building": "Rayburn", "seats": 200},
            {"id": 2, "building": "Dirksen", "seats": 200},
            {"id": 3, "building": "elsewhere", "seats": 200},
        ],
        *rules,
    )

    assert target.ids() == [1, 3]


def test_rules_are_called_as_the_page_says() -> None:
    one = Rule(column="chamber", allowed=("House",))
    three = Rule(column="code", required=True, min_length=2, pattern="[A-Z]{2}")

    names = [named.name for named in _named((three, one, Rule(column="pages", min=1), Rule(column="pages", min=2)))]

    assert names == ["code_1", "chamber_allowed", "pages_min_3", "pages_min_4"]
    assert "`code_1`" in PAGE
    assert "`chamber_allowed`" in PAGE
