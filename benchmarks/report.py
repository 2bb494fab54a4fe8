"""What the measurements come to: medians, ratios within each repeat, and the bars the project sets itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.ways import BARE, OURS, OURS_JUDGED, SQLITE_UTILS, Cost

Figure = Callable[[Cost], float]

UPDATE: Final = "update"
RERUN: Final = "re-run with nothing to do"
LARGE: Final = 100_000
"""Records from which the ratios to other ways must hold; below, they show what a run costs whatever its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One way, measured once."""

    database: str
    kind: str
    size: int
    way: str
    repeat: int
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A promise about speed, and what was measured."""

    what: str
    limit: float
    value: float
    at_most: bool = True

    @property
    def holds(self) -> bool:
        """Whether the promise was kept this time."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def __str__(self) -> str:
        word = "at most" if self.at_most else "at least"
        return f"{'holds' if self.holds else 'FAILS'}  {self.value:7.2f}  {word} {self.limit:<5g}  {self.what}"


def cpu(cost: Cost) -> float:
    """Seconds of processor time."""
    return cost.cpu


def wall(cost: Cost) -> float:
    """Seconds on the clock."""
    return cost.wall


def peak(cost: Cost) -> float:
    """Megabytes."""
    return cost.peak


def table(measures: Sequence[Measure]) -> str:
    """The medians of one size and kind of update, a line a way."""
    first = measures[0]
    repeats = len({one.repeat for one in measures})
    lines = [
        f"{first.database}, {first.kind}, {first.size:,} records, median of {repeats}",
        f"{'':36} {'CPU s':>8} {'ratio':>6} {'wall s':>8} {'ratio':>6} {'records/s':>10} {'peak MB':>8}",
    ]
    for way in dict.fromkeys(one.way for one in sorted(measures, key=_way_order)):
        costs = [one.cost for one in measures if one.way == way]
        seconds, clock = median(map(cpu, costs)), median(map(wall, costs))
        times, clock_times = ratio(measures, way, BARE, cpu), ratio(measures, way, BARE, wall)
        rate, megabytes = first.size / clock, median(map(peak, costs))
        lines.append(
            f"{way:36} {seconds:8.2f} {times:6.2f} {clock:8.2f} {clock_times:6.2f} {rate:10,.0f} {megabytes:8.1f}"
        )
    return "\n".join(lines)


def ratio(measures: Sequence[Measure], way: str, to: str, figure: Figure) -> float:
    """How many times as much one way takes as another: the median over the repeats."""
    of, other = ({one.repeat: figure(one.cost) for one in measures if one.way == name} for name in (way, to))
    return median(of[repeat] / other[repeat] for repeat in of)


def bars(measures: Sequence[Measure]) -> list[Bar]:
    """The promises that these measurements can say something about."""
    return [*_bars_of_speed(measures), *_bars_of_memory(measures)]


def _bars_of_speed(measures: Sequence[Measure]) -> Iterator[Bar]:
    for size in sorted({one.size for one in measures if one.size >= LARGE}):
        for database, kind in (("SQLite", UPDATE), ("SQLite", RERUN), ("PostgreSQL", UPDATE)):
            same = [one for one in measures if (one.database, one.kind, one.size) == (database, kind, size)]
            for way in (OURS, OURS_JUDGED) if same else ():
                yield from _bars_of_way(same, way)


def _bars_of_way(same: Sequence[Measure], way: str) -> Iterator[Bar]:
    first = same[0]
    where = f"{first.database}, {first.kind}, {first.size:,} records"
    if first.database == "PostgreSQL":
        yield Bar(what=f"{where}: wall, {way} / {BARE}", limit=1.6, value=ratio(same, way, BARE, wall))
        return
    limit = 1.4 if first.kind == UPDATE else 1.2
    yield Bar(what=f"{where}: CPU, {way} / {BARE}", limit=limit, value=ratio(same, way, BARE, cpu))
    if first.kind == UPDATE:
        value = ratio(same, SQLITE_UTILS, way, cpu)
        yield Bar(what=f"{where}: CPU, {SQLITE_UTILS} / {way}", limit=2, value=value, at_most=False)


def _bars_of_memory(measures: Sequence[Measure]) -> Iterator[Bar]:
    for way in (OURS, OURS_JUDGED):
        ours = [one for one in measures if (one.database, one.kind, one.way) == ("SQLite", UPDATE, way)]
        peaks = {
            size: median(peak(one.cost) for one in ours if one.size == size) for size in {one.size for one in ours}
        }
        if 1_000_000 in peaks:
            yield Bar(what=f"1,000,000 records: peak MB, {way}", limit=64, value=peaks[1_000_000])
        if {10_000, 1_000_000} <= peaks.keys():
            more = peaks[1_000_000] - peaks[10_000]
            yield Bar(what=f"1,000,000 records: peak MB above that at 10,000, {way}", limit=10, value=more)


def _way_order(measure: Measure) -> int:
    return (BARE, SQLITE_UTILS, OURS, OURS_JUDGED).index(measure.way)
