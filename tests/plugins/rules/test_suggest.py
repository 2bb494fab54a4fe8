"""``rules suggest``: what it proposes is kept by every row, can be pasted, and is not refused."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.plugins.rules.world import Ruled
from validate_updates import RunError, UsageError, Verdict
from validate_updates_rules.proposals import _shape_of
from validate_updates_rules.settings import RulesSettings
from validate_updates_rules.suggesting import suggest
from validate_updates_rules.toml import _value

TABLES = (
    "CREATE TABLE committees (system_code varchar(20) PRIMARY KEY)",
    "INSERT INTO committees VALUES ('hsba00'), ('ssga01')",
    """CREATE TABLE t (
        id integer PRIMARY KEY, title text NOT NULL, chamber text, pages integer, fee numeric(8,2), held date,
        opens date, closes date, code text, system_code varchar(20), note text, boss integer REFERENCES t (id),
        slug varchar(12) UNIQUE, seats integer
    )""",
)


def row(number: int) -> tuple[Any, ...]:
    day = date(2020, 3, 1) + timedelta(days=number)
    return (
        *(number, f"On {'x' * (number % 9)} no. {number}!", ["House", "Senate", 'J"oint\n'][number % 3], number * 3),
        *(number + 0.5, day.isoformat(), day.isoformat(), (day + timedelta(days=number % 2)).isoformat()),
        *(f"AB-{number:03}", "hsba00", None if number % 2 else "often empty", None, f"s{number}"),
        datetime.now(UTC).year if number == 7 else 40,
    )


@pytest.fixture
def filled(target: Ruled) -> Ruled:
    target.execute(*TABLES)
    target.insert("t", map(row, range(1, 61)))
    return target


def proposed(target: Ruled, table: str = "t") -> dict[str, list[dict[str, Any]]]:
    """By column."""
    text = suggest(target=target.url, table=table)
    read = tomllib.loads(text)
    if not read:
        return {}
    msgspec.convert(read["plugins"]["rules"], RulesSettings)
    rules: dict[str, list[dict[str, Any]]] = {}
    for rule in read["plugins"]["rules"]["rules"]:
        assert rule.pop("severity") == "warning"
        assert rule.pop("table") == table
        rules.setdefault(rule.pop("column"), []).append(rule)
    return rules


def test_habits_of_the_rows_become_rules(filled: Ruled) -> None:
    rules = proposed(filled)

    assert rules["chamber"] == [{"required": True, "allowed": ['J"oint\n', "House", "Senate"]}] or sorted(
        rules["chamber"][0]["allowed"]
    ) == ["House", 'J"oint\n', "Senate"]
    assert rules["pages"] == [{"required": True, "min": 3, "max": 180}]
    assert rules["fee"] == [{"required": True, "min": 1.5, "max": 60.5}]
    assert rules["held"] == [{"required": True, "earliest": "2020-01-01", "latest": "today"}]
    assert {"compare": ">= opens"} in rules["closes"]
    assert rules["code"] == [{"required": True, "pattern": r"[A-Z]{2}\-[0-9]{3}", "unique": True}]
    assert {"exists": "committees.system_code"} in rules["system_code"]
    assert "title" not in rules, "texts of many shapes keep no rule, and NOT NULL is checked without one"
    assert "boss" not in rules, "a foreign key is checked without a rule"


def test_what_the_table_says_itself_is_told_and_not_proposed(filled: Ruled) -> None:
    comments = [line for line in suggest(target=filled.url, table="t").splitlines() if line.startswith("#")]

    assert comments[0] == "# Rules that the 60 rows of t keep."
    assert {"#   not null: title", "#   unique: slug", "#   foreign key: boss -> t"} <= set(comments)


def test_the_rows_themselves_keep_what_is_proposed(filled: Ruled) -> None:
    rules = tomllib.loads(suggest(target=filled.url, table="t"))["plugins"]["rules"]["rules"]
    names = [
        "id",
        "title",
        "chamber",
        "pages",
        "fee",
        "held",
        "opens",
        "closes",
        "code",
        "system_code",
        "note",
        "boss",
        "slug",
        "seats",
    ]
    records = [dict(zip(names, row(number), strict=True)) for number in range(1, 61)]
    filled.execute("DELETE FROM t")

    result = filled.apply(records, *rules)

    assert (result.verdict, result.findings) == (Verdict.COMMITTED, ())


def test_days_ahead_are_proposed_from_the_day_of_the_run(target: Ruled) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, held timestamp)")
    ahead = datetime.now(UTC).year + 1
    target.insert("t", [(number, f"{ahead}-01-{number:02} 10:00:00") for number in range(1, 31)])

    assert proposed(target)["held"] == [{"required": True, "earliest": f"{ahead}-01-01", "latest": "today + 2 years"}]


def test_tables_of_the_journal_alone_are_passed_over(filled: Ruled) -> None:
    filled.execute("CREATE TABLE update_codes (code text PRIMARY KEY)", "INSERT INTO update_codes SELECT code FROM t")
    filled.execute("ALTER TABLE t ADD COLUMN run_no integer", "UPDATE t SET run_no = 1")
    for prefix in ("update_", "vu_"):
        filled.update([], journal_prefix=prefix)

    found = proposed(filled)

    assert {"exists": "update_codes.code"} in found["code"]
    assert not [rule for rule in found.get("run_no", []) if "exists" in rule]


def test_few_rows_have_no_habits(target: Ruled) -> None:
    target.execute(*TABLES)
    target.insert("t", map(row, range(1, 20)))

    assert proposed(target) == {}
    assert "# There is nothing to propose" in suggest(target=target.url, table="t")


def test_it_only_reads(filled: Ruled) -> None:
    before = filled.dump(), filled.all_tables()

    suggest(target=filled.url, table="t")

    assert (filled.dump(), filled.all_tables()) == before


def test_a_table_that_is_not_there(target: Ruled) -> None:
    target.execute(*TABLES)

    with pytest.raises(UsageError, match="there is no table 'hearings'"):
        suggest(target=target.url, table="hearings")
    with pytest.raises(UsageError, match="the table is not named"):
        suggest(target=target.url)


def test_a_database_that_is_not_there_is_not_made(sqlite: Ruled) -> None:
    with pytest.raises(RunError, match="the table cannot be read"):
        suggest(target=sqlite.url, table="t")
    with pytest.raises(UsageError, match="not a database URL"):
        suggest(target="hearings.db", table="t")

    assert not sqlite.path.exists()


@pytest.mark.parametrize(
    ("texts", "shape"),
    [
        (["AB1", "XY22"], "[A-Z]{2}[0-9]{1,2}"),
        (["a.b", "c.d"], r"[a-z]\.[a-z]"),
        (["a b", "cc d"], "[a-z]{1,2} [a-z]"),
        (["a", "1"], ""),
        (["é1"], ""),
        (["a\n"], ""),
    ],
)
def test_the_shape_of_texts(texts: list[str], shape: str) -> None:
    assert _shape_of(texts) == shape


@pytest.mark.parametrize("value", ['a"b\\c', "é\u2028\x7f\x1b", "line\nbreak", True, 0, 1.5, ["a", 1], ""])
def test_values_are_toml(value: Any) -> None:
    assert tomllib.loads(f"x = {_value(value)}") == {"x": value}


@given(st.text())
@example("😀\U000e0001\x00")
def test_any_text_is_toml_and_one_printable_line(text: str) -> None:
    assert _value(text).isprintable()
    assert tomllib.loads(f"x = {_value(text)}") == {"x": text}


def test_indexes_that_do_not_hold_of_all_rows_are_none_of_the_constraints(filled: Ruled) -> None:
    filled.execute(
        "CREATE UNIQUE INDEX lower_slug ON t (lower(slug))", "CREATE UNIQUE INDEX some_seats ON t (seats) WHERE id > 70"
    )

    text = suggest(target=filled.url, table="t")

    assert [line for line in text.splitlines() if "unique:" in line] == ["#   unique: slug"]


def test_columns_that_hold_bytes_beside_what_they_declare_keep_nothing(sqlite: Ruled) -> None:
    sqlite.execute("CREATE TABLE t (id integer PRIMARY KEY, a text, b text, n integer, m numeric(8,2), held date)")
    odd = (b"ab", b"AB-001", b"n", b"m", b"held")
    good = ("House", "AB-002", 1, 1.5, "2020-01-01")
    sqlite.insert("t", ((number, *(odd if number % 2 else good)) for number in range(1, 61)))

    assert proposed(sqlite) == {name: [{"required": True}] for name in ("a", "b", "n", "m", "held")}


def test_a_key_that_the_database_numbers_is_no_reference(target: Ruled) -> None:
    numbered = "serial" if target.url.startswith("postgresql") else "integer"
    target.execute(f"CREATE TABLE ch (id {numbered} PRIMARY KEY)", f"CREATE TABLE t (id {numbered} PRIMARY KEY)")
    target.insert("ch", ((number,) for number in range(1, 61)))
    target.insert("t", ((number,) for number in range(1, 41)))

    assert proposed(target) == {}
