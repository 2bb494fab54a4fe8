"""The law of rules: whatever the rules and the records, both databases keep out what a plain model in Python does.

And what is not kept out stands as it would without the plugin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.rules.world import Record, Ruled
from validate_updates import Verdict

one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
TABLE = """CREATE TABLE t (
    id integer PRIMARY KEY, a text, b text, n integer, m integer, r double precision, d date, w text, k boolean
)"""
KNOWN = ("x", "y", "Ä")
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
Row = dict[str, Any]

words = st.sampled_from(
    ["", " ", "x", "y", "X", "Ä", "ä", "x1", "12", "-3", "1.5", "a b", "xy\n", "y" * 90, "2026-02-29"]
)
days = st.dates(date(2026, 7, 1), date(2026, 7, 30)).map(str)
written = days.map(lambda day: f"{day[8:]}/{day[5:7]}/{day[:4]}") | st.sampled_from(["31/02/2026", "1/7/2026", "x"])
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "a": words,
    "b": words,
    "n": st.integers(-3, 9),
    "m": st.integers(-3, 9),
    "r": st.sampled_from([-1.5, 0.0, 0.25, 3.0]),
    "d": days,
    "w": written,
    "k": st.booleans(),
}
records = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(1, 12)}, optional={name: st.none() | cell for name, cell in CELLS.items()}
    ),
    max_size=10,
)
rows = st.dictionaries(
    st.integers(1, 12), st.fixed_dictionaries({n: st.none() | c for n, c in CELLS.items()}), max_size=4
)


# The rules, each with what it means: given a value that is there, whether it is broken


Broken = Callable[[Any], bool]


def _date_written(text: str) -> date | None:
    match = re.fullmatch(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", text)
    try:
        return date(int(match[3]), int(match[2]), int(match[1])) if match else None
    except ValueError:
        return None


def _beyond(low: Any, high: Any) -> Broken:
    return lambda value: (low is not None and value < low) or (high is not None and value > high)


def _valued(columns: str, values: st.SearchStrategy[Any], made: Callable[[Any], tuple[dict[str, Any], Broken]]) -> Any:
    """Rules about one of these columns, from values for their settings."""

    def rule(column: str, value: Any) -> tuple[dict[str, Any], Broken]:
        settings, broken = made(value)
        return {"column": column, **settings}, broken

    return st.builds(rule, st.sampled_from(columns), values)


def _pattern(text: str) -> tuple[dict[str, Any], Broken]:
    meaning = re.compile(text, re.ASCII | re.DOTALL)
    return {"pattern": text}, lambda value: meaning.fullmatch(value) is None


def _days(ends: list[str]) -> tuple[dict[str, Any], Broken]:
    first, last = sorted(ends)
    return {"earliest": first, "latest": last}, _beyond(first, last)


def _written(first: str) -> tuple[dict[str, Any], Broken]:
    within = _beyond(date.fromisoformat(first), NOW.date())
    return (
        {"date_format": "%d/%m/%Y", "earliest": first, "latest": "today"},
        lambda value: (day := _date_written(value)) is None or within(day),
    )


patterns = st.sampled_from(["[a-z]+", ".*[xÄ].*", "x|y", r"\d+", "x*", "(x?y){1,9}", "[^x]*", r"\S+\s?"])
ends = st.lists(st.integers(0, 9), min_size=2, max_size=2).map(sorted)
value_rules = st.one_of(
    _valued("ab", st.lists(words, min_size=1, max_size=4), lambda some: ({"allowed": some}, lambda it: it not in some)),
    _valued("nm", ends, lambda two: ({"min": two[0] - 3, "max": two[1]}, _beyond(two[0] - 3, two[1]))),
    _valued("r", st.sampled_from([0, 0.25, -2]), lambda most: ({"max": most}, _beyond(None, most))),
    _valued("k", st.booleans(), lambda flag: ({"allowed": [flag]}, lambda it: it is not flag)),
    _valued(
        "ab",
        ends,
        lambda two: ({"min_length": two[0], "max_length": two[1]}, lambda it: _beyond(*two)(len(it))),
    ),
    _valued("ab", patterns, _pattern),
    _valued(
        "ab", st.just("integer"), lambda it: ({"type": it}, lambda text: re.fullmatch("[+-]?[0-9]+", text) is None)
    ),
    _valued("d", st.lists(days, min_size=2, max_size=2), _days),
    _valued("w", days, _written),
)


SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
}
SQL: dict[str, tuple[set[str], Callable[[Row], bool | None]]] = {
    "n < m OR k": ({"n", "m", "k"}, lambda row: _or(_less(row["n"], row["m"]), row["k"])),
    "a = 'x' AND n IS NOT NULL": ({"a", "n"}, lambda row: _and(_is(row["a"], "x"), row["n"] is not None)),
    "length(b) < 5": ({"b"}, lambda row: None if row["b"] is None else len(row["b"]) < 5),
}


def _less(one: Any, other: Any) -> bool | None:
    return None if one is None or other is None else one < other


def _is(one: Any, other: Any) -> bool | None:
    return None if one is None else one == other


def _or(one: bool | None, other: bool | None) -> bool | None:
    return True if one or other else None if one is None or other is None else False


def _and(one: bool | None, other: bool | None) -> bool | None:
    return False if one is False or other is False else None if one is None or other is None else True


Model = Callable[[Record, Row, Counter[Any]], bool]
"""Whether a record breaks a rule: the record, the row it would make, and what the update's records have."""


