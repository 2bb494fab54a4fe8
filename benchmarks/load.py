"""Many updates at once on PostgreSQL: ``python -m benchmarks.load --updates 100 --json load.json``.

Each is a process of its own, and brings 1,000 new records in 100 batches: once each to a table of its own, with one
journal between them; once all to one table, where one works and the others wait. They are forked when all that they
need is loaded, and begin together. What they are compared with is one such update alone, the median of some before
and some after: all of them together should take no longer than one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

from benchmarks import as_json, generate
from benchmarks.as_json import Figure
from benchmarks.report import Bar
from benchmarks.run import read_row

PATIENCE: Final = 3600.0
"""Seconds that an update waits for the others on its target."""
ALONE: Final = 5
"""Updates alone before the crowd, and as many after."""
DISTINCT: Final = "distinct targets"
ONE: Final = "one target"
_LIMIT: Final = 10.0
"""Per cent that a crowd may take longer than one after the other."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of the load."""

    updates: int
    records: int
    batches: int

    @property
    def of(self) -> dict[str, int]:
        """For figures."""
        return {"updates": self.updates, "records": self.records, "batches": self.batches}


@dataclass(frozen=True, slots=True)
class Ended:
    """One update."""

    begin: float
    end: float
    """Of the clock that all processes share."""
    stood: bool

    @property
    def seconds(self) -> float:
        """From the shot to its end, waiting included."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Crowd:
    """All of them at once, and some alone."""

    targets: str
    ended: Sequence[Ended]
    alone: Sequence[float]
    lost: int
    """Records that are not in their tables."""

    @property
    def failed(self) -> int:
        """Updates that did not stand; where all did and records are missing all the same, one."""
        return sum(not one.stood for one in self.ended) or int(self.lost > 0)

    @property
    def together(self) -> float:
        """Seconds from the first begin to the last end."""
        return max(one.end for one in self.ended) - min(one.begin for one in self.ended)

    @property
    def slowdown(self) -> float:
        """Per cent that they took longer together than one after the other."""
        return (self.together / (len(self.ended) * median(self.alone)) - 1) * 100

    @property
    def beside(self) -> float:
        """How many times as long one update takes beside the others as alone: the medians."""
        return median(one.seconds for one in self.ended) / median(self.alone)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the figures where asked."""
    from tests.postgres import running

    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="Many updates at once.")
    parser.add_argument("--updates", type=int, default=100, help="how many (100)")
    parser.add_argument("--records", type=int, default=1000, help="records of each (1000)")
    parser.add_argument("--batches", type=int, default=100, help="batches of each (100)")
    as_json.json_option(parser)
    options = parser.parse_args(arguments)
    size = Size(options.updates, options.records, options.batches)
    with running() as server:
        crowds = []
        for targets in (DISTINCT, ONE):
            with server.database() as url:
                crowds.append(measured(url, targets, size))
    print(_table(size, crowds), end="\n\n")
    bars = [_bar(one) for one in crowds]
    print(*bars, sep="\n")
    as_json.write(options.json, "load", (figure for one in crowds for figure in figures(one, size)), bars)


def measured(url: str, targets: str, size: Size) -> Crowd:
    """The load on the database at ``url``."""
    own = targets == DISTINCT
    names = [f"crowd_{number}" if own else "crowd" for number in range(size.updates)]
    calm = [f"alone_{number}" for number in range(2 * ALONE)]
    for name in dict.fromkeys([generate.TABLE, *names, *calm]):
        generate.load_postgres(0, url, table=name)
    _update(url, generate.TABLE, 0, size)  # loads what they all need, and makes the journal
    alone = [_at_once([_line(url, name, 0, size)])[0] for name in calm[:ALONE]]
    ended = _at_once([_line(url, name, number, size) for number, name in enumerate(names)])
    alone += [_at_once([_line(url, name, 0, size)])[0] for name in calm[ALONE:]]
    there = sum(int(read_row(url, f"SELECT count(*) FROM {name}")[0]) for name in dict.fromkeys(names))
    if not all(one.stood for one in alone):
        raise SystemExit("an update alone did not stand")
    return Crowd(targets, ended, [one.seconds for one in alone], size.updates * size.records - there)


