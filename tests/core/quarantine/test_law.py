"""Whatever comes: a key is in quarantine if, and as often as, the last update that knew it kept it out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.core.quarantine.world import TABLE, World

KEYS = 5
update = st.lists(st.tuples(st.integers(1, KEYS), st.booleans()), max_size=6)
"""Records by key, good or bad."""
replay = st.sets(st.integers(1, KEYS))
"""Keys whose entries are replayed; as they came, so that they are refused again."""


def record(key: int, *, good: bool, age: int) -> dict[str, Any]:
    return {"id": key, "name": "n", "age": age if good else "many"}


@given(st.lists(st.tuples(st.just("update"), update) | st.tuples(st.just("replay"), replay), max_size=6))
def test_the_quarantine_holds_what_was_kept_out_last(steps: list[tuple[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        world = World(f"sqlite:///{Path(folder) / 'target.db'}")
        world.execute(TABLE)
        kept_out: Counter[str] = Counter()
        table: dict[int, int] = {}
        for age, (kind, what) in enumerate(steps):
            if kind == "update":
                world.update([record(key, good=good, age=age) for key, good in what])
                bad = Counter(f"id={key}" for key, good in what if not good)
                for key, good in what:
                    kept_out[f"id={key}"] = bad[f"id={key}"]
                    table |= {key: age} if good else {}
            elif kept_out.total():
                named = {f"id={key}" for key in what}
                numbers = [one.number for one in world.entries(closed_too=False) if one.kept.key in named]
                if numbers:
                    assert world.replayed(*numbers).counts.quarantined == len(numbers)
            assert open_keys(world) == +kept_out
        assert dict(world.rows("SELECT id, age FROM t")) == table


def open_keys(world: World) -> Counter[str]:
    if "update_quarantine" not in world.all_tables():
        return Counter()
    return Counter(str(one.kept.key) for one in world.entries(closed_too=False))
