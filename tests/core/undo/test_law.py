"""The law of the undo log: after an update and its roll-back the table is as before, cell by cell, each of its type."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.core.engine.target import Target
from tests.core.engine.test_law import make
from tests.core.undo.taking_back import DELETING, taken_back
from tests.strategies import World, worlds
from validate_updates import Verdict

one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@one_database
@given(world=worlds(), without_rowid=st.booleans(), triggers=st.booleans(), deletes=st.booleans())
def test_a_roll_back_brings_the_table_back(
    target: Target, world: World, *, without_rowid: bool, triggers: bool, deletes: bool
) -> None:
    make(target, world, without_rowid=without_rowid)
    if not triggers:
        unwatch(target)
    before = target.dump()["t"]

    result = target.update(
        [record.raw for record in world.records], key=world.key, deletes=DELETING if deletes else None
    )

    assume(result.verdict in {Verdict.COMMITTED, Verdict.COMMITTED_WITH_QUARANTINE})
    counts = result.counts
    assume(counts.inserted + counts.updated + counts.deleted)
    after = target.dump()["t"]
    assert after != before
    foreseen = taken_back(target, dry_run=True)
    assert target.dump()["t"] == after
    back = taken_back(target)
    assert target.dump()["t"] == before
    assert (back.restored, back.deleted, back.reinserted) == (counts.updated, counts.inserted, counts.deleted)
    assert (back.already, back.conflicts, back.altered) == (0, 0, 0)
    assert (foreseen.restored, foreseen.deleted, foreseen.reinserted) == (back.restored, back.deleted, back.reinserted)
    assert target.rows("SELECT * FROM update_undo") == []


def unwatch(target: Target) -> None:
    if target.is_sqlite:
        target.execute(*(f"DROP TRIGGER watch_{action}" for action in ("INSERT", "UPDATE", "DELETE")))
    else:
        target.execute("DROP TRIGGER watch ON t")


class Broken(bytes):
    """To be stored as a text, whatever its bytes are."""


anything: st.SearchStrategy[Any] = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.sampled_from(["}", '{"', "\\", '"', "\0", "a\0b", "\u2028", "{}", "7", "1.0", "\x01\x1f\x7f"])
    | st.binary(max_size=4)
    | st.binary(max_size=4).map(Broken)
)


KINDS = ("TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB", "", "DATE", "VARCHAR(9)", "ANY")


@one_database
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
    data=st.data(),
    triggers=st.booleans(),
    columns=st.sampled_from([1, 1, 1, 70]),
)
def test_any_value_that_sqlite_can_hold_comes_back(
    sqlite: Target, kinds: list[str], data: st.DataObject, *, triggers: bool, columns: int
) -> None:
    declared = [f"c{number} {kinds[number % len(kinds)]}" for number in range(len(kinds) * columns)]
    rows = data.draw(st.lists(st.lists(anything, min_size=len(kinds), max_size=len(kinds)), min_size=1, max_size=4))
    sqlite.execute(
        "DROP TABLE IF EXISTS t", f"CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER, {', '.join(declared)})"
    )
    for number, row in enumerate(rows):
        store(sqlite, [number, 0, *(row[at % len(kinds)] for at in range(len(declared)))])
    if triggers:
        sqlite.watch()
    before = exact(sqlite)

    changes = [{"id": number, "x": 1} for number in range(len(rows) - 1)]  # the last one is deleted
    assert sqlite.update([*changes, {"id": 99, "x": 2}], deletes=DELETING).verdict is Verdict.COMMITTED
    assert exact(sqlite) != before
    assert taken_back(sqlite).conflicts == 0
    assert exact(sqlite) == before


def store(target: Target, cells: list[Any]) -> None:
    marks = ", ".join("CAST(? AS TEXT)" if isinstance(cell, Broken) else "?" for cell in cells)
    with target.connect() as connection:
        connection.execute(f"INSERT INTO t VALUES ({marks})", [bytes(c) if isinstance(c, Broken) else c for c in cells])


def exact(target: Target) -> list[list[str]]:
    """Each cell's type and bytes, of texts too."""
    with target.connect() as connection:
        connection.text_factory = bytes
        names = [row[1].decode() for row in connection.execute("PRAGMA table_info(t)")]
        cells = ", ".join(f"typeof({name}), {name}" for name in names)
        return [[*map(repr, row)] for row in connection.execute(f"SELECT {cells} FROM t ORDER BY id")]
