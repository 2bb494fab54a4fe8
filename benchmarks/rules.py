"""What rules cost: ``python -m benchmarks.rules --repeats 5 --postgres``.

The same data and the same care as in :mod:`benchmarks.batches`: a fresh process and table for each measurement, the
ways in another order at each repeat, and what is compared is a ratio within one repeat. The rules are of all kinds that
look at a record; those of :data:`~benchmarks.ways.RULES_BROKEN` keep out one record in twenty.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import generate
from benchmarks.batches import Costs
from benchmarks.report import Bar
from benchmarks.run import Fresh, fresh_sqlite, in_a_process_of_its_own, postgres_server, read_row, require_expected
from benchmarks.ways import ALL_OR_NOTHING, RULES, RULES_BROKEN, UNDER_RULES

_KEPT_OUT: Final = "SELECT count(*) FROM update_quarantine"
_BAR: Final = 1.2


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description="What rules cost.")
    parser.add_argument("--size", type=int, default=100_000, help="records (100000)")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each way (5)")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL as well, on the server the tests use")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vu-benchmarks-")))
        data = generate.dataset(options.size, folder)
        databases: dict[str, Fresh] = {"SQLite": fresh_sqlite}
        if options.postgres:
            databases["PostgreSQL"] = stack.enter_context(postgres_server())
        for database, fresh in databases.items():
            costs = _measured(fresh, data, options.repeats)
            print(_table(f"{database}, {options.size:,} records, median of {options.repeats}", costs), end="\n\n")
            value = _ratio(costs, RULES)
            print(Bar(what=f"{database}: CPU, {RULES} / {ALL_OR_NOTHING}", limit=_BAR, value=value), end="\n\n")


def _measured(fresh: Fresh, data: generate.Dataset, repeats: int) -> Costs:
    costs: Costs = {way: [] for way in UNDER_RULES}
    for repeat in range(repeats):
        for way in random.Random(repeat).sample(list(UNDER_RULES), len(UNDER_RULES)):
            with fresh(data) as url:
                costs[way].append(in_a_process_of_its_own(way, data.source, url))
                if way != RULES_BROKEN:
                    require_expected(way, url, data)
                elif not read_row(url, _KEPT_OUT)[0]:
                    raise SystemExit(f"{way} kept no record out")
    return costs


def _table(title: str, costs: Costs) -> str:
    lines = [title, f"{'':32} {'CPU s':>7} {'ratio':>6} {'wall s':>7} {'peak MB':>8}"]
    for way, measured in costs.items():
        seconds, wall, peak = (median(getattr(one, figure) for one in measured) for figure in ("cpu", "wall", "peak"))
        lines.append(f"{way:32} {seconds:7.2f} {_ratio(costs, way):6.2f} {wall:7.2f} {peak:8.1f}")
    return "\n".join(lines)


def _ratio(costs: Costs, way: str) -> float:
    pairs = zip(costs[way], costs[ALL_OR_NOTHING], strict=True)
    return median(of.cpu / other.cpu for of, other in pairs)


if __name__ == "__main__":
    main()
