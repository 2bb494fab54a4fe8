"""What judging an update by its past costs: reading, learning, deciding; and a whole update with it and without.

    python -m benchmarks.historical [--repeat N] [--large] [--json PATH]

Times are of the processor, so that other work on the machine does not count; the best of ``--repeat``; of whole
updates and of the command, each in a process of its own, the median of three times as many, the ways in turn. In the
command all of them import the statistics, so that what these cost is in none of the differences. ``--large`` adds
1,000 metrics over 3,650 runs, which takes minutes to prepare.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import process_time
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from benchmarks.as_json import Figure, json_option, write
from validate_updates import Severity, run
from validate_updates.journal.history import JournalHistory
from validate_updates.journal.schema import prepare
from validate_updates.past.bringing_in import Known, Settled, bring_in, settle
from validate_updates.past.log import PastRun, Reading
from validate_updates_historical.history_of import foretold, past_of
from validate_updates_historical.remembering import remembered
from validate_updates_historical.seasons import Seasons
from validate_updates_historical.settings import Historical

NOW = datetime(2025, 7, 8, 12, tzinfo=UTC)
RECORDS = 10_000
TABLE = (
    "CREATE TABLE t (id integer PRIMARY KEY, title text, chamber text, place text, status text, seats integer,"
    " fee real, day date, changed timestamp, note text)"
)
IMPORTS = "import time; s = time.process_time(); {}; print(time.process_time() - s)"
STATISTICS = "import validate_updates_historical.rule"
ENGINE = "import validate_updates.engine"
PLAIN = "plain"
ALONE = f"""
from validate_updates_cli.main import prepare_process
prepare_process()
{ENGINE}
{STATISTICS}
from benchmarks.historical import parts, update
from validate_updates.manager import load
load(["historical"], {{}})
"""
COMMAND = f"""
import sys
from validate_updates_cli.main import main, prepare_process
prepare_process()
{STATISTICS}
sys.exit(main())
"""
WAYS = {
    "historical, a month of past": ("default", 30),
    "historical, a year of past": ("default", 365),
    "historical, all of every column": ("all", 365),
}
STILL = (
    "records.updated",
    "records.unchanged",
    "records.duplicates",
    "records.quarantined",
    "records.deleted",
    "errors.percent",
)
MISSING = {"columns.missing.place": 1 / 7, "columns.missing.note": 1 / 5}
"""The share of records without them."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--large", action="store_true")
    json_option(parser)
    given = parser.parse_args()
    figures = [*imports()]
    print(f"\n{'metrics':>8}{'runs':>7}{'read ms':>10}{'learn ms':>10}{'cold ms':>10}{'cached ms':>11}")
    for metrics in (10, 30, 1000):
        for runs in (30, 365, 3650):
            if given.large or metrics * runs < 1_000_000:
                figures += decision(metrics, runs, given.repeat)
    print()
    figures += overhead(given.repeat)
    print()
    figures += of_the_command(given.repeat)
    write(given.json, "historical", figures)


def imports() -> Iterator[Figure]:
    """The import of the engine, and of numpy on top of it."""
    engine = best(lambda: child(ENGINE), 3, timed=False)
    both = best(lambda: child(f"{ENGINE}; {STATISTICS}"), 3, timed=False)
    print(f"importing the engine: {engine * 1000:.0f} ms, the statistics besides: {(both - engine) * 1000:.0f} ms")
    yield Figure("import", engine * 1000, "ms", {"what": "the engine"})
    yield Figure("import", (both - engine) * 1000, "ms", {"what": "the statistics besides"})


