"""Ways that are compared with each other: in another order at each repeat, by the ratios within one repeat."""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from statistics import median

from benchmarks import as_json
from benchmarks.run import Fresh, fresh_sqlite, postgres_server
from benchmarks.ways import Cost

Costs = dict[str, list[Cost]]
"""Of each way, in the order of the repeats."""


def options_of(name: str, about: str, arguments: Sequence[str] | None) -> argparse.Namespace:
    """``size``, ``repeats``, ``postgres`` and ``json``, as typed."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--size", type=int, default=100_000, help="records (100000)")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each way (5)")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL as well, on the server the tests use")
    as_json.json_option(parser)
    return parser.parse_args(arguments)


def databases(stack: ExitStack, *, postgres: bool) -> dict[str, Fresh]:
    """Those to measure on; a server lives as long as the stack."""
    return {"SQLite": fresh_sqlite} | ({"PostgreSQL": stack.enter_context(postgres_server())} if postgres else {})


def in_turn(ways: Sequence[str], repeats: int, measured: Callable[[str], Cost]) -> Costs:
    """Measure each way so many times."""
    costs: Costs = {way: [] for way in ways}
    for repeat in range(repeats):
        for way in random.Random(repeat).sample(ways, len(ways)):
            costs[way].append(measured(way))
    return costs


def cpu_of(cost: Cost) -> float:
    """Seconds of the processor."""
    return cost.cpu


def wall_of(cost: Cost) -> float:
    """Seconds of the clock."""
    return cost.wall


def ratio(costs: Costs, way: str, to: str, figure: Callable[[Cost], float] = cpu_of) -> float:
    """Of one way to another, the median over the repeats."""
    return median(figure(of) / figure(other) for of, other in zip(costs[way], costs[to], strict=True))
