"""Parquet files, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from validate_updates.sources.arrow import first_library, guarded, read_batches
from validate_updates.sources.base import Records, Unreadable
from validate_updates.sources.gather import BLOCK_RECORDS


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
        if self._library.__name__ == "arro3.io":
            return self._library.read_parquet(self.name, batch_size=BLOCK_RECORDS)
        file = self._library.ParquetFile(self.name)
        batches = file.iter_batches(batch_size=BLOCK_RECORDS)
        return import_module("pyarrow").RecordBatchReader.from_batches(file.schema_arrow, batches)