def child(code: str) -> float:
    """Seconds of the processor that a new interpreter takes for an import."""
    command = [sys.executable, "-c", IMPORTS.format(code)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def decision(metrics: int, runs: int, repeat: int) -> Iterator[Figure]:
    """A row of the first table."""
    read, learn, decide, cached = alone(f"*parts({metrics}, {runs}, {repeat})")
    cold = read + learn + decide
    print(f"{metrics:>8}{runs:>7}{read * 1000:>10.1f}{learn * 1000:>10.1f}{cold * 1000:>10.1f}{cached * 1000:>11.1f}")
    of = {"metrics": metrics, "runs": runs}
    yield Figure("read", read * 1000, "ms", of)
    yield Figure("learn", learn * 1000, "ms", of)
    yield Figure("decision, cold", cold * 1000, "ms", of)
    yield Figure("decision, cached", cached * 1000, "ms", of)


def parts(metrics: int, runs: int, repeat: int) -> tuple[float, float, float, float]:
    """Seconds of the processor to read, to learn, to decide, and all together where the past is known already."""
    settings = Historical(watch=("m*",), window=max(30, runs))
    with database() as engine:
        bring(engine, made_up(metrics, runs))
        with engine.connect() as connection:
            history = JournalHistory(connection, prepare(connection, "update_", None), task="t", except_run="")
            past = past_of(history, settings)
            known = foretold(past, NOW, settings, Seasons({}))
            values = {f"m{number:04}": 200.0 for number in range(metrics)}
            read = best(lambda: past_of(history, settings), repeat)
            learn = best(lambda: foretold(past, NOW, settings, Seasons({})), repeat)
            decide = best(lambda: known.judge(values), repeat)
            remembered(history, NOW, settings, Seasons({}))
            cached = best(lambda: remembered(history, NOW, settings, Seasons({})).judge(values), repeat)
    return read, learn, decide, cached


def overhead(repeat: int) -> Iterator[Figure]:
    """The second table: an update of :data:`RECORDS` new records, by a program that has imported all it needs."""
    found = [(once(PLAIN, 365), *(once(*way) for way in WAYS.values())) for _ in range(3 * repeat)]
    yield from beside_the_plain("an update of", "overhead", list(WAYS), found)


def of_the_command(repeat: int) -> Iterator[Figure]:
    """The third table: ``validate-updates run`` of the same records as JSON lines, from its start to its end."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "records.jsonl")
        source.write_bytes(b"\n".join(map(msgspec.json.encode, records())))
        pasts = {name: runs for name, (watched, runs) in WAYS.items() if watched == "default"}
        found = [
            (command(source, "", 365), *(command(source, "historical", runs) for runs in pasts.values()))
            for _ in range(3 * repeat)
        ]
        yield from beside_the_plain("run, with", "overhead of the command", list(pasts), found)


def beside_the_plain(
    title: str, figure: str, names: Sequence[str], found: Sequence[tuple[float, ...]]
) -> Iterator[Figure]:
    """A table of seconds: in each turn first the plain way, then the others.

    The machine's speed changes from one second to the next, and so what is compared are neighbours.
    """
    plain, *others = zip(*found, strict=True)
    print(f"{title:<38}{f'{RECORDS:,} records, ms':>22}{'more':>8}")
    print(f"{'without plugins':<38}{median(plain) * 1000:>22.0f}")
    for name, took in zip(names, others, strict=True):
        more = median(one / without - 1 for one, without in zip(took, plain, strict=True))
        print(f"{name:<38}{median(took) * 1000:>22.0f}{more * 100:>7.0f}%")
        yield Figure(figure, more * 100, "%", {"way": name, "records": RECORDS})


def command(source: Path, plugins: str, runs: int) -> float:
    """Seconds of the processor of one command."""
    with database() as engine:
        with_a_past(engine, runs)
        arguments = ["run", source, "--target", engine.url, "--table", "t", "--key", "id", "--plugins", plugins]
        words = [sys.executable, "-c", COMMAND, *map(str, arguments), "--as-of", NOW.isoformat()]
        before = of_children()
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
        return of_children() - before


def of_children() -> float:
    """Seconds of the processor that ended processes have taken."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def once(way: str, runs: int) -> float:
    """Seconds of the processor for one update."""
    (took,) = alone(f"update({way!r}, {runs})")
    return took


def alone(measured: str) -> tuple[float, ...]:
    """What is measured in a process of its own, set up as the command's is, once all that it needs is imported."""
    command = [sys.executable, "-c", f"{ALONE}print({measured})"]
    return tuple(map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))


