"""Where records come from: files, standard input, Python objects, Arrow streams."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from validate_updates.errors import SourceError, UsageError
from validate_updates.sources.base import (
    BLOCK_BYTES,
    RAW_LIMIT,
    RECORD_LIMIT,
    Block,
    Lines,
    Place,
    Records,
    Source,
    Unreadable,
)
from validate_updates.sources.chain import PYTHON, Chain, Part
from validate_updates.sources.files import COMPRESSED, STDIN, cannot_open
from validate_updates.sources.formats import SUFFIXES, TextPart, check_format, format_of
from validate_updates.sources.named import plugin_source
from validate_updates.text import printable

__all__ = [
    "BLOCK_BYTES",
    "RAW_LIMIT",
    "RECORD_LIMIT",
    "Block",
    "Lines",
    "Place",
    "Records",
    "Source",
    "Unreadable",
    "open_source",
    "plugin_source",
]

_WHAT_EXISTS = "a source is a file, a directory, several of them, - for standard input, records or Arrow data in Python"


def open_source(spec: Any, format: str | None = None) -> Source:  # noqa: A002  # what users call it
    """The source that ``spec`` means; nothing but names is read before its first block is asked for.

    ``spec`` is the path of a file or of a directory (its record files by name, without hidden and ``.part`` ones),
    ``-`` for standard input, a list or tuple of such, an object with ``__arrow_c_stream__``, an iterable of mappings,
    or a ``Source``, which is given back. ``format`` is ``jsonl``, ``json`` (an array), ``csv``, ``tsv`` or ``parquet``;
    unless given, it is told by the suffix, and without one by the first byte.

    Raises ``UsageError`` for anything else, ``SourceError`` where a path is not there or a directory has no records.
    """
    if isinstance(spec, Source):
        return spec
    if format is not None:
        check_format(format)
    paths = _paths(spec)
    if paths is not None:
        _refuse_names(paths)
        parts = [part for path in paths for part in _parts(path, format)]
        return Chain(_title(paths), parts)
    return Chain(PYTHON, [_object(spec)])


def can_be_read_again(spec: Any) -> bool:
    """Whether a second :func:`open_source` finds the same records: in files it does, in a stream it does not."""
    paths = _paths(spec)
    return STDIN not in paths if paths is not None else isinstance(spec, (list, tuple))


def source_title(spec: Any) -> str:
    """What a source is called before it is opened: the same as its ``name`` afterwards.

    Raises ``UsageError`` for an address, which may hold a password and is no name for a report.
    """
    if isinstance(spec, Source):
        return spec.name
    paths = _paths(spec)
    return PYTHON if paths is None else _title(paths)


def _paths(spec: Any) -> list[str] | None:
    """The paths that ``spec`` consists of; None where it is something else. Raises ``UsageError`` for an address."""
    several = spec if isinstance(spec, (list, tuple)) and spec else [spec]
    if not all(isinstance(one, (str, os.PathLike)) for one in several):
        return None
    paths = [os.fsdecode(one) for one in several]
    for path in paths:
        if "://" in path:
            scheme = printable(path.partition("://")[0], 20)  # the rest may hold a password
            raise UsageError(f"no records can be read from a {scheme}:// address", hint=_WHAT_EXISTS)
    return paths


def _refuse_names(paths: list[str]) -> None:
    for path in paths:
        if plugin_source(path):
            raise UsageError(
                f"{path} is the source of a plugin, which stands alone, in a task or a run",
                hint=f"a file of that name is ./{path}",
            )


def _object(spec: Any) -> Part:
    if hasattr(spec, "__arrow_c_stream__"):
        from validate_updates.sources.arrow import ArrowPart

        return ArrowPart(spec)
    if isinstance(spec, (Mapping, bytes, bytearray)) or hasattr(spec, "read") or not isinstance(spec, Iterable):
        raise UsageError(f"records cannot be read from an object of type {type(spec).__name__}", hint=_WHAT_EXISTS)
    from validate_updates.sources.mappings import MappingsPart

    return MappingsPart(spec)


def _title(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _parts(path: str, format_name: str | None) -> list[Part]:
    if path == STDIN:
        return [_file(path, format_name)]
    try:
        is_directory = stat.S_ISDIR(Path(path).stat().st_mode)
        names = _record_files(path) if is_directory else [path]
    except (OSError, ValueError) as error:
        raise cannot_open(path, error) from error
    return [_file(name, format_name) for name in names]


def _record_files(directory: str) -> list[str]:
    """The record files in it, by name. Raises ``OSError``, and ``SourceError`` where there are none."""
    entries = sorted(Path(directory).iterdir())
    files = [str(one) for one in entries if not one.name.startswith(".") and format_of(one.name) and one.is_file()]
    if not files:
        hint = f"record files end in {', '.join(SUFFIXES)}, or that and {', '.join(COMPRESSED)}"
        raise SourceError(f"there is no record file in the directory {printable(directory)}", hint=hint)
    return files


def _file(name: str, format_name: str | None) -> Part:
    format_name = format_name or format_of(name)
    if format_name != "parquet":
        return TextPart(name, format_name)
    if name == STDIN or name.lower().endswith(COMPRESSED):
        where = "standard input" if name == STDIN else printable(name)
        raise UsageError(f"Parquet cannot be read from {where}", hint="save it as a plain file first")
    from validate_updates.sources.parquet import ParquetPart

    return ParquetPart(name)
