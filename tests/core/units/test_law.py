"""The law of units: for any tables with foreign keys and any records, what comes of them is what a plain model says.

Up to five tables: chains, siblings, a table that refers to itself, to the root, to a sibling's rows (a diamond), to a
table outside. Some records are bad. In batches a bad one keeps its whole unit out, and nobody else's; all or nothing is
all or nothing; a roll-back restores every table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.core.engine.target import Target, jsonl
from tests.core.undo.taking_back import taken_back
from validate_updates import Verdict

BAD = 13
"""A number that the database refuses, wherever it stands."""
ANY_NUMBER = {"batch": {"size": 2, "max_failed_batches": "100 %", "max_quarantined": "100 %"}}
Record = dict[str, Any]
State = dict[str, dict[str, tuple[Any, ...]]]
"""Table -> code -> (number, code of the parent, code of what it refers to)."""


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One table. Every row has a code, unique in its table."""

    name: str
    parent: str | None
    refers: str | None
    """To a table of the tree, or the one outside."""
    creates: bool
    replaces: bool
    by_parent: bool
    """Whether the key is the parent and the code, and not the code alone."""


@dataclass(frozen=True, slots=True)
class World:
    tables: tuple[TablePlan, ...]
    first: Sequence[Record]
    second: Sequence[Record]

    def named(self, name: str) -> TablePlan:
        return next(table for table in self.tables if table.name == name)

    def below(self, name: str | None) -> list[TablePlan]:
        return [table for table in self.tables if table.parent == name]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    tables = [TablePlan("t0", None, draw(st.sampled_from([None, "t0", "o"])), draw(st.booleans()), False, False)]
    for number in range(1, draw(st.integers(1, 4)) + 1):
        parent = draw(st.sampled_from(tables))
        merged = [one.name for one in tables if not one.replaces]
        refers = draw(st.sampled_from([None, "o", *merged]))
        creates = draw(st.booleans()) and refers in {"o", "t0"}  # others need a parent
        replaces = parent.replaces or draw(st.booleans())
        tables.append(TablePlan(f"t{number}", parent.name, refers, creates, replaces, draw(st.booleans())))
    plan = World(tuple(tables), (), ())
    good = draw(st.lists(_records(plan, "t0", "", bad=False), max_size=3))
    mixed = draw(st.lists(_records(plan, "t0", "", bad=True), max_size=4))
    return World(tuple(tables), good, mixed)


@st.composite
def _records(draw: st.DrawFn, world: World, name: str, path: str, *, bad: bool) -> Record:
    table = world.named(name)
    code = path + draw(st.sampled_from("abc"))
    record: Record = {"code": code}
    if draw(st.booleans()):
        record["number"] = draw(st.sampled_from([None, 1, 2, *([BAD] if bad else [])]))
    if table.refers and draw(st.booleans()):
        codes = st.sampled_from(["a", "b", "c", "aa", "ab", "ba"])
        record["ref_id"] = draw(st.none() | st.builds(lambda code: {"code": code}, codes))
    for child in world.below(name):
        if draw(st.booleans()):
            children = st.lists(
                _records(world, child.name, code, bad=bad), max_size=2, unique_by=lambda one: one["code"]
            )
            record[child.name] = draw(children)
    return record


# --- the model -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Outcome:
    state: State
    kept_out: set[int] = field(default_factory=set)
    """Places of the records."""


def model(world: World, state: State, records: Sequence[Record]) -> Outcome:
    """All good units, in batches. What cannot be written without another unit goes with it."""
    last = {record["code"]: place for place, record in enumerate(records)}
    units = {place: records[place] for place in sorted(last.values())}
    kept_out: set[int] = set()
    while True:
        standing = {place: unit for place, unit in units.items() if place not in kept_out}
        after = _applied(world, state, standing.values())
        bad = {place for place, unit in standing.items() if _is_bad(world, after, unit)}
        if not bad:
            return Outcome(after, kept_out)
        kept_out |= bad


def _applied(world: World, state: State, units: Any) -> State:
    after = {table: dict(rows) for table, rows in state.items()}
    for unit in units:
        for table, parent, record in _rows(world, world.tables[0], None, unit):
            number, _, refers = after[table.name].get(record["code"], (None, None, None))
            number = record.get("number", number)
            said = record.get("ref_id", ...)
            refers = refers if said is ... else said and said["code"]
            after[table.name][record["code"]] = (number, parent, refers)
            if said and said is not ... and table.creates and table.refers and said["code"] not in after[table.refers]:
                _make(after, table.refers, said["code"], units, world)
            for child in world.below(table.name):
                if child.replaces and child.name in record:
                    listed = {one["code"] for one in record[child.name]}
                    gone = [code for code, row in after[child.name].items() if row[1] == record["code"]]
                    for code in set(gone) - listed:
                        _remove(world, after, child, code)
    return after


def _make(after: State, table: str, code: str, units: Any, world: World) -> None:
    brought = {
        row["code"] for unit in units for one, _, row in _rows(world, world.tables[0], None, unit) if one.name == table
    }
    if code not in brought:
        after[table][code] = (None, None, None)