def update(way: str, runs: int) -> float:
    """Seconds of the processor for one update, with a past of so many ``runs`` like it."""
    with database() as engine:
        with_a_past(engine, runs)
        plugins = () if way == PLAIN else ("historical",)
        settings = {"historical": {"watch": ["*"]} if way == "all" else {}} if plugins else {}
        new = records()
        started = process_time()
        result = run(new, target=str(engine.url), table="t", plugins=plugins, settings=settings, as_of=NOW)
        took = process_time() - started
    if result.verdict != "committed" or any(one.severity > Severity.INFO for one in result.findings):
        raise SystemExit(result.reason)
    return took


def records() -> list[dict[str, Any]]:
    """:data:`RECORDS` new ones."""
    return [record(number) for number in range(RECORDS)]


def record(number: int) -> dict[str, Any]:
    """One of them."""
    return {
        "id": number,
        "title": f"Hearing {number} on the budget of the year after next",
        "chamber": "House" if number % 3 else "Senate",
        "place": f"Room {number % 100}" if number % 7 else None,
        "status": "Scheduled",
        "seats": number % 300,
        "fee": number / 7,
        "day": "2025-07-08",
        "changed": "2025-07-08 10:00:00",
        "note": "a note" * (number % 5),
    }


def with_a_past(engine: sa.Engine, runs: int) -> None:
    """The table, empty, and so many runs like the one to come."""
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLE)
    bring(engine, like_this_one(list(record(0)), runs))


def like_this_one(columns: Sequence[str], runs: int) -> dict[str, list[float]]:
    """What so many such updates have measured, by metric: counts that vary, and much that is always 0."""
    random = np.random.default_rng(1)
    counts = random.poisson(RECORDS, runs).astype(float).tolist()
    still = [*STILL, *(f"columns.missing.{name}" for name in columns)]
    return {
        "records.read": counts,
        "records.inserted": counts,
        **{name: [0.0] * runs for name in still},
        **{name: (100 * share + random.normal(0, 0.3, runs)).tolist() for name, share in MISSING.items()},
    }


@contextmanager
def database() -> Iterator[sa.Engine]:
    """An empty SQLite database."""
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder, 'benchmark.db')}")
        yield engine
        engine.dispose()


def made_up(metrics: int, runs: int) -> dict[str, list[float]]:
    """So many metrics of so many runs, by name."""
    counts = np.random.default_rng(1).poisson(200, (metrics, runs)).astype(float).tolist()
    return {f"m{number:04}": row for number, row in enumerate(counts)}


def bring(engine: sa.Engine, metrics: Mapping[str, Sequence[float]]) -> None:
    """Runs with these metrics into the journal, a day apart."""
    rows = list(zip(*metrics.values(), strict=True))
    first = NOW - timedelta(days=len(rows))
    made = tuple(
        PastRun(
            started_at=first + timedelta(days=day),
            metrics={"records.read": float(RECORDS), **dict(zip(metrics, row, strict=True))},
            number=day + 1,
        )
        for day, row in enumerate(rows)
    )

    def settled(known: Known) -> Settled:
        return settle(Reading(rows=len(made), runs=made, bad=()), known, "t")

    with engine.begin() as connection:
        bring_in(connection, settled, task="t", table="t", source="made up", prefix="update_")


def best(measured: Callable[[], object], repeat: int, *, timed: bool = True) -> float:
    """The best of ``repeat`` times in seconds; ``timed`` here, or what the function answers."""
    found = []
    for _ in range(repeat):
        started = process_time()
        answer = measured()
        found.append(process_time() - started if timed else float(str(answer)))
    return min(found)


if __name__ == "__main__":
    main()
