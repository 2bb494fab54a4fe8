"""What rules cost: ``python -m benchmarks.rules --repeats 5 --postgres``.

The same data and the same care as in :mod:`benchmarks.batches`: a fresh process and table for each measurement, the
ways in another order at each repeat, and what is compared is a ratio within one repeat. The rules are of all kinds that
look at a record; those of :data:`~benchmarks.ways.RULES_BROKEN` keep out one record in twenty.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import generate
from benchmarks.as_json import Figure, of_costs, write
from benchmarks.comparing import Costs, databases, in_turn, options_of, ratio
from benchmarks.report import Bar
from benchmarks.run import Fresh, in_a_process_of_its_own, read_row, require_expected
from benchmarks.ways import ALL_OR_NOTHING, RULES, RULES_BROKEN, UNDER_RULES, Cost

_KEPT_OUT: Final = "SELECT count(*) FROM update_quarantine"
_BAR: Final = 1.2


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = options_of("rules", "What rules cost.", arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vu-benchmarks-")))
        data = generate.dataset(options.size, folder)
        bars: list[Bar] = []
        figures: list[Figure] = []
        for database, fresh in databases(stack, postgres=options.postgres).items():
            costs = _measured(fresh, data, options.repeats)
            print(_table(f"{database}, {options.size:,} records, median of {options.repeats}", costs), end="\n\n")
            value = ratio(costs, RULES, ALL_OR_NOTHING)
            bars.append(Bar(what=f"{database}: CPU, {RULES} / {ALL_OR_NOTHING}", limit=_BAR, value=value))
            figures += of_costs(costs, database=database, size=options.size)
            print(bars[-1], end="\n\n")
    write(options.json, "rules", figures, bars)


def _measured(fresh: Fresh, data: generate.Dataset, repeats: int) -> Costs:
    def once(way: str) -> Cost:
        with fresh(data) as url:
            cost = in_a_process_of_its_own(way, data.source, url)
            if way != RULES_BROKEN:
                require_expected(way, url, data)
            elif not read_row(url, _KEPT_OUT)[0]:
                raise SystemExit(f"{way} kept no record out")
            return cost

    return in_turn(list(UNDER_RULES), repeats, once)


def _table(title: str, costs: Costs) -> str:
    lines = [title, f"{'':32} {'CPU s':>7} {'ratio':>6} {'wall s':>7} {'peak MB':>8}"]
    for way, measured in costs.items():
        seconds, wall, peak = (median(getattr(one, figure) for one in measured) for figure in ("cpu", "wall", "peak"))
        lines.append(f"{way:32} {seconds:7.2f} {ratio(costs, way, ALL_OR_NOTHING):6.2f} {wall:7.2f} {peak:8.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
