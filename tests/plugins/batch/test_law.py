"""The law of batches: whatever the table and the faults, every record that can stand does, the others are listed, and
the same source again changes nothing.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.engine import test_law as all_or_nothing
from tests.plugins.batch.office import Office, broken_rules, check, found, offices, ways
from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, Batched
from tests.strategies import Row, World, worlds
from validate_updates import Verdict

one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

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


@one_database
@given(office=offices(), way=ways)
def test_of_any_faults_only_the_records_that_cannot_stand_are_kept_out(
    target: Batched, office: Office, way: dict[str, Any]
) -> None:
    target.execute("DROP TABLE IF EXISTS t", PEOPLE)
    target.insert("t", [tuple(row.values()) for row in office.before.values()])
    target.watch()

    result = target.apply(office.records, **way, **ANY_NUMBER)

    kept_out = {int(str(key).removeprefix("id=")) for key in target.kept_out_keys()}
    check(office, found(target), kept_out)
    assert result.counts.quarantined == len(kept_out)
    assert result.verdict is (Verdict.COMMITTED_WITH_QUARANTINE if kept_out else Verdict.COMMITTED)
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
