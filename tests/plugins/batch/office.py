"""People in an office, whose rows have rules about each other; made up, changed, and judged by a model in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

from hypothesis import strategies as st

from tests.plugins.batch.world import Batched, Record

Table = dict[int, Record]
"""Rows by id."""

ways = st.fixed_dictionaries(
    {
        "size": st.sampled_from([1, 2, 3, 5, 100]),
        "publish": st.sampled_from(["audited", "progressive"]),
        "commit_batches": st.integers(1, 3),
    }
)


@dataclass(frozen=True, slots=True)
class Office:
    """People, and records that change them."""

    before: Table
    records: list[Record]


LETTERS = "abcde"
EMAILS = st.none() | st.sampled_from(LETTERS)
NUMBERS = st.integers(1, 8)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Rows that break no rule."""
    before: Table = {}
    for number, email in zip(draw(st.lists(NUMBERS, unique=True, max_size=5)), LETTERS, strict=False):
        boss = draw(st.none() | st.sampled_from([number, *before]))
        before[number] = {"id": number, "email": draw(st.sampled_from([email, email, None])), "name": "old"}
        before[number] |= {"age": 40, "boss": boss}
    return before


records = st.fixed_dictionaries(
    {"id": NUMBERS},
    optional={
        "email": EMAILS,
        "name": st.sampled_from(["new"] * 7 + [None]),
        "age": st.sampled_from([40, 50, None] * 3 + [17]),
        "boss": st.none() | NUMBERS,
    },
)


@st.composite
def offices(draw: st.DrawFn) -> Office:
    """A table and an update of it."""
    before = draw(tables())
    return Office(before, [*draw(st.lists(records, max_size=8)), *draw(chains(before))])


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


def check(office: Office, after: Table, kept_out: Collection[int]) -> None:
    """Every row is as before or as wanted; what is kept out is exactly the rest, and could not stand."""
    before, ask, kept_out = office.before, wanted(office), set(kept_out)
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


def contested(number: int, before: Table, ask: Table) -> bool:
    """Whether any other row, as it was or as it is asked for, has its email."""
    others = [row["email"] for table in (before, ask) for other, row in table.items() if other != number]
    return ask[number]["email"] in others
