"""The data of the benchmarks: a table of hearings and a source of records that changes a part of it.

Of ``n`` records the table holds 80 %. The source brings all ``n``, shuffled: 40 % as they are, 40 % changed, 20 % new,
each spread evenly over the keys. Everything follows from the record's number, so any size needs the same little memory
and comes out the same everywhere.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

TABLE: Final = "hearings"
KEY: Final = "id"
TYPES: Final = {
    "id": "TEXT PRIMARY KEY",
    "congress": "INTEGER NOT NULL",
    "chamber": "TEXT NOT NULL",
    "title": "TEXT NOT NULL",
    "kind": "TEXT",
    "status": "TEXT",
    "day": "DATE",
    "place": "TEXT",
    "pages": "INTEGER",
    "score": "INTEGER",
    "url": "TEXT",
    "updated": "TIMESTAMP",
}
COLUMNS: Final = tuple(TYPES)
FINGERPRINT: Final = (
    f"SELECT count(*), sum(congress), sum(pages), sum(score), sum(length(title)), count(place) FROM {TABLE}"
)
"""A SELECT whose one row tells two states of the table apart."""

_APART: Final = 8_330
"""Of 100 records 60 are written, so a hundred batches of 50 are written of so many records."""

_WORDS: Final = (
    *("hearing", "examine", "budget", "oversight", "appropriations", "energy", "water", "health", "policy", "reform"),
    *("committee", "review", "nomination", "testimony", "federal", "program", "national", "security", "trade"),
)
_PICK: Final = random.Random(20250101)
_TITLES: Final = [" ".join(_PICK.choices(_WORDS, k=12)) for _ in range(1009)]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The files of one size."""

    size: int
    base: Path
    """SQLite database in WAL mode, before the update."""
    source: Path
    """JSON lines."""
    expected: tuple[int, ...]
    """What :data:`FINGERPRINT` gives after the update."""


def dataset(size: int, folder: Path) -> Dataset:
    """Make the files for ``size`` records in ``folder``."""
    made = Dataset(size, folder / f"base-{size}.db", folder / f"source-{size}.jsonl", expected(size))
    write_base(size, made.base)
    write_source(size, made.source)
    return made


def write_base(size: int, path: Path, table: str = TABLE) -> None:
    """Make an SQLite database in WAL mode with the table as it is before the update."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    with connection:
        connection.execute(_create(table))
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(COLUMNS))})", base(size))
    connection.close()


def load_postgres(size: int, url: str, table: str = TABLE) -> None:
    """Make the table in the PostgreSQL database at ``url``, anew, as it is before the update."""
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}".encode())
        cursor.execute(_create(table).encode())
        with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for row in base(size):
                copy.write_row(row)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"VACUUM ANALYZE {table}".encode())


def write_source(size: int, path: Path) -> None:
    """Write the records of the update as JSON lines."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(chain.from_iterable((json.dumps(one), "\n") for one in source(size)))


def spoil(source: Path, path: Path) -> int:
    """Write ``source`` once more, with one bad record in a hundred batches of 50; how many those are."""
    spoiled = 0
    with source.open(encoding="utf-8") as lines, path.open("w", encoding="utf-8") as file:
        for line in lines:
            bad = int(line[line.index('"E') + 2 :][:8]) % _APART == 2  # a changed one: see _version
            file.write(json.dumps({**json.loads(line), "title": None}) + "\n" if bad else line)
            spoiled += bad
    return spoiled


def base(size: int) -> Iterator[tuple[Any, ...]]:
    """The rows of the table before the update, in key order."""
    return (record(number) for number in range(size) if number % 5 < 4)


def source(size: int) -> Iterator[dict[str, Any]]:
    """The records of the update, shuffled."""
    return (dict(zip(COLUMNS, record(number, _version(number)), strict=True)) for number in shuffled(size))


def expected(size: int) -> tuple[int, ...]:
    """What :data:`FINGERPRINT` must give after the update."""
    columns = [COLUMNS.index(name) for name in ("congress", "pages", "score", "title", "place")]
    sums = [0] * len(columns)
    for number in range(size):
        row = record(number, _version(number))
        congress, pages, score, title, place = (row[column] for column in columns)
        for position, value in enumerate((congress, pages, score, len(title), place is not None)):
            sums[position] += value
    return (size, *sums)


def record(number: int, version: int = 0) -> tuple[Any, ...]:
    """Record ``number``: the same twelve values each time, and different ones in another version."""
    bits = _mixed(number * 2 + version)
    day = f"20{10 + bits % 16}-{1 + bits % 12:02d}-{1 + bits % 28:02d}"
    clock = f"{bits % 24:02d}:{bits % 60:02d}:{bits % 59:02d}"
    return (
        f"E{number:08d}",
        110 + bits % 10,
        ("House", "Senate", "Joint")[bits % 3],
        _TITLES[bits % 1009],
        ("Hearing", "Markup", "Meeting")[(bits >> 8) % 3],
        ("Scheduled", "Canceled", "Postponed")[(bits >> 16) % 3],
        day,
        (None, "2123 Rayburn", "SD-226", "1100 Longworth")[(bits >> 24) % 4],
        1 + bits % 900,
        (bits >> 20) % 100_000,
        f"https://api.example.gov/v3/meeting/119/house/{number}?format=json",
        f"2025-{1 + (bits >> 4) % 12:02d}-{1 + (bits >> 12) % 28:02d} {clock}",
    )


def shuffled(size: int, seed: int = 1) -> Iterator[int]:
    """Every number below ``size`` once, in no order that a page cache could use, and without a list of them."""
    span = 1 << max(size - 1, 1).bit_length()
    number = seed
    for _ in range(span):
        number = (
            number * 1664525 + 1013904223
        ) % span  # visits each number below a power of two once (Hull and Dobell)
        if number < size:
            yield number


def _create(table: str) -> str:
    return f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in TYPES.items())})"


def _version(number: int) -> int:
    """Which version of a record the source brings: numbers 2 and 3 of five are changed, 4 is new."""
    return int(number % 5 in {2, 3})


def _mixed(number: int) -> int:
    """64 bits that have nothing to do with each other or with the next number's."""
    bits = (number + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return bits ^ bits >> 31
