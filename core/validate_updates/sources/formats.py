"""Which format a file has, and the reader of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from validate_updates.errors import UsageError
from validate_updates.sources.base import Block
from validate_updates.sources.files import COMPRESSED, ByteStream, open_bytes
from validate_updates.text import printable

SUFFIXES: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
FORMATS: Final = tuple(dict.fromkeys(SUFFIXES.values()))
_SNIFFED = 64 * 1024

Read = Callable[[ByteStream, int], Iterator[Block]]


def format_of(name: str) -> str | None:
    """The format that a file's suffix tells, before that of a compression; None where it tells none."""
    path = Path(name.lower())
    if path.suffix in COMPRESSED:
        path = path.with_suffix("")
    return SUFFIXES.get(path.suffix)


def check_format(name: str) -> str:
    """A format by its name. Raises ``UsageError`` with those that exist."""
    if name not in FORMATS:
        raise UsageError(f"there is no source format {printable(name)!r}", hint=f"formats: {', '.join(FORMATS)}")
    return name


class TextPart:
    """A file of text, or standard input, in a format told or guessed from its first bytes."""

    def __init__(self, name: str, format_name: str | None) -> None:
        self.name = name
        self._format = format_name

    @property
    def has_lines(self) -> bool:
        """Whether its records are counted by lines."""
        return self._format != "json"

    def blocks(self, base: int) -> Iterator[Block]:
        """Its records. Raises ``SourceError``."""
        with open_bytes(self.name) as stream:
            self._format = self._format or guess_format(stream)
            yield from _reader(self._format)(stream, base)


def guess_format(stream: ByteStream) -> str:
    """The format by the first byte that is not blank, without reading past it: the array of JSON, JSONL, else CSV."""
    first = stream.peek(_SNIFFED).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return {b"[": "json", b"{": "jsonl"}.get(first, "csv")


def _reader(format_name: str) -> Read:
    if format_name == "jsonl":
        from validate_updates.sources.lines import read_lines

        return read_lines
    if format_name == "json":
        from validate_updates.sources.json_array import read_array

        return read_array
    from validate_updates.sources.csv_file import read_csv

    if format_name == "tsv":
        return lambda stream, base: read_csv(stream, base, "\t")
    return read_csv
