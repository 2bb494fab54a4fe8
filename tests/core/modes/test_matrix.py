"""Every built-in plugin that has a part in the verdict, off, in shadow and enforced, with every other, on one update.

What comes of them depends on those that are enforced, and on them only as each of them promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from tests.core.engine.target import Target
from validate_updates import RunResult, Verdict
from validate_updates.manager import available, describe

TABLE: Final = "CREATE TABLE t (id integer PRIMARY KEY, name text, age integer CHECK (age >= 18))"
SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "batch": {"size": 2, "max_failed_batches": "100 %", "max_quarantined": "100 %"},
    "static_thresholds": {"added_most": 8},
}
PEOPLE: Final = [{"id": number, "name": f"n{number}", "age": 40} for number in range(1, 7)]
FAULTY: Final = [*PEOPLE[:3], {"id": 9, "name": "n9", "age": 7}, *PEOPLE[3:]]
"""The database refuses one of them."""
MANY: Final = [*PEOPLE, *({"id": number, "name": f"n{number}", "age": 50} for number in range(10, 14))]
"""More than the fixed limits allow."""
JUDGE_BY_LIMITS: Final = {"static_thresholds", "historical"}
"""The latter, while its past is short, by those of the former."""


def deciding() -> list[str]:
    """The plugins of this project that have a strategy or a check."""
    ours = (describe(found.name) for found in available() if found.distribution == "validate-updates")
    return [one.info.name for one in ours if one.strategy or one.validators]


def ways(names: list[str]) -> list[tuple[str, ...]]:
    modes = ("", "enforce", "shadow")
    return [
        tuple(f"{name}:{mode}" for name, mode in zip(names, chosen, strict=True) if mode)
        for chosen in product(modes, repeat=len(names))
    ]


def check(target: Target, way: tuple[str, ...]) -> None:
    enforced = {name for name, _, mode in (one.partition(":") for one in way) if mode == "enforce"}
    in_shadow = {name for name, _, mode in (one.partition(":") for one in way) if mode == "shadow"}
    target.execute("DROP TABLE IF EXISTS t", TABLE)

    faulty = target.update(FAULTY, plugins=way, settings=SETTINGS, task="/".join(way) or "none")

    ids = [number for (number,) in target.rows("SELECT id FROM t ORDER BY id")]
    if "batch" in enforced:
        assert (faulty.verdict, faulty.strategy) == (Verdict.COMMITTED_WITH_QUARANTINE, "batch"), way
        assert ids == [1, 2, 3, 4, 5, 6], "the good records land"
    else:
        assert (faulty.verdict, faulty.strategy) == (Verdict.REJECTED, "all_or_nothing"), way
        assert ids == [], "all or nothing"
    agrees(faulty, enforced, in_shadow)

    target.execute("DELETE FROM t")
    many = target.update(MANY, plugins=way, settings=SETTINGS, task=f"many {'/'.join(way)}")

    limited = enforced & JUDGE_BY_LIMITS
    assert many.verdict is (Verdict.REJECTED if limited else Verdict.COMMITTED), way
    assert target.rows("SELECT count(*) FROM t") == [(0 if limited else len(MANY),)]
    left_to_others = {"historical"} if "static_thresholds" in enforced else set()
    assert set(many.opposed_in_shadow) == in_shadow & JUDGE_BY_LIMITS - left_to_others, way
    agrees(many, enforced, in_shadow)


def agrees(result: RunResult, enforced: set[str], in_shadow: set[str]) -> None:
    """Who decided is enforced, who only said something is in shadow, and who is off did neither."""
    assert {one.name: str(one.mode) for one in result.plugins} == {
        **dict.fromkeys(enforced, "enforce"),
        **dict.fromkeys(in_shadow, "shadow"),
    }
    assert {one.plugin for one in result.findings} <= {*enforced, ""}
    assert {one.plugin for one in result.shadow} <= in_shadow
    assert {one.plugin for one in result.judged} <= enforced | in_shadow
    assert result.counts.add_up


def test_every_way_to_combine_them(tmp_path: Path) -> None:
    target = Target(f"sqlite:///{tmp_path / 'target.db'}")
    names = deciding()
    assert {"batch", "historical", "static_thresholds"} <= set(names)
    for way in ways(names):
        check(target, way)


@pytest.mark.parametrize(
    "way",
    [
        (),
        ("batch:enforce", "historical:shadow", "static_thresholds:shadow"),
        ("batch:shadow", "historical:enforce", "static_thresholds:shadow"),
        ("batch:enforce", "historical:enforce", "static_thresholds:enforce"),
    ],
)
def test_some_of_them_on_postgresql(postgres_url: str, way: tuple[str, ...]) -> None:
    check(Target(postgres_url), way)
