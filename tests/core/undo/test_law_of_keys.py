"""The law of the undo log over tables with foreign keys: whatever a run wrote into them, every table is as before.

Also where others refer to some of its rows meanwhile: those stay, with what they need, until they are free.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.core.engine.target import Target
from tests.core.undo.taking_back import taken_back
from tests.core.units.test_law import ANY_NUMBER, World, make, settings_of, worlds


def some_of(part: int) -> settings:
    return settings(
        max_examples=max(settings().max_examples // part, 1),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def law(target: Target, world: World, data: st.DataObject, *, publish: str) -> None:
    make(target, world)
    table = data.draw(st.sampled_from([table.name for table in world.tables]))
    target.execute(f"CREATE TABLE guest (host integer REFERENCES {table} (id))")
    batch: dict[str, Any] = {"batch": ANY_NUMBER["batch"] | {"publish": publish, "commit_batches": 1}}

    def update(records: Any) -> int:
        result = target.update(records, table="t0", tables=settings_of(world), plugins=("batch",), settings=batch)
        return result.counts.inserted + result.counts.updated

    update(world.first)
    before = target.dump()
    assume(update(world.second))
    hosts = data.draw(st.sets(st.sampled_from(sorted(target.rows(f"SELECT id FROM {table}")) or [(None,)]), max_size=2))
    target.insert("guest", hosts)

    back = taken_back(target)

    left = target.dump()
    assert back.altered == 0
    assert (back.conflicts == 0) == (left | {"guest": []} == before)
    target.execute("DELETE FROM guest")
    if back.conflicts:
        assert hosts
        assert taken_back(target, back.taken_back).conflicts == 0
    assert target.dump() == before


@some_of(5)
@given(world=worlds(), data=st.data(), publish=st.sampled_from(["audited", "progressive"]))
def test_every_table_is_as_before(sqlite: Target, world: World, data: st.DataObject, publish: str) -> None:
    law(sqlite, world, data, publish=publish)


@some_of(25)
@given(world=worlds(), data=st.data(), publish=st.sampled_from(["audited", "progressive"]))
def test_every_table_of_postgresql_is_as_before(
    postgres: Target, world: World, data: st.DataObject, publish: str
) -> None:
    law(postgres, world, data, publish=publish)
