"""The key of a record in quarantine, as the stage has it: the typed values, never only how they look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from validate_updates.sources.strict_json import BadRecord, parse_record
from validate_updates.values import BadValue, converter, from_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from validate_updates.targets.table import TargetTable

Key = tuple[Any, ...]


class KeyReader:
    """Reads keys of one table."""

    def __init__(self, target: TargetTable, *, sqlite: bool) -> None:
        columns = [target.column(name) for name in target.key]
        self._names = target.key
        self._converters = [converter(column, sqlite=sqlite) for column in columns]
        self._readers = [from_text(*pair) for pair in zip(columns, self._converters, strict=True)]
        self._shown = re.compile(", ".join(f"{re.escape(name)}=(.*)" for name in self._names), re.DOTALL)

    def read(self, record: str, shown: str | None) -> Key | None:
        """The key in a record's text or, where that cannot be read, in the key as it was shown; else None."""
        try:
            members = parse_record(record.encode())
        except BadRecord:
            return None if shown is None else self._from_shown(shown)
        return _converted(self._converters, [members.get(name) for name in self._names])

    def _from_shown(self, text: str) -> Key | None:
        """Only where the text can mean one key alone: nothing in it was cut, escaped, or reads like the next column."""
        match = self._shown.fullmatch(text)
        if match is None or "…" in text or "\\" in text:
            return None
        if any(text.count(f", {name}=") > 1 for name in self._names[1:]):
            return None
        return _converted(self._readers, match.groups())


def _converted(converters: list[Callable[[Any], Any]], values: Any) -> Key | None:
    try:
        key = tuple(
            None if value is None else convert(value) for convert, value in zip(converters, values, strict=True)
        )
    except BadValue:
        return None
    return None if None in key else key
