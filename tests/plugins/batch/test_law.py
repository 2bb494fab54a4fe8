"""The law of batches: whatever the table and the faults, every record that can stand does, the others are listed, and
the same source again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.engine import test_law as all_or_nothing
from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, Batched, Record
from tests.strategies import Row, World, worlds
from validate_updates import RunResult, Verdict

one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
Table = dict[int, Record]
"""Rows by id."""

ways = st.fixed_dictionaries(
    {
        "size": st.sampled_from([1, 2, 3, 5, 100]),
        "publish": st.sampled_from(["audited", "progressive"]),
        "commit_batches": st.integers(1, 3),
    }
)


# Any table at all, with records that cannot be read or lack what they need


def stands(world: World, row: Row) -> bool:
    needed = [column.name for column in world.columns if column.rule != "nullable"]
    return all(row[name] is not None for name in needed)


@one_database
@given(world=worlds(), way=ways, without_rowid=st.booleans())
def test_of_any_records_for_any_table_those_that_break_no_rule_land(
    target: Batched, world: World, way: dict[str, Any], *, without_rowid: bool
) -> None:
    all_or_nothing.make(target, world, without_rowid=without_rowid)
    records = [record.raw for record in world.records]
    before = {all_or_nothing._key(world, row): row for row in world.rows}
    planned = after_all(world, before)
    bad = {key for key, row in planned.items() if row != before.get(key) and not stands(world, row)}
    expected = {**before, **{key: row for key, row in planned.items() if key not in bad}}
    unreadable = sum(record.kept is None for record in world.records)

    result = target.apply(records, options={"key": world.key}, **way, **ANY_NUMBER)

    assert all_or_nothing.same(all_or_nothing.contents(target, world), list(expected.values()))
    assert result.counts.quarantined == unreadable + len(bad)
    target.written()

    again = target.apply(records, options={"key": world.key}, **way, **ANY_NUMBER)

    assert target.written() == []
    assert (again.counts.inserted, again.counts.updated) == (0, 0)
    assert again.counts.quarantined == result.counts.quarantined


def after_all(world: World, before: dict[tuple[Any, ...], Row]) -> dict[tuple[Any, ...], Row]:
    """The rows that the records would make, each alone."""
    absent = {column.name: column.when_absent for column in world.columns}
    last = {all_or_nothing._key(world, kept): kept for kept in (one.kept for one in world.records) if kept is not None}
    return {key: {**before.get(key, absent), **kept} for key, kept in last.items()}


# A table with rules about other rows: unique values and a reference to itself


@dataclass(frozen=True, slots=True)
class Office:
    """People, and records that change them."""

    before: Table
    records: list[Record]


LETTERS = "abcde"
EMAILS = st.none() | st.sampled_from(LETTERS)
NUMBERS = st.integers(1, 8)


@st.composite
def offices(draw: st.DrawFn) -> Office:
    before: Table = {}
    for number, email in zip(draw(st.lists(NUMBERS, unique=True, max_size=5)), LETTERS, strict=False):
        boss = draw(st.none() | st.sampled_from([number, *before]))
        before[number] = {"id": number, "email": draw(st.sampled_from([email, email, None])), "name": "old"}
        before[number] |= {"age": 40, "boss": boss}
    record = st.fixed_dictionaries(
        {"id": NUMBERS},
        optional={
            "email": EMAILS,
            "name": st.sampled_from(["new"] * 7 + [None]),
            "age": st.sampled_from([40, 50, None] * 3 + [17]),
            "boss": st.none() | NUMBERS,
        },
    )
    return Office(before, [*draw(st.lists(record, max_size=8)), *draw(chains(before))])


@st.composite
def chains(draw: st.DrawFn, before: Table) -> list[Record]:
    """Records that wait for each other: each wants the email that the next gives up, or has the next for a boss."""
    if draw(st.booleans()):
        numbers = draw(st.permutations(list(before)))
        emails = [*(before[number]["email"] for number in numbers[1:]), draw(st.sampled_from(["z", "z", "a"]))]
        return [{"id": number, "email": email} for number, email in zip(numbers, emails, strict=False)]
    numbers = draw(st.lists(NUMBERS, unique=True, max_size=5))
    return [
        {"id": number, "name": "new", "email": None, "boss": boss}
        for number, boss in zip(numbers, [*numbers[1:], draw(st.sampled_from([None, *numbers[:1]]))], strict=False)
    ]


def wanted(office: Office) -> Table:
    """What the records ask for: of each id the last, over the row that is there."""
    blank = {"email": None, "name": None, "age": None, "boss": None}
    last = {record["id"]: record for record in office.records}
    return {number: {**office.before.get(number, blank), **record} for number, record in last.items()}


def broken_rules(table: Table) -> set[str]:
    """What the database would say about a table as a whole."""
    emails = Counter(row["email"] for row in table.values() if row["email"] is not None)
    rules = {
        "name": any(row["name"] is None for row in table.values()),
        "age": any(row["age"] is not None and row["age"] < 18 for row in table.values()),
        "email": any(count > 1 for count in emails.values()),
        "boss": any(row["boss"] is not None and row["boss"] not in table for row in table.values()),
    }
    return {rule for rule, broken in rules.items() if broken}


def found(target: Batched) -> Table:
    names = ("id", "email", "name", "age", "boss")
    return {cells[0]: dict(zip(names, cells, strict=True)) for cells in target.people()}


def check(office: Office, target: Batched, result: RunResult) -> set[int]:
    """Every row is as before or as wanted; what is kept out is exactly the rest, and could not stand. Their ids."""
    before, ask, after = office.before, wanted(office), found(target)
    kept_out = {int(str(key).removeprefix("id=")) for key in target.kept_out_keys()}
    asked = {number for number, row in ask.items() if row != before.get(number)}
    assert kept_out <= asked
    assert after == {**before, **{number: ask[number] for number in asked - kept_out}}
    assert not broken_rules(after)
    for number in kept_out:
        assert broken_rules({**after, number: ask[number]}), f"{number} could have been written"
    for pair in combinations(sorted(kept_out - before.keys()), 2):  # new rows that could be each other's boss
        assert broken_rules({**after, **{number: ask[number] for number in pair}}), f"{pair} could have been written"
    uncontested = {number for number in asked if not contested(number, before, ask)}
    assert not kept_out & {number for number in uncontested if not broken_rules({**before, number: ask[number]})}
    assert result.counts.quarantined == len(kept_out)
    assert result.verdict is (Verdict.COMMITTED_WITH_QUARANTINE if kept_out else Verdict.COMMITTED)
    return kept_out


def contested(number: int, before: Table, ask: Table) -> bool:
    """Whether any other row, as it was or as it is asked for, has its email."""
    others = [row["email"] for table in (before, ask) for other, row in table.items() if other != number]
    return ask[number]["email"] in others


@one_database
@given(office=offices(), way=ways)
def test_of_any_faults_only_the_records_that_cannot_stand_are_kept_out(
    target: Batched, office: Office, way: dict[str, Any]
) -> None:
    target.execute("DROP TABLE IF EXISTS t", PEOPLE)
    target.insert("t", [tuple(row.values()) for row in office.before.values()])
    target.watch()

    result = target.apply(office.records, **way, **ANY_NUMBER)

    kept_out = check(office, target, result)
    target.written()

    again = target.apply(office.records, **way, **ANY_NUMBER)

    assert target.written() == []
    assert (again.counts.inserted, again.counts.updated, again.counts.quarantined) == (0, 0, len(kept_out))
    assert sum(batch.quarantined for batch in target.story().batches) == len(kept_out)


def test_the_law_can_be_broken() -> None:
    """Were the model blind, the law would hold for any engine."""
    row = {"id": 1, "email": "a", "name": "n", "age": 40, "boss": None}
    assert broken_rules({1: row, 2: {**row, "id": 2}}) == {"email"}
    assert broken_rules({1: {**row, "name": None, "age": 3, "boss": 9}}) == {"name", "age", "boss"}
    assert not broken_rules({1: {**row, "boss": 1, "age": None}, 2: {**row, "id": 2, "email": None}})
