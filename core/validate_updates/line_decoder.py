"""Lines of JSON of one shape, decoded whole blocks at a time.

msgspec decodes and checks the types in C, and what it is lenient about (a member twice, a NUL) is found out from the
bytes of the whole block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Literal

import msgspec

from validate_updates.shapes import Rows, Shape, key_length
from validate_updates.sources.strict_json import MAX_DIGITS
from validate_updates.targets.names import SEQ
from validate_updates.targets.table import Column, Kind
from validate_updates.values import BadValue, Converter

_FAST_TYPES: dict[Kind, Any] = {
    Kind.BOOLEAN: bool,
    Kind.DATE: str,
    Kind.TIME: str,
    Kind.TIMESTAMP: str,
    Kind.TIMESTAMP_TZ: str,
    Kind.UUID: str,
    Kind.NUMERIC: Any,  # as a Decimal, by the decoder's hook for floats
}
"""What msgspec decodes a kind to, where that does not depend on the column."""

SLOW_KINDS = {Kind.JSON, Kind.OTHER, Kind.BYTES}
"""Their values may be nested, or of any type: only the strict way judges them."""


def _integer(bits: int) -> Any:
    return Annotated[int, msgspec.Meta(ge=-(1 << (bits - 1)), le=(1 << (bits - 1)) - 1)]


def fast_type(column: Column, *, key_length: int | None) -> Any:
    """What msgspec decodes a column's values to, null apart. ``key_length``: of a text in a key."""
    if column.kind is Kind.INTEGER:
        return _integer(column.bits)
    if column.kind is Kind.REAL:
        return _integer(64) | float  # an integer must be seen as it is, to tell whether a float holds it
    if column.kind is Kind.TEXT:
        lengths = [length for length in (column.length, key_length) if length is not None]
        return Annotated[str, msgspec.Meta(max_length=min(lengths))] if lengths else str
    return _FAST_TYPES[column.kind]


def line_decoder(shape: Shape, columns: list[Column], converters: Mapping[str, Converter]) -> LineDecoder | None:
    """The fast way for lines of ``shape``; None where a column's type or name does not allow one."""
    keyed_by_number = any(columns[at].kind is Kind.NUMERIC for at in shape.key_at)
    if keyed_by_number or any(column.kind in SLOW_KINDS for column in columns):
        return None
    try:
        return LineDecoder(shape, columns, converters)
    except ValueError:
        return None  # msgspec takes no names with quotes, backslashes or control characters


class LineDecoder:
    """Lines of one shape, whole blocks at a time.

    Every answer it gives equals that of the slow way; where it is not sure it gives none.
    """

    def __init__(self, shape: Shape, columns: list[Column], converters: Mapping[str, Converter]) -> None:
        self.shape = shape
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(_struct(shape, columns), float_hook=Decimal).decode
        self._by_key = attrgetter(*(_field(at) for at in shape.key_at))
        self._looks = [
            look_at(index, column, converters[column.name])
            for index, column in enumerate(columns)
            if column.choices or column.kind not in (Kind.INTEGER, Kind.TEXT)
        ]

    def decode(self, lines: list[bytes], data: bytes, first_seq: int) -> Rows | None:
        """The rows of lines that are all plain, sorted by key; None where any is not. ``data``: the lines, joined."""
        if b"\\" in data and b"\\u0000" in data:
            return None  # a NUL, perhaps
        try:
            records = list(map(self._decode, lines))
            for seq, record in enumerate(records, first_seq):
                record.seq = seq
            records.sort(key=self._by_key)
            rows = Rows(self.shape, list(chain.from_iterable(map(msgspec.structs.astuple, records))))
            if quotes(data) != self._quotes_due(rows):
                return None
            for look in self._looks:
                look.normalise(rows)
        except (msgspec.DecodeError, UnicodeDecodeError, BadValue, RecursionError):
            return None
        return rows

    def _quotes_due(self, rows: Rows) -> int:
        """Double quotes around the names of the members, each there once, and around the texts among their values.

        msgspec keeps the last of two members of one name, and each member more than the rows tell of brings quotes of
        its own. So where the quotes are as many as are due, no member was there twice.
        """
        texts = list(map(type, rows.cells)).count(str)
        return 2 * (len(rows) * len(self.shape.columns) + texts)


