"""Records in Arrow's columns: any object with ``__arrow_c_stream__``, as polars, pandas, DuckDB and pyarrow make them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from validate_updates.errors import SourceError, UsageError
from validate_updates.sources.base import Records, Unreadable
from validate_updates.sources.gather import BLOCK_RECORDS, Item, gather
from validate_updates.text import printable

NAME = "<python>"

_TEMPORAL: Final = ("is_date", "is_time", "is_timestamp")
_PLAIN: Final = (
    *("is_null", "is_boolean", "is_integer", "is_floating", "is_decimal"),
    *("is_string", "is_large_string", "is_string_view"),
    *("is_binary", "is_large_binary", "is_binary_view", "is_fixed_size_binary"),
)
_LISTS: Final = ("is_list", "is_large_list", "is_fixed_size_list")


class ArrowPart:
    """An object that exports an Arrow stream."""

    name = NAME
    has_lines = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def blocks(self, base: int) -> Iterator[Records | Unreadable]:
        """Its rows. Raises ``SourceError`` where the stream breaks off or a column has no plain values."""
        library = any_library("arro3.core", "pyarrow")
        try:
            reader = library.RecordBatchReader.from_stream(self._stream)
        except Exception as error:
            raise SourceError(f"the Arrow stream cannot be read: {printable(error)}") from error
        return read_batches(reader, base, self.name)


def any_library(*names: str) -> Any:
    """The first of these modules that can be imported. Raises ``UsageError`` naming the extra that brings one."""
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    hint = "install the extra: pip install 'validate-updates[parquet]'"
    raise UsageError("Parquet files and Arrow objects need a library that is not installed", hint=hint)