def _remove(world: World, after: State, table: TablePlan, code: str) -> None:
    del after[table.name][code]
    for child in world.below(table.name):
        for one in [one for one, row in after[child.name].items() if row[1] == code]:
            _remove(world, after, child, one)


def _rows(
    world: World, table: TablePlan, parent: str | None, record: Record
) -> Iterator[tuple[TablePlan, Any, Record]]:
    yield table, parent, record
    for child in world.below(table.name):
        for one in record.get(child.name, ()):
            yield from _rows(world, child, record["code"], one)


def _is_bad(world: World, after: State, unit: Record) -> bool:
    for table, _, record in _rows(world, world.tables[0], None, unit):
        if record.get("number") == BAD:
            return True
        said = record.get("ref_id")
        if said and table.refers and said["code"] not in after[table.refers]:
            return True
    return False


# --- the database ----------------------------------------------------------------------------------------------------


def make(target: Target, world: World) -> None:
    if target.is_sqlite:
        target.path.unlink(missing_ok=True)
    else:
        target.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    number = "integer PRIMARY KEY" if target.is_sqlite else "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    target.execute(f"CREATE TABLE o (id {number}, code text NOT NULL UNIQUE)", "INSERT INTO o (code) VALUES ('a')")
    for table in world.tables:
        parent = f", p_id integer NOT NULL REFERENCES {table.parent} (id)" if table.parent else ""
        refers = f", ref_id integer REFERENCES {table.refers} (id)" if table.refers else ""
        key = "UNIQUE (p_id, code)" if table.by_parent else "UNIQUE (code)"
        target.execute(
            f"CREATE TABLE {table.name} (id {number}, code text NOT NULL, number integer CHECK (number <> {BAD})"
            f"{parent}{refers}, {key})"
        )


def settings_of(world: World) -> dict[str, dict[str, Any]]:
    found = {}
    for table in world.tables:
        said: dict[str, Any] = {"key": ["p_id", "code"] if table.by_parent else "code"}
        if table.parent:
            said |= {"parent": table.parent, "children": "replace" if table.replaces else "merge"}
        if table.refers:
            missing = "create" if table.creates else "require"
            said["references"] = {"ref_id": {"to": f"{table.refers}.code", "missing": missing}}
        found[table.name] = said
    return found


def state_of(target: Target, world: World) -> State:
    state: State = {"o": {code: (None, None, None) for (code,) in target.rows("SELECT code FROM o")}}
    for table in world.tables:
        parent = f"(SELECT code FROM {table.parent} WHERE id = t.p_id)" if table.parent else "NULL"
        refers = f"(SELECT code FROM {table.refers} WHERE id = t.ref_id)" if table.refers else "NULL"
        rows = target.rows(f"SELECT code, number, {parent}, {refers} FROM {table.name} t")
        state[table.name] = {code: tuple(cells) for code, *cells in rows}
        assert len(state[table.name]) == len(rows)
    return state


def same(one: State, other: State) -> bool:
    return {table: rows for table, rows in one.items() if rows} == {
        table: rows for table, rows in other.items() if rows
    }


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=max(settings.default.max_examples // 3, 5) if settings.default else 8,
)
@given(world=worlds(), progressive=st.booleans(), lines=st.booleans())
def test_units_come_to_what_the_model_says(
    target: Target, tmp_path: Path, world: World, *, progressive: bool, lines: bool
) -> None:
    make(target, world)
    tables = settings_of(world)
    note(f"{tables}")
    plugins: Mapping[str, Mapping[str, Any]] = {
        "batch": ANY_NUMBER["batch"] | {"publish": "progressive" if progressive else "audited", "commit_batches": 1}
    }
    state = state_of(target, world)
    for records in (world.first, world.second):
        before, expected = target.dump(), model(world, state, records)
        source = jsonl(tmp_path / "records.jsonl", records) if lines else records

        refused = target.update(source, table="t0", tables=tables)

        if refused.verdict is Verdict.REJECTED:
            assert any(_number_is_bad(world, record) for record in records), refused.reason
            assert target.dump() == before
        in_batches: dict[str, Any] = {"table": "t0", "tables": tables, "plugins": ("batch",), "settings": plugins}
        result = target.update(source, **in_batches)

        assert result.verdict in {Verdict.COMMITTED, Verdict.COMMITTED_WITH_QUARANTINE}, result.reason
        assert result.counts.add_up
        assert result.counts.quarantined == len(expected.kept_out), [one.message for one in result.kept_out]
        assert same(state_of(target, world), expected.state)
        if refused.verdict is Verdict.REJECTED and result.counts.inserted + result.counts.updated:
            assert taken_back(target).conflicts == 0
            assert target.dump() == before
            target.update(source, **in_batches)
        again = target.update(source, **in_batches)
        assert (again.counts.inserted, again.counts.updated) == (0, 0)
        state = expected.state


def _number_is_bad(world: World, record: Record) -> bool:
    return any(row.get("number") == BAD for _, _, row in _rows(world, world.tables[0], None, record))
