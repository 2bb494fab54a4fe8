"""What the project's benchmarks measured, from the files that their ``--json PATH`` writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from validate_updates_gates.files import from_json, refused

SCHEMA_VERSION: Final = 1


class Figure(Struct, frozen=True):
    """One number, and what it is a number of."""

    name: str
    value: float
    unit: str
    of: dict[str, str | int | float]


class Measured(Struct, frozen=True):
    """One file."""

    schema_version: int
    benchmark: str
    made_at: str
    figures: tuple[Figure, ...]


def read_benchmarks(paths: Iterable[Path]) -> Sequence[Measured]:
    """All files. Raises ``SourceError``."""
    return [_read(path) for path in paths]


def _read(path: Path) -> Measured:
    found = from_json(path, Measured, "what a benchmark measured", made_by="python -m benchmarks.NAME --json PATH")
    if found.schema_version != SCHEMA_VERSION:
        raise refused(path, f"has version {found.schema_version} of the form, and {SCHEMA_VERSION} is known")
    return found
