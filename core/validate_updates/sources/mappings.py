"""Records that Python code hands over one by one."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from validate_updates.errors import SourceError, UpdateError
from validate_updates.sources.base import RAW_LIMIT, Records, Unreadable
from validate_updates.sources.chain import PYTHON
from validate_updates.sources.gather import Item, gather
from validate_updates.text import printable


class MappingsPart:
    """An iterable of mappings of column to value."""

    name = PYTHON
    has_lines = False

    def __init__(self, mappings: Iterable[Any]) -> None:
        self._mappings = mappings

    def blocks(self, base: int) -> Iterator[Records | Unreadable]:
        """Copies of the mappings, since a producer may use one object again and again.

        Whatever the iterable raises becomes a ``SourceError``, unless it is an error of ours already.
        """
        return gather(self._items(base))

    def _items(self, base: int) -> Iterator[Item]:
        seq = base
        try:
            for item in self._mappings:
                seq += 1
                yield item_of(seq, item)
        except UpdateError:
            raise
        except Exception as error:
            what = f"{type(self._mappings).__name__} raised {type(error).__name__} after {seq - base} records"
            raise SourceError(f"the iterable {what}: {printable(error)}") from error


def item_of(seq: int, item: Any) -> Item:
    """One record as a source hands it on: a copy, or why it is none."""
    if not isinstance(item, Mapping):
        return _unreadable(seq, item, "not_a_mapping", f"a record is a mapping, not {type(item).__name__}")
    record = dict(item)
    wrong = [name for name in record if not isinstance(name, str)]
    if wrong:
        return _unreadable(seq, item, "bad_name", f"the name of a column is text, not {type(wrong[0]).__name__}")
    return seq, record, 0


def _unreadable(seq: int, item: Any, code: str, message: str) -> Unreadable:
    raw = reprlib.repr(item).encode(errors="backslashreplace")[:RAW_LIMIT]
    return Unreadable(seq=seq, code=code, message=printable(message), raw=raw)