@st.composite
def rules(draw: st.DrawFn) -> tuple[dict[str, Any], set[str], Model]:
    """A rule, the columns it is about, and its meaning."""
    kind = draw(st.sampled_from(["value"] * 5 + ["required", "unique", "exists", "compare", "sql"]))
    column = draw(st.sampled_from("abnmdw"))
    if kind == "value":
        rule, broken = draw(value_rules)
        name = rule["column"]
        return rule, {name}, lambda _, row, __: row[name] is not None and broken(row[name])
    if kind == "required":
        return {"column": column, "required": True}, {column}, lambda _, row, __: _missing(row[column])
    if kind == "unique":
        return (
            {"column": column, "unique": True},
            {column},
            lambda record, _, seen: record.get(column) is not None and seen[column, record[column]] > 1,
        )
    if kind == "exists":
        return (
            {"column": "a", "exists": "known.word"},
            {"a"},
            lambda _, row, __: row["a"] is not None and row["a"] not in KNOWN,
        )
    if kind == "compare":
        one, other = draw(st.sampled_from([("n", "m"), ("a", "b"), ("m", "r")]))
        sign = draw(st.sampled_from(sorted(SIGNS)))
        return (
            {"column": one, "compare": f"{sign} {other}"},
            {one, other},
            lambda _, row, __: (
                row[one] is not None and row[other] is not None and not SIGNS[sign](row[one], row[other])
            ),
        )
    sql = draw(st.sampled_from(sorted(SQL)))
    columns, holds = SQL[sql]
    return {"name": f"sql{draw(st.uuids())}"[:60], "sql": sql}, columns, lambda _, row, __: holds(row) is False


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip(" "))


def kept_out(before: dict[int, Row], found: list[Record], all_rules: list[tuple[Any, set[str], Model]]) -> set[int]:
    """By the model: ids of the records that change the table and break a rule."""
    last = {record["id"]: record for record in found}
    seen = Counter((name, value) for one in last.values() for name, value in one.items() if value is not None)
    out = set()
    for number, record in last.items():
        present = before.get(number)
        row = {**dict.fromkeys(CELLS), **(present or {}), **record}
        if present is not None and all(row[name] == present[name] for name in CELLS):
            continue
        asked = [model for _, columns, model in all_rules if present is None or columns & record.keys()]
        if any(model(record, row, seen) for model in asked):
            out.add(number)
    return out


def make(target: Ruled, before: dict[int, Row]) -> None:
    target.execute("DROP TABLE IF EXISTS t", "DROP TABLE IF EXISTS known", TABLE, "CREATE TABLE known (word text)")
    target.insert("known", [(word,) for word in KNOWN])
    target.insert("t", [(number, *(row[name] for name in CELLS)) for number, row in before.items()])


def contents(target: Ruled) -> dict[int, Row]:
    found = target.rows(f"SELECT id, {', '.join(CELLS)} FROM t")
    return {
        number: {
            name: str(cell) if name == "d" and cell else bool(cell) if name == "k" and cell is not None else cell
            for name, cell in zip(CELLS, cells, strict=True)
        }
        for number, *cells in found
    }


@one_database
@given(before=rows, found=records, given_rules=st.lists(rules(), min_size=1, max_size=4), in_batches=st.booleans())
def test_what_breaks_a_rule_is_kept_out_and_the_rest_stands(
    target: Ruled, before: dict[int, Row], found: list[Record], given_rules: list[Any], *, in_batches: bool
) -> None:
    make(target, before)
    plugins = ("rules", "batch") if in_batches else ("rules",)
    batch = {"batch": {"size": 3, "max_quarantined": "100 %", "max_failed_batches": "100 %"}} if in_batches else {}
    out = kept_out(before, found, given_rules)
    wanted = {record["id"]: record for record in found if record["id"] not in out}
    blank: Row = dict.fromkeys(CELLS)

    result = target.apply(
        found, *(rule for rule, _, _ in given_rules), plugins=plugins, settings=batch, key="id", as_of=NOW
    )

    assert {int(number) for number in target.reasons()} == out
    assert contents(target) == before | {
        number: {name: {**blank, **before.get(number, {}), **record}[name] for name in CELLS}
        for number, record in wanted.items()
    }
    assert result.verdict is (Verdict.COMMITTED_WITH_QUARANTINE if out else Verdict.COMMITTED)


@one_database
@given(before=rows, found=records, given_rules=st.lists(rules(), min_size=1, max_size=4))
def test_as_warnings_the_same_are_told_and_all_stand(
    sqlite: Ruled, before: dict[int, Row], found: list[Record], given_rules: list[Any]
) -> None:
    make(sqlite, before)
    warnings = [{**rule, "severity": "warning"} for rule, _, _ in given_rules]

    result = sqlite.apply(found, *warnings, key="id", as_of=NOW)

    told = {sample.split(":")[0] for finding in result.findings for sample in finding.samples if finding.expected}
    assert told <= {f"id={number}" for number in kept_out(before, found, given_rules)}
    assert bool(told) is bool(kept_out(before, found, given_rules))
    assert (result.verdict, result.counts.quarantined) == (Verdict.COMMITTED, 0)


def test_the_model_can_be_broken() -> None:
    """Were the model blind, the law would hold for any plugin."""
    rule = {"column": "n", "max": 3}, {"n"}, lambda _, row, __: row["n"] is not None and row["n"] > 3

    assert kept_out({}, [{"id": 1, "n": 4}, {"id": 2, "n": 3}, {"id": 3}], [rule]) == {1}
    assert kept_out({1: {**dict.fromkeys(CELLS), "n": 4}}, [{"id": 1, "n": 4}, {"id": 1, "a": "x"}], [rule]) == set()
