"""Parquet files, read batch by batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from validate_updates.sources.arrow import first_library, guarded, read_batches
from validate_updates.sources.base import Records, Unreadable
from validate_updates.sources.gather import BLOCK_RECORDS

_MARK: Final = b"PAR1"
_LEAST: Final = 12
"""Bytes: the mark at both ends, and before the last the length of the footer."""


class ParquetPart:
    """A Parquet file. Raises ``UsageError`` where no library that reads it is installed."""

    has_lines = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._library = first_library("arro3.io", "pyarrow.parquet")

    def blocks(self, base: int) -> Iterator[Records | Unreadable]:
        """Its rows. Raises ``SourceError`` where the file is missing, damaged, or a column has no plain values."""
        return read_batches(guarded(self.name, self._open), base, self.name)

    def _open(self) -> Any:
        _check_ends(self.name)
        if self._library.__name__ == "arro3.io":
            return self._library.read_parquet(self.name, batch_size=BLOCK_RECORDS)
        file = self._library.ParquetFile(self.name)
        batches = file.iter_batches(batch_size=BLOCK_RECORDS)
        return import_module("pyarrow").RecordBatchReader.from_batches(file.schema_arrow, batches)


def _check_ends(name: str) -> None:
    """Raise ``ValueError`` for what is no whole file: a library may panic there, on stderr and in words of its own."""
    with Path(name).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        ends = b"" if size < _LEAST else os.pread(file.fileno(), 4, 0) + os.pread(file.fileno(), 8, size - 8)
    footer = int.from_bytes(ends[4:8], "little")
    if (ends[:4], ends[8:]) != (_MARK, _MARK) or footer > size - _LEAST:
        raise ValueError("it is no Parquet file, or not all of it")
