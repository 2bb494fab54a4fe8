"""What batches and the undo log cost: ``python -m benchmarks.batches --repeats 7 --postgres``.

The same data as in :mod:`benchmarks.run`, and the same care: a fresh process and table for each measurement, the ways
in another order at each repeat. What they are compared with is our own all-or-nothing update without an undo log.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import generate
from benchmarks.as_json import Figure, of_costs, write
from benchmarks.comparing import Costs, cpu_of, databases, in_turn, options_of, ratio, wall_of
from benchmarks.report import Bar
from benchmarks.run import Fresh, in_a_process_of_its_own, read_row, require_expected
from benchmarks.ways import ALL_OR_NOTHING, BATCHES, BATCHES_UNDO, FAILING, IN_BATCHES, Cost

_KEPT_OUT: Final = "SELECT count(*) FROM update_quarantine"
_PROGRESSIVE: Final = "batches, undo log, progressive"


@dataclass(frozen=True, slots=True)
class Failing:
    """A source with bad records."""

    source: Path
    bad: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = options_of("batches", "What batches cost.", arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vu-benchmarks-")))
        data = generate.dataset(options.size, folder)
        failing = Failing(folder / "failing.jsonl", generate.spoil(data.source, folder / "failing.jsonl"))
        bars: list[Bar] = []
        figures: list[Figure] = []
        for database, fresh in databases(stack, postgres=options.postgres).items():
            costs = _measured(fresh, data, failing, options.repeats)
            print(_table(f"{database}, {options.size:,} records, median of {options.repeats}", costs), end="\n\n")
            figures += of_costs(costs, database=database, size=options.size)
            bars += _bars_of_sqlite(costs) if database == "SQLite" else _bars_of_postgres(costs)
    print(*bars, sep="\n")
    write(options.json, "batches", figures, bars)


def _measured(fresh: Fresh, data: generate.Dataset, failing: Failing, repeats: int) -> Costs:
    def once(way: str) -> Cost:
        with fresh(data) as url:
            cost = in_a_process_of_its_own(way, failing.source if way == FAILING else data.source, url)
            if way != FAILING:
                require_expected(way, url, data)
            elif read_row(url, _KEPT_OUT)[0] != failing.bad:
                raise SystemExit(f"{way} did not keep out the {failing.bad} bad records, and no others")
            return cost

    return in_turn(list(IN_BATCHES), repeats, once)


def _table(title: str, costs: Costs) -> str:
    lines = [title, f"{'':32} {'CPU s':>7} {'ratio':>6} {'wall s':>7} {'ratio':>6} {'written MB':>11} {'peak MB':>8}"]
    for way, measured in costs.items():
        seconds, clock = median(one.cpu for one in measured), median(one.wall for one in measured)
        written, peak = median(one.written for one in measured), median(one.peak for one in measured)
        cpu, wall = (ratio(costs, way, ALL_OR_NOTHING, figure) for figure in (cpu_of, wall_of))
        lines.append(f"{way:32} {seconds:7.2f} {cpu:6.2f} {clock:7.2f} {wall:6.2f} {written:11.0f} {peak:8.1f}")
    return "\n".join(lines)


def _bars_of_sqlite(costs: Costs) -> list[Bar]:
    limits = [(BATCHES, ALL_OR_NOTHING, 1.10), (BATCHES_UNDO, ALL_OR_NOTHING, 1.25)]
    limits += [(_PROGRESSIVE, ALL_OR_NOTHING, 1.25), (FAILING, BATCHES_UNDO, 1.10)]
    bars = [
        Bar(what=f"SQLite: CPU, {way} / {to}", limit=limit, value=ratio(costs, way, to, cpu_of))
        for way, to, limit in limits
    ]
    written = ratio(costs, BATCHES_UNDO, ALL_OR_NOTHING, lambda cost: cost.written)
    return [*bars, Bar(what="SQLite: bytes written, with the undo log / one transaction", limit=2, value=written)]


def _bars_of_postgres(costs: Costs) -> list[Bar]:
    return [
        Bar(
            what=f"PostgreSQL: wall, {way} / {ALL_OR_NOTHING}",
            limit=1.5,
            value=ratio(costs, way, ALL_OR_NOTHING, wall_of),
        )
        for way in (BATCHES, BATCHES_UNDO, _PROGRESSIVE)
    ]


if __name__ == "__main__":
    main()
