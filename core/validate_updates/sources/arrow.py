"""Records in Arrow's columns: any object with ``__arrow_c_stream__``, as polars, pandas and DuckDB have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final

from validate_updates.errors import SourceError, UsageError
from validate_updates.sources.base import Records, Unreadable
from validate_updates.sources.chain import PYTHON
from validate_updates.sources.gather import BLOCK_RECORDS, Item, gather
from validate_updates.text import printable

_TIMES: Final = ("is_date", "is_time", "is_timestamp")
_PLAIN: Final = (
    *("is_null", "is_boolean", "is_integer", "is_floating", "is_decimal"),
    *("is_string", "is_large_string", "is_string_view"),
    *("is_binary", "is_large_binary", "is_binary_view", "is_fixed_size_binary"),
)
_LISTS: Final = ("is_list", "is_large_list", "is_fixed_size_list")
_LOST: Final = object()
"""Stands for a time that Python cannot hold."""


class ArrowPart:
    """An object that exports an Arrow stream. Raises ``UsageError`` where no Arrow library is installed."""

    name = PYTHON
    has_lines = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._library = first_library("arro3.core", "pyarrow")

    def blocks(self, base: int) -> Iterator[Records | Unreadable]:
        """Its rows. Raises ``SourceError`` where the stream breaks off or a column has no plain values."""
        reader = guarded(self.name, self._library.RecordBatchReader.from_stream, self._stream)
        return read_batches(reader, base, self.name)


def first_library(*names: str) -> Any:
    """The first of these modules that is installed. Raises ``UsageError`` naming the extra that brings one."""
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    hint = "pip install 'validate-updates[parquet]'"
    raise UsageError("Parquet files and Arrow objects need a library that is not installed", hint=hint)


def guarded(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """The call into a library; all its ways to fail become a ``SourceError`` that names the source."""
    try:
        return function(*arguments)
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise SourceError(f"{printable(name)} cannot be read: {printable(error)}") from error
        raise


def read_batches(reader: Any, base: int, name: str) -> Iterator[Records | Unreadable]:
    """The rows of a library's record batch reader, as plain Python values.

    Nanoseconds are cut to microseconds, which is what databases keep. A time outside of the years 1 to 9999 makes its
    record unreadable. Raises ``SourceError`` for columns whose values are not plain: intervals, maps, times in lists.
    """
    fields = list(reader.schema)
    _check_columns(fields, name)
    return gather(_rows(reader, fields, base, name))


def _rows(reader: Any, fields: list[Any], base: int, name: str) -> Iterator[Item]:
    seq, names = base, [field.name for field in fields]
    listed = [_times if _is(field.type, _TIMES) else _plain for field in fields]
    for part in _slices(reader, name):
        columns = [guarded(name, values, column) for values, column in zip(listed, part.columns, strict=True)]
        lossy = any(_LOST in column for column in columns)
        for row in zip(*columns, strict=True):
            seq += 1
            if lossy and _LOST in row:
                message = f"column {printable(names[row.index(_LOST)])!r} has a time that is out of range"
                yield Unreadable(seq=seq, code="out_of_range", message=message)
            else:
                yield seq, dict(zip(names, row, strict=True)), 0


def _slices(reader: Any, name: str) -> Iterator[Any]:
    batches = iter(reader)
    while (batch := guarded(name, next, batches, None)) is not None:
        for start in range(0, batch.num_rows, BLOCK_RECORDS):
            yield batch.slice(start, min(BLOCK_RECORDS, batch.num_rows - start))


def _plain(column: Any) -> list[Any]:
    return list(column.to_pylist())


def _times(column: Any) -> list[Any]:
    """Where Python cannot hold a time, pyarrow raises and arro3 gives None: both become ``_LOST``."""
    if getattr(column.type, "unit", "") == "ns":  # pyarrow's name for it; arro3 cuts by itself
        column = _microseconds(column)
    try:
        values = list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_time(scalar) for scalar in column]
    return values if values.count(None) == column.null_count else [_time(scalar) for scalar in column]


def _time(scalar: Any) -> Any:
    try:
        value = scalar.as_py()
    except (ValueError, OverflowError):
        return _LOST
    return _LOST if value is None and scalar.is_valid else value


def _microseconds(column: Any) -> Any:
    pyarrow = import_module("pyarrow")
    zone = getattr(column.type, "tz", None)
    kind = pyarrow.timestamp("us", zone) if _is(column.type, ("is_timestamp",)) else pyarrow.time64("us")
    return column.cast(kind, safe=False)


def _check_columns(fields: list[Any], name: str) -> None:
    names = [field.name for field in fields]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise SourceError(f"{printable(name)} has the column {printable(twice)!r} twice")
    if not names:
        raise SourceError(f"{printable(name)} has no columns")
    for field in fields:
        if not (_is(field.type, _TIMES) or _is_plain(field.type)):
            what = f"column {printable(field.name)!r} has the type {printable(str(field.type).strip())}"
            raise SourceError(f"{printable(name)}: {what}, which no column of a table takes", hint="cast it to text")


def _is_plain(kind: Any) -> bool:
    """Whether its values are plain, in lists and structs too. Times within those are not: JSON has none."""
    if _is(kind, (*_LISTS, "is_dictionary")):
        return _is_plain(kind.value_type)
    if _is(kind, ("is_struct",)):
        names = [field.name for field in kind.fields]
        return len(set(names)) == len(names) and all(_is_plain(field.type) for field in kind.fields)
    return _is(kind, _PLAIN)


def _is(kind: Any, tests: tuple[str, ...]) -> bool:
    """arro3 has its tests for types on their class, pyarrow in a module."""
    home = type(kind) if hasattr(type(kind), "is_null") else import_module("pyarrow.types")
    return any(getattr(home, test)(kind) for test in tests)
