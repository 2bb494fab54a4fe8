"""The ways to bring the source to the table, and the process in which one of them is measured.

``python -m benchmarks.ways WAY SOURCE URL`` does it once and prints what it took. Imports are not part of that: the
same way first brings ten records to a scratch table.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, Any, Final

from benchmarks import generate
from benchmarks.generate import COLUMNS, KEY

if TYPE_CHECKING:
    from validate_updates import RunResult

Way = Callable[[Path, str, str], None]
"""Brings the JSON lines of a file to a table of the database at a URL, commits and closes."""

WARM_UP: Final = "warm_up"
"""The scratch table."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one update took, in its own process."""

    cpu: float
    """Seconds, user and system, all threads."""
    wall: float
    """Seconds."""
    peak: float
    """Largest resident size since the process began, in megabytes (1e6 bytes)."""
    written: float
    """Megabytes that the process wrote to disk."""


def bare_sqlite(source: Path, url: str, table: str) -> None:
    """The least work that does it: the driver, one statement, one transaction, as durable as ours."""
    connection = sqlite3.connect(sqlite_path(url), isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(COLUMNS))})"
    connection.executemany(f"{insert} {_on_conflict(table, 'IS NOT')}", _tuples(source))
    connection.execute("COMMIT")
    connection.close()


def sqlite_utils(source: Path, url: str, table: str) -> None:
    """What people reach for, with a faster parser than it brings."""
    from msgspec.json import Decoder
    from sqlite_utils import Database

    database = Database(sqlite_path(url))
    decode = Decoder(dict[str, Any]).decode
    with source.open("rb") as lines:
        database.table(table).upsert_all((decode(line) for line in lines), pk=KEY)
    database.close()


def bare_postgres(source: Path, url: str, table: str) -> None:
    """The least work that does it: COPY to a temporary table, one statement, one transaction."""
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE stage (LIKE {table}) ON COMMIT DROP".encode())
        with cursor.copy(b"COPY stage FROM STDIN") as copy:
            for row in _tuples(source):
                copy.write_row(row)
        conflict = _on_conflict(table, "IS DISTINCT FROM")
        cursor.execute(f"INSERT INTO {table} SELECT * FROM stage {conflict}".encode())


def ours(source: Path, url: str, table: str) -> None:
    """Ours, judged by no plugin, without an undo log: no more than the bare driver does."""
    import validate_updates

    _stood(validate_updates.run(source, target=url, table=table, key=KEY, plugins=(), undo_retention_days=0))


def ours_judged(source: Path, url: str, table: str) -> None:
    """Ours with its default plugin, whose limits are widened to let an update of this size pass."""
    import validate_updates

    limits = {"static_thresholds": {"added_most": 10**9}}
    _stood(validate_updates.run(source, target=url, table=table, key=KEY, settings=limits, undo_retention_days=0))


def ours_undoable(source: Path, url: str, table: str) -> None:
    """Ours as it comes: with the undo log."""
    import validate_updates

    _stood(validate_updates.run(source, target=url, table=table, key=KEY, plugins=()))


def _by(plugin: str, undo_retention_days: int = 30, **settings: Any) -> Way:
    """Ours with one plugin under these settings."""

    def way(source: Path, url: str, table: str) -> None:
        import validate_updates

        _stood(
            validate_updates.run(
                source,
                target=url,
                table=table,
                key=KEY,
                plugins=(plugin,),
                settings={plugin: settings},
                undo_retention_days=undo_retention_days,
            )
        )

    return way


_RULES: Final[list[dict[str, Any]]] = [
    {"column": "title", "required": True, "min_length": 5, "max_length": 500},
    {"column": "chamber", "allowed": ["House", "Senate", "Joint"]},
    {"column": "kind", "allowed": ["Hearing", "Markup", "Meeting"]},
    {"column": "pages", "min": 1, "max": 900},
    {"column": "url", "pattern": r"https://api\.example\.gov/v3/meeting/[0-9]+/(house|senate)/[0-9]+\?format=json"},
    {"column": "day", "earliest": "2000-01-01", "latest": "2030-12-31"},
    {"name": "numbers", "column": "pages", "compare": "<> congress", "severity": "warning"},
    {"name": "status", "sql": "status <> 'Canceled' OR score >= 0", "severity": "warning"},
]
_BROKEN: Final[list[dict[str, Any]]] = [{"name": "long", "column": "pages", "max": 855}]
"""One record in twenty has more pages."""


