"""Records that are read one by one, gathered into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from validate_updates.errors import SourceError
from validate_updates.sources.base import BLOCK_BYTES, Records, Unreadable

BLOCK_RECORDS = 1000
"""Records in a block, at most."""

Item = tuple[int, Mapping[str, Any], int] | Unreadable
"""The number of a record, the record, and the bytes it took (0 where nobody counted); or why it cannot be read."""


def gather(items: Iterable[Item], *, textual: bool = False) -> Iterator[Records | Unreadable]:
    """The same records in the same order, in blocks of bounded length and size.

    A ``SourceError`` on the way goes up after everything read before it has been handed out.
    """
    seqs: list[int] = []
    records: list[Mapping[str, Any]] = []
    size = 0
    try:
        for item in items:
            if isinstance(item, tuple):
                seqs.append(item[0])
                records.append(item[1])
                size += item[2]
                if len(seqs) < BLOCK_RECORDS and size < BLOCK_BYTES:
                    continue
            if seqs:
                yield Records(seqs, records, textual)
                seqs, records, size = [], [], 0
            if isinstance(item, Unreadable):
                yield item
    except SourceError:
        if seqs:
            yield Records(seqs, records, textual)
        raise
    if seqs:
        yield Records(seqs, records, textual)
