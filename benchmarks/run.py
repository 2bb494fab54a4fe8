"""An update by several ways, in turn: ``python -m benchmarks.run --sizes 10000,100000 --repeats 5 --rerun --postgres``.

Every measurement is a fresh process, on a fresh copy of the table, the ways in another order at each repeat: what else
the machine does falls on all of them. Each time the table is compared with what it must be. Trust the ratios of CPU.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks import as_json, generate, report, ways
from benchmarks.generate import FINGERPRINT, Dataset
from benchmarks.report import RERUN, UPDATE, Measure
from benchmarks.ways import Cost, Way

ROOT: Final = Path(__file__).parents[1]

Fresh = Callable[[Dataset], AbstractContextManager[str]]
"""Makes the table as it is before the update, in a database of its own; gives its URL."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables and the bars, and write the numbers as JSON where asked."""
    options = _options(arguments)
    measures: list[Measure] = []
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vu-benchmarks-")))
        databases: dict[str, tuple[dict[str, Way], Fresh]] = {"SQLite": (ways.SQLITE, fresh_sqlite)}
        if options.postgres:
            databases["PostgreSQL"] = ways.POSTGRES, stack.enter_context(postgres_server())
        for size in options.sizes:
            data = generate.dataset(size, folder)
            for database, (named, fresh) in databases.items():
                done = list(_measures(database, named, fresh, data, options))
                measures += done
                for kind in dict.fromkeys(one.kind for one in done):
                    print(report.table([one for one in done if one.kind == kind]), end="\n\n", flush=True)
    bars = report.bars(measures)
    print(*bars, sep="\n")
    as_json.write(options.json, "run", _figures(measures), bars)


def _figures(measures: Sequence[Measure]) -> Iterator[as_json.Figure]:
    for one in measures:
        where = {"database": one.database, "kind": one.kind, "way": one.way}
        yield from as_json.of_cost(one.cost, size=one.size, repeat=one.repeat, **where)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure an update by several ways.")
    parser.add_argument("--sizes", type=_sizes, default=(10_000, 100_000), help="records, as 10000,100000,1000000")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each way (5)")
    parser.add_argument("--rerun", action="store_true", help="apply the same source a second time as well")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL as well, on the server the tests use")
    parser.add_argument("--folder", type=Path, help="keep the data here; 1.1 GB for a million records")
    as_json.json_option(parser)
    return parser.parse_args(arguments)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _measures(
    database: str, named: dict[str, Way], fresh: Fresh, data: Dataset, options: argparse.Namespace
) -> Iterator[Measure]:
    for repeat in range(options.repeats):
        for way in random.Random(repeat).sample(list(named), len(named)):
            with fresh(data) as url:
                for kind in (UPDATE, RERUN) if options.rerun else (UPDATE,):
                    cost = in_a_process_of_its_own(way, data.source, url)
                    require_expected(way, url, data)
                    yield Measure(database=database, kind=kind, size=data.size, way=way, repeat=repeat, cost=cost)


def in_a_process_of_its_own(way: str, source: Path, url: str) -> Cost:
    """Measure a way by its name."""
    command = [sys.executable, "-m", "benchmarks.ways", way, str(source), url]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if child.returncode != 0:
        raise SystemExit(f"{way} failed on {url.partition('?')[0]}:\n{child.stderr}")
    return Cost(**json.loads(child.stdout))


def require_expected(way: str, url: str, data: Dataset) -> None:
    """Make sure that the table is what it must be after the update."""
    found = tuple(read_row(url, FINGERPRINT))
    if found != data.expected:
        raise SystemExit(f"{way} left another table than expected: {found} in place of {data.expected}")


def read_row(url: str, query: str) -> Sequence[Any]:
    """The first row of a query, by the bare driver."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(ways.sqlite_path(url))
        try:
            row: Sequence[Any] = connection.execute(query).fetchone()
        finally:
            connection.close()
        return row
    import psycopg

    with psycopg.connect(url) as server:
        return server.execute(query.encode()).fetchone() or ()


@contextmanager
def fresh_sqlite(data: Dataset) -> Iterator[str]:
    """A copy of the table as it is before the update."""
    with tempfile.TemporaryDirectory(dir=data.base.parent) as folder:
        yield f"sqlite:///{shutil.copyfile(data.base, Path(folder, 'target.db'))}"


@contextmanager
def postgres_server() -> Iterator[Fresh]:
    """The same on a server that is started for it."""
    from tests.postgres import running

    with running() as server:

        @contextmanager
        def fresh(data: Dataset) -> Iterator[str]:
            with server.database() as url:
                generate.load_postgres(data.size, url)
                yield url

        yield fresh


if __name__ == "__main__":
    main()
