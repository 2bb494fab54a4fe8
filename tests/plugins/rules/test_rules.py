"""Each kind of rule, on both databases: what it keeps out, what it lets pass, and what it says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.plugins.rules.world import HEARINGS, Record, Ruled
from validate_updates import Counts, ExitCode, SettingsError, Severity, Verdict

NOW = datetime(2026, 7, 15, 23, tzinfo=UTC)


KINDS: list[tuple[Record, str, list[Any], list[Any]]] = [
    ({"type": "integer"}, "code", ["1", "-20", "+3", None], ["1.5", "x", "", "1e3"]),
    ({"type": "number"}, "code", ["1", "-2.5", ".5", "1e-3", None], ["1,5", "NaN", "", "0x10"]),
    ({"type": "boolean"}, "code", ["true", "0", None], ["True", "2", ""]),
    ({"type": "date"}, "code", ["2024-02-29", "1999-12-31", None], ["2023-02-29", "2024-1-1", "2024-04-31"]),
    ({"type": "date"}, "code", ["0001-01-01", "2000-02-29"], ["0000-01-01", "1900-02-29"]),
    ({"type": "time"}, "code", ["10:00", "23:59:59.5", None], ["24:00", "10", "9:00"]),
    ({"type": "timestamp"}, "code", ["2024-02-29", "2024-02-29T10:00Z", None], ["2024-02-30T10:00", "10:00"]),
    ({"type": "uuid"}, "code", ["3f2504e0-4f89-11d3-9a0c-0305e82c3301", None], ["3f2504e0", "x" * 36]),
    ({"type": "date"}, "day", ["2024-02-29", None], []),
    ({"allowed": ["House", "Senate", "it's"]}, "chamber", ["House", "it's", None], ["house", "House ", ""]),
    ({"allowed": [1, 2, 3]}, "pages", [1, 3, None], [0, 4]),
    ({"allowed": [0.5, 2]}, "score", [0.5, 2, None], [0.25, 3]),
    ({"allowed": [True]}, "open", [True, None], [False]),
    ({"allowed": ["2024-02-29"]}, "day", ["2024-02-29", None], ["2024-03-01"]),
    ({"min": 0, "max": 500}, "pages", [0, 500, None], [-1, 501]),
    ({"min": 0.5}, "fee", ["0.50", "7", None], ["0.49"]),
    ({"max": 0}, "score", [0.0, -1.5, None], [0.001]),
    ({"min_length": 1, "max_length": 3}, "title", ["a", "äöü", None], ["", "abcd"]),
    ({"max_length": 0}, "title", ["", None], ["a"]),
    ({"pattern": "[A-Z]{2}-[0-9]+"}, "code", ["AB-1", None], ["ab-1", "AB-", " AB-1", "AB-1\n", ""]),
    ({"pattern": ".*é.*"}, "title", ["é", "a\né", None], ["e", ""]),
    ({"earliest": "2026-07-15"}, "day", ["2026-07-15", "2027-01-01", None], ["2026-07-14"]),
    ({"latest": "today + 2 years"}, "day", ["2026-07-15", "2028-07-15", None], ["2028-07-16"]),
    ({"earliest": "today", "latest": "today"}, "day", ["2026-07-15"], ["2026-07-14", "2026-07-16"]),
    ({"latest": "9999-12-31"}, "day", ["2026-07-15", "9999-12-31"], []),
    (
        {"earliest": "today - 1 day", "latest": "today"},
        "starts",
        ["2026-07-14T00:00:00", "2026-07-15T23:59:59.999999", None],
        ["2026-07-13T23:59:59.999999", "2026-07-16T00:00:00"],
    ),
    ({"date_format": "%d.%m.%Y"}, "written", ["29.02.2024", None], ["29.02.2023", "1.2.2024", "2024-02-01", ""]),
    (
        {"date_format": "%Y%m%d %H:%M", "latest": "2024-12-31"},
        "written",
        ["20241231 23:59", None],
        ["20250101 00:00", "20241331 10:00", "20240101"],
    ),
    ({"earliest": "2024-01-01"}, "written", ["2024-01-01", None], ["2023-12-31", "2024-02-30", "soon"]),
    ({"unique": True}, "code", ["a", "c", None, None], ["b", "b"]),
    ({"unique": True}, "pages", [1, 2], [3, 3, 3]),
]  # fmt: skip
"""A rule, the column it is about, values that pass, and values that break it."""


TYPES = dict(line.split(" ", 1) for line in re.findall(r"(\w+ (?:\w+ ?)+(?:\([\d,]+\))?)(?:,|\n\))", HEARINGS))


def test_a_rule_keeps_out_what_breaks_it_and_nothing_else(target: Ruled) -> None:
    """All of them in one update: each rule has a column of its own, and each value a record."""
    columns = [f"{column}{number}" for number, (_, column, _, _) in enumerate(KINDS)]
    types = [TYPES[column] for _, column, _, _ in KINDS]
    target.execute(
        f"CREATE TABLE t (id integer PRIMARY KEY, {', '.join(map(' '.join, zip(columns, types, strict=True)))})"
    )
    rules = [{"column": column, **rule} for column, (rule, _, _, _) in zip(columns, KINDS, strict=True)]
    cases = [(column, value) for column, case in zip(columns, KINDS, strict=True) for value in case[2] + case[3]]
    records = [{"id": number, column: value} for number, (column, value) in enumerate(cases)]

    result = target.apply(records, *rules, as_of=NOW)

    kept_out = sorted(int(number) for number in target.reasons())
    broken = [[value for number in kept_out for name, value in [cases[number]] if name == column] for column in columns]
    assert broken == [bad for _, _, _, bad in KINDS]
    assert sorted([*kept_out, *target.ids()]) == list(range(len(cases)))
    assert result.counts == Counts(read=len(cases), inserted=len(cases) - len(kept_out), quarantined=len(kept_out))


@pytest.mark.parametrize(("column", "broken"), [("title", [None, "", "   "]), ("pages", [None])])
def test_required_misses_a_value(target: Ruled, column: str, broken: list[Any]) -> None:
    target.execute(HEARINGS)
    values = [*broken, " a " if column == "title" else 0]

    target.apply(
        [{"id": number, column: value} for number, value in enumerate(values)], {"column": column, "required": True}
    )

    assert target.ids() == [len(broken)]


REASONS: list[tuple[Record, Record, str, str]] = [
    ({"column": "title", "required": True}, {}, "rule_required", "title is missing (rule title_required)"),
    (
        {"column": "chamber", "allowed": ["House", "Senate"]},
        {"chamber": "Hause"},
        "rule_allowed",
        "chamber 'Hause' is not one of 'House', 'Senate' (rule chamber_allowed)",
    ),
    (
        {"name": "pages_sane", "column": "pages", "min": 0, "max": 500},
        {"pages": 501},
        "rule_range",
        "pages '501' is below 0, or is above 500 (rule pages_sane)",
    ),
    (
        {"column": "title", "max_length": 70},
        {"title": "x" * 500},
        "rule_length",
        f"title '{'x' * 59}…' has more than 70 characters (rule title_max_length)",
    ),
    (
        {"column": "code", "pattern": "[a-z]+"},
        {"code": "A\x1b[31m"},
        "rule_pattern",
        r"code 'A\x1b[31m' does not fit [a-z]+ (rule code_pattern)",
    ),
    (
        {"column": "day", "latest": "today + 1 week"},
        {"day": "2027-01-01"},
        "rule_date",
        "day '2027-01-01' is after 2026-07-22 (rule day_latest)",
    ),
    (
        {"column": "ends", "compare": ">= starts"},
        {"starts": "2024-01-02T10:00", "ends": "2024-01-02T09:00"},
        "rule_compare",
        "ends '2024-01-02 09:00:00', starts '2024-01-02 10:00:00' do not meet ends >= starts (rule ends_compare)",
    ),
    (
        {"name": "fees", "sql": "fee = 0 OR open", "message": "who charges is open."},
        {"fee": 3, "open": False},
        "rule_sql",
        "who charges is open: the record (rule fees)",
    ),
    (
        {"column": "chamber", "exists": "committees.chamber"},
        {"chamber": "Moon"},
        "rule_exists",
        "chamber 'Moon' is not in committees.chamber (rule chamber_exists)",
    ),
]
"""A rule, a record that breaks it, the code, and the sentence."""


def test_the_reason_names_column_value_and_rule(target: Ruled) -> None:
    target.execute(HEARINGS, "CREATE TABLE committees (chamber text)", "INSERT INTO committees VALUES ('House')")
    told = []

    for rule, record, code, _ in REASONS:
        result = target.apply([{"id": 1, **record}], rule, as_of=NOW)
        (kept,) = result.kept_out
        (finding,) = result.findings
        told.append((kept.key, kept.code, kept.message))
        assert (finding.code, finding.table, finding.observed, finding.severity) == (code, "t", 1, Severity.WARNING)
        assert finding.message == f"1 record kept out: id=1: {kept.message}"

    assert told == [("id=1", code, message) for _, _, code, message in REASONS]


def test_a_warning_lets_the_record_pass_and_tells(target: Ruled) -> None:
    target.execute(HEARINGS)
    records = [{"id": number, "pages": number} for number in range(10)]

    result = target.apply(records, {"column": "pages", "max": 3, "severity": "warning"})

    assert (result.verdict, result.counts.inserted) == (Verdict.COMMITTED, 10)
    (finding,) = result.findings
    assert (finding.code, finding.severity, finding.observed) == ("rule_range", Severity.WARNING, 6)
    assert (finding.table, finding.column, finding.expected) == ("t", "pages", "pages_max")
    assert finding.message == "6 records break the rule pages_max: id=4: pages '4' is above 3 (rule pages_max)"
    assert [sample.split(":")[0] for sample in finding.samples] == [f"id={number}" for number in range(4, 9)]


def test_all_broken_rules_of_a_record_are_told_and_the_first_gives_the_code(target: Ruled) -> None:
    target.execute(HEARINGS)
    rules: list[Record] = [
        {"column": "pages", "max": 3},
        {"column": "title", "required": True},
        {"column": "code", "pattern": "[a-z]", "severity": "warning"},
    ]

    result = target.apply([{"id": 1, "pages": 4, "title": "", "code": "7"}], *rules)

    (kept,) = result.kept_out
    assert (kept.code, kept.column, kept.constraint) == ("rule_range", "pages", "pages_max")
    assert kept.message == "pages '4' is above 3 (rule pages_max); title '' is missing (rule title_required)"
    assert [one.code for one in result.findings] == ["rule_range"], "who is kept out needs no warning"


def test_more_rules_than_a_number_has_bits(target: Ruled) -> None:
    target.execute(HEARINGS)
    rules = [{"name": f"r{number}", "column": "pages", "allowed": [*range(number), 1000]} for number in range(1, 150)]

    target.apply([{"id": 1, "pages": 1000}, {"id": 2, "pages": 148}, {"id": 3, "pages": 0}], *rules)

    assert target.ids() == [1, 3]
    assert target.reasons() == {"2": ("rule_allowed", "pages", "r1")}


# Which records are asked


def test_a_record_that_is_in_the_table_already_is_not_asked(target: Ruled) -> None:
    target.execute(HEARINGS, "INSERT INTO t (id, title, pages) VALUES (1, 'old', 900), (2, 'old', 900)")
    rule = {"column": "pages", "max": 500}

    result = target.apply([{"id": 1, "title": "old", "pages": 900}, {"id": 2, "title": "new", "pages": 900}], rule)

    assert result.counts == Counts(read=2, unchanged=1, quarantined=1)


def test_an_update_is_asked_about_the_columns_that_it_carries(target: Ruled) -> None:
    target.execute(HEARINGS, "INSERT INTO t (id, chamber, pages) VALUES (1, NULL, 900), (2, 'House', 900)")
    rules: list[Record] = [{"column": "pages", "max": 500}, {"column": "chamber", "required": True}]

    result = target.apply([{"id": 1, "title": "new"}, {"id": 2, "chamber": None}, {"id": 3, "title": "t"}], *rules)

    assert result.counts == Counts(read=3, updated=1, quarantined=2)
    assert target.reasons() == dict.fromkeys(["2", "3"], ("rule_required", "chamber", "chamber_required"))


def test_a_comparison_takes_what_the_row_has_where_the_record_leaves_it_out(target: Ruled) -> None:
    old = "INSERT INTO t (id, starts, ends) VALUES (1, '2024-01-05 10:00:00', NULL), (2, '2024-01-05 10:00:00', NULL)"
    target.execute(HEARINGS, old)
    rules = [
        {"column": "ends", "compare": "> starts"},
        {"name": "titled", "sql": "title IS NOT NULL OR starts IS NULL", "severity": "warning"},
    ]

    result = target.apply([{"id": 1, "ends": "2024-01-04"}, {"id": 2, "ends": "2024-01-06"}, {"id": 3}], *rules)

    assert target.reasons() == {"1": ("rule_compare", "ends", "ends_compare")}
    assert result.counts == Counts(read=3, inserted=1, updated=1, quarantined=1)
    assert [(one.code, one.observed) for one in result.findings if one.expected == "titled"] == []


def test_unique_looks_at_all_records_of_the_update(target: Ruled) -> None:
    target.execute(HEARINGS, "INSERT INTO t (id, code) VALUES (1, 'a')")

    result = target.apply([{"id": 1, "code": "a"}, {"id": 2, "code": "a"}], {"column": "code", "unique": True})

    assert result.counts == Counts(read=2, unchanged=1, quarantined=1)


def test_unique_and_exists_over_several_columns(target: Ruled) -> None:
    target.execute(
        HEARINGS,
        "CREATE TABLE rooms (house text, room integer)",
        "INSERT INTO rooms VALUES ('House', 1), ('Senate', 2)",
    )
    rules: list[Record] = [
        {"name": "pair", "columns": ["chamber", "pages"], "exists": "rooms.house, room"},
        {"name": "once", "columns": ["chamber", "code"], "unique": True},
    ]
    records: list[Record] = [
        {"id": 1, "chamber": "House", "pages": 1, "code": "x"},
        {"id": 2, "chamber": "House", "pages": 2, "code": "y"},
        {"id": 3, "chamber": "Senate", "pages": 2, "code": "x"},
        {"id": 4, "chamber": "Senate", "pages": 2, "code": "x"},
        {"id": 5, "chamber": None, "pages": 7, "code": "x"},
    ]

    target.apply(records, *rules)

    assert target.ids() == [1, 5]
    assert {number: rule for number, (_, _, rule) in target.reasons().items()} == {
        "2": "pair",
        "3": "once",
        "4": "once",
    }


def test_texts_are_compared_byte_by_byte(target: Ruled) -> None:
    target.execute(HEARINGS)
    records = [
        {"id": 1, "title": "a-b", "code": "ab"},
        {"id": 2, "title": "B", "code": "a"},
        {"id": 3, "title": "b", "code": "B"},
    ]

    target.apply(records, {"column": "title", "compare": "<= code"})

    assert target.ids() == [1, 2]


# SQL of the owner's


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("pages > 3", [4, 5]),
        ("pages > 3 AND chamber = 'it''s (50 %: ok?)'", [5]),
        ("record.pages > 4 -- comment", None),
        ("EXISTS (SELECT 1 FROM other WHERE other.pages = record.pages)", [4]),
        ("CASE WHEN pages > 3 THEN NULL ELSE pages = 1 END", [1, 4, 5]),
    ],
)
def test_sql_is_one_expression_over_the_columns(target: Ruled, sql: str, kept: list[int] | None) -> None:
    target.execute(HEARINGS, "CREATE TABLE other (pages integer)", "INSERT INTO other VALUES (4)")
    records = [{"id": n, "pages": n, "chamber": "it's (50 %: ok?)" if n == 5 else "x"} for n in range(1, 6)]
    rule = {"name": "mine", "sql": sql}
    if kept is None:
        with pytest.raises(SettingsError, match="it holds a comment"):
            target.apply(records, rule)
        return

    target.apply(records, rule)

    assert target.ids() == kept


MISFITS: list[tuple[Record, str]] = [
    ({"name": "mine", "sql": "pagse > 3"}, "the rule mine cannot be checked: the database says"),
    ({"name": "mine", "sql": "pages > > 3"}, "the rule mine cannot be checked: the database says"),
    (
        {"name": "mine", "sql": "pages > (SELECT 1 FROM nowhere)"},
        "the rule mine cannot be checked: the database says",
    ),
    ({"column": "pagse", "min": 1}, "the rule pagse_min cannot be checked: t has no column 'pagse'"),
    ({"column": "title", "min": 1}, "title holds no numbers, it is of type"),
    ({"column": "pages", "max_length": 1}, "pages holds no texts, it is of type integer"),
    ({"column": "pages", "allowed": ["one"]}, "'one' is no value for pages, which is of type integer"),
    ({"column": "pages", "allowed": [True]}, "True is no value for pages"),
    ({"column": "pages", "type": "date"}, "pages is of type integer, and no date"),
    ({"column": "ends", "compare": ">= title"}, "ends is of type timestamp"),
    ({"column": "ends", "compare": ">= strats"}, "t has no column 'strats'"),
    ({"column": "code", "exists": "nowhere.code"}, "there is no table 'nowhere'"),
    ({"column": "code", "exists": "t.nothing"}, "t has no column 'nothing'"),
    ({"table": "nowhere", "column": "x", "required": True}, "there is no table 'nowhere'"),
]
"""A rule that the table has nothing for, and what is said."""


def test_rules_without_a_name_are_told_apart(target: Ruled) -> None:
    target.execute(HEARINGS)
    rules = [{"column": "pages", "min": least, "severity": "warning"} for least in (5, 7)]

    result = target.apply([{"id": 1, "pages": 6}, {"id": 2, "pages": 4}], *rules)

    said = " ".join(one.message for one in result.findings if one.code == "rule_range")
    assert "(rule pages_min_1)" in said
    assert "(rule pages_min_2)" in said


def test_a_rule_that_does_not_fit_the_table_is_an_error_of_settings(target: Ruled) -> None:
    target.execute(HEARINGS)

    for rule, said in MISFITS:
        with pytest.raises(SettingsError) as caught:
            target.apply([{"id": 1, "pages": 1}], rule)

        assert said.lower() in caught.value.message.lower()
        assert "plugins.rules: the rule " in caught.value.message
        assert caught.value.exit_code == ExitCode.USAGE
    assert target.ids() == []


def test_sql_that_cannot_take_every_value_is_an_error_that_names_it(postgres: Ruled) -> None:
    postgres.execute(HEARINGS)
    rule = {"name": "ratio", "sql": "100 / pages > 3"}

    with pytest.raises(SettingsError, match=r"the rule ratio cannot be evaluated for every record \[22012\]"):
        postgres.apply([{"id": 1, "pages": 0}], rule)


def test_sql_cannot_write(target: Ruled) -> None:
    target.execute(HEARINGS)
    sql = "load_extension('x') IS NULL"
    if not target.is_sqlite:
        target.execute("CREATE SEQUENCE s")
        sql = "nextval('s') > 0"

    with pytest.raises(SettingsError) if target.is_sqlite else _rejected(target) as _:
        target.apply([{"id": 1, "pages": 0}], {"name": "mine", "sql": sql})

    assert target.ids() == []


class _rejected:  # noqa: N801  # reads as a context
    """On PostgreSQL the statement is planned, and refused when it is run: the check has failed, nothing is known."""

    def __init__(self, target: Ruled) -> None:
        self._target = target

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        assert self._target.states() == ["rejected"]
        assert self._target.rows("SELECT is_called FROM s") == [(False,)]


# Which table


def test_a_rule_about_another_table_is_not_asked_here(target: Ruled) -> None:
    target.execute(HEARINGS, "CREATE TABLE committees (id integer PRIMARY KEY, system_code text)")
    rules = [
        {"table": "committees", "column": "system_code", "required": True},
        {"table": "t", "column": "title", "required": True},
    ]

    target.apply([{"id": 1, "title": None}, {"id": 2, "title": "t"}], *rules)
    assert target.ids() == [2]

    result = target.apply([{"id": 1, "system_code": None}], *rules, table="committees")
    assert result.counts.quarantined == 1