BARE: Final = "bare driver"
SQLITE_UTILS: Final = "sqlite-utils upsert"
OURS: Final = "validate-updates"
OURS_JUDGED: Final = "validate-updates, static_thresholds"
ALL_OR_NOTHING: Final = "all or nothing"
BATCHES: Final = "batches"
BATCHES_UNDO: Final = "batches, undo log"
FAILING: Final = "batches, undo log, 1 % fail"
IN_BATCHES: Final[dict[str, Way]] = {
    ALL_OR_NOTHING: ours,
    "all or nothing, undo log": ours_undoable,
    BATCHES: _by("batch", undo_retention_days=0),
    BATCHES_UNDO: _by("batch"),
    FAILING: _by("batch"),
    "batches, undo log, progressive": _by("batch", publish="progressive"),
}
"""Ways that are compared with each other by ``benchmarks.batches``."""
RULES: Final = "eight rules"
RULES_BROKEN: Final = "nine rules, 5 % kept out"
UNDER_RULES: Final[dict[str, Way]] = {
    ALL_OR_NOTHING: ours,
    RULES: _by("rules", undo_retention_days=0, rules=_RULES),
    RULES_BROKEN: _by("rules", undo_retention_days=0, rules=[*_RULES, *_BROKEN]),
}
"""Ways that are compared with each other by ``benchmarks.rules``."""
SQLITE: Final[dict[str, Way]] = {
    BARE: bare_sqlite,
    SQLITE_UTILS: sqlite_utils,
    OURS: ours,
    OURS_JUDGED: ours_judged,
}
POSTGRES: Final[dict[str, Way]] = {BARE: bare_postgres, OURS: ours, OURS_JUDGED: ours_judged}


def sqlite_path(url: str) -> str:
    """The file of an SQLite URL."""
    return url.removeprefix("sqlite:///")


def measured(way: Way, source: Path, url: str) -> Cost:
    """Bring ``source`` to the table at ``url`` and say what it took."""
    _warm_up(way, url)
    with resources() as cost:
        way(source, url, generate.TABLE)
    return cost()


@contextmanager
def resources() -> Iterator[Callable[[], Cost]]:
    """What the block takes of this process; to be asked for afterwards."""
    cpu, wall, written = _cpu(), time.perf_counter(), _written()
    taken: list[Cost] = []
    yield lambda: taken[0]
    taken.append(Cost(cpu=_cpu() - cpu, wall=time.perf_counter() - wall, peak=_peak(), written=_written() - written))


def main(name: str, source: str, url: str) -> None:
    """Measure one way and print it as JSON."""
    way = {**(SQLITE if url.startswith("sqlite") else POSTGRES), **IN_BATCHES, **UNDER_RULES}[name]
    print(json.dumps(asdict(measured(way, Path(source), url))))


def _warm_up(way: Way, url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "ten.jsonl")
        generate.write_source(10, source)
        if url.startswith("sqlite"):
            url = f"sqlite:///{folder}/scratch.db"
            generate.write_base(10, Path(sqlite_path(url)), table=WARM_UP)
        else:
            generate.load_postgres(10, url, table=WARM_UP)
        way(source, url, WARM_UP)


def _tuples(source: Path) -> Iterator[tuple[Any, ...]]:
    """The records as typed rows, by the fastest decoder there is."""
    import msgspec

    integers = {"congress", "pages", "score"}
    fields = [(name, int if name in integers else str | None) for name in COLUMNS]
    decode = msgspec.json.Decoder(msgspec.defstruct("Record", fields, gc=False)).decode
    with source.open("rb") as lines:
        for line in lines:
            yield msgspec.structs.astuple(decode(line))


def _on_conflict(table: str, differs: str) -> str:
    others = [name for name in COLUMNS if name != KEY]
    sets = ", ".join(f"{name} = excluded.{name}" for name in others)
    changed = " OR ".join(f"{table}.{name} {differs} excluded.{name}" for name in others)
    return f"ON CONFLICT ({KEY}) DO UPDATE SET {sets} WHERE {changed}"


def _stood(result: RunResult) -> None:
    if result.exit_code not in {0, 5}:  # 5: records were kept out, as is meant to be where some are bad
        raise SystemExit(f"{result.verdict}: {result.reason} {[finding.message for finding in result.findings]}")


def _cpu() -> float:
    usage = getrusage(RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _written() -> float:
    counters = Path("/proc/self/io").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in counters.splitlines() if line.startswith("write_bytes"))) / 1e6


def _peak() -> float:
    # Not ru_maxrss, which a process inherits from the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) * 1024 / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
