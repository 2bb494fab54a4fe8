"""What a benchmark measured, as JSON: one form for all of them, which ``--json PATH`` writes and a gate reads.

benchmarks/README.md says what each key holds. A form that changes its meaning gets another version.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.report import Bar
from benchmarks.ways import Cost

SCHEMA_VERSION: Final = 1
_UNITS: Final = {"cpu": "s", "wall": "s", "peak": "MB", "written": "MB"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number."""

    name: str
    value: float
    unit: str
    of: Mapping[str, str | int] = field(default_factory=dict)
    """What it is a number of: ``{"way": "batches", "repeat": 2}``."""


def json_option(parser: argparse.ArgumentParser) -> None:
    """The option that every benchmark has."""
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures to this file too")


def of_cost(cost: Cost, **of: str | int) -> Iterator[Figure]:
    """What one process took."""
    for name, unit in _UNITS.items():
        yield Figure(name, getattr(cost, name), unit, of)


def of_costs(costs: Mapping[str, Iterable[Cost]], **of: str | int) -> Iterator[Figure]:
    """The same of ways that were measured in turn."""
    for way, measured in costs.items():
        for repeat, cost in enumerate(measured):
            yield from of_cost(cost, way=way, repeat=repeat, **of)


def write(path: Path | None, benchmark: str, figures: Iterable[Figure], bars: Iterable[Bar] = ()) -> None:
    """Write the file, where one was asked for."""
    if path is None:
        return
    document = {
        "schema_version": SCHEMA_VERSION,
        "benchmark": benchmark,
        "made_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "environment": _environment(),
        "figures": [asdict(one) for one in figures],
        "bars": [{**asdict(one), "holds": one.holds} for one in bars],
    }
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
    }