def figures(crowd: Crowd, size: Size) -> Iterator[Figure]:
    """What a gate asks for, and each time that it rests on."""
    of: dict[str, str | int] = {"targets": crowd.targets, **size.of}
    yield Figure("failed", crowd.failed, "updates", of)
    yield Figure("slowdown", crowd.slowdown, "%", of)
    yield Figure("beside", crowd.beside, "times", of)
    yield Figure("together", crowd.together, "s", of)
    for repeat, seconds in enumerate(crowd.alone):
        yield Figure("alone", seconds, "s", {**of, "repeat": repeat})
    for number, one in enumerate(crowd.ended):
        yield Figure("update", one.seconds, "s", {**of, "update": number})


def _line(url: str, table: str, number: int, size: Size) -> Callable[[], bool]:
    return lambda: _update(url, table, number, size)


def _update(url: str, table: str, number: int, size: Size) -> bool:
    """One update; whether all of it landed, in as many batches as it should."""
    import validate_updates

    first = number * size.records
    records = [dict(zip(generate.COLUMNS, generate.record(first + one), strict=True)) for one in range(size.records)]
    settings: dict[str, dict[str, Any]] = {"batch": {"size": -(-size.records // size.batches)}}
    result = validate_updates.run(
        records, target=url, table=table, key=generate.KEY, plugins=("batch",), settings=settings, wait=PATIENCE
    )
    written = result.metrics.get("batches.succeeded")
    return result.exit_code == 0 and result.counts.inserted == size.records and written == size.batches


def _at_once(updates: Sequence[Callable[[], bool]]) -> list[Ended]:
    """Each update in a process of its own, all begun together."""
    with tempfile.TemporaryDirectory() as folder:
        starter, gun = os.pipe()
        sys.stdout.flush()
        processes = [_forked(update, Path(folder, str(number)), starter, gun) for number, update in enumerate(updates)]
        os.close(starter)
        os.close(gun)
        for process in processes:
            os.waitpid(process, 0)
        return [_ended(Path(folder, str(number))) for number in range(len(updates))]


def _forked(update: Callable[[], bool], result: Path, starter: int, gun: int) -> int:
    """The number of a process that begins once ``gun`` is closed everywhere."""
    process = os.fork()
    if process:
        return process
    try:
        os.close(gun)
        os.read(starter, 1)
        begin = perf_counter()
        stood = update()
        result.write_text(json.dumps([begin, perf_counter(), stood]), encoding="ascii")
    except BaseException:  # noqa: BLE001  # this process must not go on where its parent does
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _ended(result: Path) -> Ended:
    if not result.exists():  # it broke off: what it took is told by nobody
        now = perf_counter()
        return Ended(now, now, stood=False)
    begin, end, stood = json.loads(result.read_text(encoding="ascii"))
    return Ended(begin, end, stood)


def _table(size: Size, crowds: Sequence[Crowd]) -> str:
    title = f"PostgreSQL, {size.updates} updates of {size.records:,} records in {size.batches} batches"
    lines = [
        title,
        f"{'':20} {'alone s':>8} {'beside s':>9} {'times':>7} {'together s':>11} {'slower %':>9} {'failed':>7}",
    ]
    for one in crowds:
        alone, beside = median(one.alone), median(each.seconds for each in one.ended)
        lines.append(
            f"{one.targets:20} {alone:8.3f} {beside:9.2f} {one.beside:7.1f} {one.together:11.2f}"
            f" {one.slowdown:9.1f} {one.failed:7}"
        )
    return "\n".join(lines)


def _bar(crowd: Crowd) -> Bar:
    return Bar(what=f"{crowd.targets}: % longer than one after the other", limit=_LIMIT, value=crowd.slowdown)


if __name__ == "__main__":
    main()