def quotes(data: bytes) -> int:
    """Double quotes that begin or end a text or a name; perhaps too many, never too few.

    A backslash stands inside of a text only. Where a single one is before a quote, the quote is a part of the text;
    where there are more, it may be.
    """
    quotes = data.count(b'"')
    if b"\\" in data:
        quotes -= data.count(b'\\"') - data.count(b'\\\\"')
    return quotes


def _field(index: int) -> str:
    return f"f{index}"


def _struct(shape: Shape, columns: list[Column]) -> type[msgspec.Struct]:
    """A struct with the members of a shape, all required, and room for the record's number, which no line can fill."""
    fields: list[Any] = []
    for index, column in enumerate(columns):
        in_key = index in shape.key_at
        kind = fast_type(column, key_length=key_length(len(shape.key_at)) if in_key else None)
        fields.append((_field(index), kind if in_key else kind | None))
    names = {_field(index): column.name for index, column in enumerate(columns)}
    never = Literal["\0"]
    return msgspec.defstruct(
        "Line", [*fields, ("seq", never, 0)], rename={**names, "seq": SEQ}, forbid_unknown_fields=True, gc=False
    )


@dataclass(frozen=True, slots=True)
class Look:
    """A column whose values msgspec cannot fully judge."""

    at: int
    canonical: Callable[[list[Any]], bool]
    convert: Converter

    def normalise(self, rows: Rows) -> None:
        """Bring the column's values to the form in which they are stored. Raises ``BadValue``."""
        column = slice(self.at, None, rows.width)
        values = rows.cells[column]
        if not self.canonical(values):
            rows.cells[column] = [None if value is None else self.convert(value) for value in values]


def look_at(at: int, column: Column, convert: Converter) -> Look:
    """How the column at that place is judged."""
    if column.kind is Kind.NUMERIC:
        convert = _strict_number(convert)
    return Look(at, _canonical(column.kind), convert)


def _strict_number(convert: Converter) -> Converter:
    """``convert``, but for integers so long that strict JSON refuses them: the slow way says so."""

    def checked(value: Any) -> Any:
        if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
            raise BadValue("bad_number", "too many digits")
        return convert(value)

    return checked


def _canonical(kind: Kind) -> Callable[[list[Any]], bool]:
    """A quick test whether all of a column's values are already as they will be stored."""
    return {Kind.DATE: _canonical_dates, Kind.TIMESTAMP: _canonical_timestamps}.get(kind, _never)


def _never(values: list[Any]) -> bool:
    return not any(value is not None for value in values)


_MINUTES = frozenset(f" {hour:02}:{minute:02}:" for hour in range(24) for minute in range(60))
_SECONDS = frozenset(f"{second:02}" for second in range(60))
_DATES: set[str] = set()
_DATES_REMEMBERED = 50_000


def _canonical_dates(values: list[Any]) -> bool:
    return all(value is None or _known_date(value) for value in set(values) - _DATES)


def _known_date(text: str) -> bool:
    try:
        canonical = str(date.fromisoformat(text)) == text
    except ValueError:
        return False
    if canonical and len(_DATES) < _DATES_REMEMBERED:
        _DATES.add(text)
    return canonical


_DAY, _MINUTE, _SECOND = itemgetter(slice(10)), itemgetter(slice(10, 17)), itemgetter(slice(17, None))


def _canonical_timestamps(values: list[Any]) -> bool:
    texts = [value for value in values if value is not None]
    # Most feeds have whole seconds: then all values are parts of known sets, which C code tells.
    plain = set(map(_MINUTE, texts)) <= _MINUTES and set(map(_SECOND, texts)) <= _SECONDS
    if plain:
        return all(map(_known_date, set(map(_DAY, texts)) - _DATES))
    return all(map(_known_timestamp, texts))


def _known_timestamp(text: str) -> bool:
    try:
        canonical = str(datetime.fromisoformat(text)) == text
    except ValueError:
        return False
    return canonical and _known_date(text[:10]) and "+" not in text and text.count("-") == 2
