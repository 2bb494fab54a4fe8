"""From blocks of a source to rows for staging: decoded, checked, normalised; what cannot be is kept out with a reason.

Records that carry the same columns share a :class:`Shape`. Lines of JSON take a fast way where a whole block has one
shape: msgspec decodes and checks the types in C, and what msgspec is lenient about (a member twice, a NUL) is looked
for in the bytes of the block at once. Whatever is odd goes the slow and strict way, a record at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Literal

import msgspec

from validate_updates.job import UnknownColumns
from validate_updates.result import KeptOut
from validate_updates.sources.base import RAW_LIMIT, Block, Lines, Records, Source, Unreadable
from validate_updates.sources.strict_json import BadRecord, parse_record
from validate_updates.targets.names import SEQ
from validate_updates.targets.table import Column, Kind, TargetTable
from validate_updates.text import printable
from validate_updates.values import BadValue, Converter, converter, from_text

_UNKNOWN_NAMES = 50
"""Different unknown columns that are counted by name."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The set of columns that a group of records carries."""

    number: int
    columns: tuple[str, ...]
    """In the table's order."""
    key_at: tuple[int, ...]
    """Where the key stands among them."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one shape, each with its source number as the last value, sorted by key."""

    shape: Shape
    rows: list[tuple[Any, ...]]


class Decoder:
    """Turns blocks into rows. One per run; keeps the shapes it has met and counts of what it left out."""

    def __init__(self, table: TargetTable, source: Source, unknown: UnknownColumns, *, numeric_booleans: bool) -> None:
        self._table = table
        self._source = source
        self._unknown = unknown
        self._columns = {column.name: column for column in table.columns if not column.generated}
        self._converters = {
            name: converter(column, numeric_booleans=numeric_booleans) for name, column in self._columns.items()
        }
        self._readers = {name: from_text(self._columns[name], self._converters[name]) for name in self._columns}
        self._numeric_booleans = numeric_booleans
        self._lines: _LineDecoder | None = None
        self.shapes: dict[tuple[str, ...], Shape] = {}
        self.unknown: Counter[str] = Counter()
        """Records by unknown column."""

    def decode(self, block: Block) -> Iterator[Rows | KeptOut]:
        """The rows of a block, and what of it is kept out."""
        if isinstance(block, Unreadable):
            yield self._unreadable(block)
        elif isinstance(block, Records):
            yield from self._records(zip(block.seqs, block.records, strict=True), textual=block.textual)
        else:
            yield from self._decode_lines(block)

    def _unreadable(self, block: Unreadable) -> KeptOut:
        raw = block.raw[:RAW_LIMIT].decode("utf-8", "backslashreplace")
        return self._kept_out(block.seq, block.code, block.message, offset=block.offset, record=raw)

    def _decode_lines(self, block: Lines) -> Iterator[Rows | KeptOut]:
        if self._lines is None:
            self._lines = self._line_decoder_for(block.lines)
        fast = self._lines
        rows = fast.decode(block.lines, block.data, block.first_seq) if fast else None
        if fast and rows is not None:
            yield Rows(fast.shape, rows)
            return
        yield from self._line_by_line(block, fast)

    def _line_decoder_for(self, lines: list[bytes]) -> _LineDecoder | None:
        """A fast way for lines like the first readable one of the block."""
        for line in lines[:100]:
            try:
                first = parse_record(line)
            except BadRecord:
                continue
            if not self._columns.keys() >= first.keys() or not set(self._table.key) <= first.keys():
                continue
            shape = self._shape(tuple(first))
            return _LineDecoder(shape, [self._columns[name] for name in shape.columns], self._converters)
        return None

    def _line_by_line(self, block: Lines, fast: _LineDecoder | None) -> Iterator[Rows | KeptOut]:
        quick: list[tuple[Any, ...]] = []
        slow: list[tuple[int, Mapping[str, Any]]] = []
        offset = block.offset
        for seq, line in enumerate(block.lines, block.first_seq):
            rows = fast.decode([line], line, seq) if fast else None
            if rows is not None:
                quick += rows
            elif not line.strip(b" \t\r"):
                pass
            else:
                try:
                    slow.append((seq, parse_record(line)))
                except BadRecord as bad:
                    raw = line[:RAW_LIMIT].decode("utf-8", "backslashreplace")
                    yield self._kept_out(seq, bad.code, bad.message, offset=offset, record=raw)
            offset += len(line) + 1
        if fast and quick:
            quick.sort(key=itemgetter(*fast.shape.key_at))
            yield Rows(fast.shape, quick)
        if slow:
            yield from self._records(slow, textual=False)

    def _records(self, numbered: Iterable[tuple[int, Mapping[str, Any]]], *, textual: bool) -> Iterator[Rows | KeptOut]:
        by_shape: dict[int, Rows] = {}
        for seq, record in numbered:
            try:
                shape, values = self._converted(record, textual=textual)
            except _Refused as refused:
                yield self._kept_out(
                    seq, refused.code, refused.message, column=refused.column, record=_as_text(record),
                    key=self._key_text(record),
                )  # fmt: skip
                continue
            by_shape.setdefault(shape.number, Rows(shape, [])).rows.append((*values, seq))
        for rows in by_shape.values():
            rows.rows.sort(key=itemgetter(*rows.shape.key_at))
            yield rows

    def _converted(self, record: Mapping[str, Any], *, textual: bool) -> tuple[Shape, list[Any]]:
        converters = self._readers if textual else self._converters
        names = tuple(record)
        shape = self.shapes.get(names)
        if shape is None:
            shape = self._shape(self._known(names))
        values = []
        for name in shape.columns:
            value = record[name]
            if value is not None:
                try:
                    value = converters[name](value)
                except BadValue as bad:
                    raise _Refused(bad.code, f"{name}: {bad}", name) from None
            values.append(value)
        for name, at in zip(self._table.key, shape.key_at, strict=True):
            if values[at] is None:
                raise _Refused("null_key", f"{name}: the key is null", name)
        return shape, values

    def _known(self, names: Sequence[str]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in self._columns]
        for name in unknown:
            if name in self.unknown or len(self.unknown) < _UNKNOWN_NAMES:
                self.unknown[name] += 1
        if unknown and self._unknown is UnknownColumns.REJECT:
            name = unknown[0]
            generated = name in self._table.names
            why = "is computed by the database" if generated else f"is not in the table {self._table.name}"
            raise _Refused("unknown_column", f"column {printable(name, 60)!r} {why}", name)
        for name in self._table.key:
            if name not in names:
                raise _Refused("missing_key", f"{name}: the key is not in the record", name)
        return tuple(name for name in names if name in self._columns)

    def _shape(self, names: Sequence[str]) -> Shape:
        present = set(names)
        columns = tuple(name for name in self._columns if name in present)
        shape = self.shapes.get(columns)
        if shape is None:
            shape = Shape(
                number=len({shape.number for shape in self.shapes.values()}),
                columns=columns,
                key_at=tuple(columns.index(name) for name in self._table.key),
            )
            self.shapes[columns] = shape
        if len(self.shapes) < _SHAPES_REMEMBERED:
            self.shapes[tuple(names)] = shape
        return shape

    def _key_text(self, record: Mapping[str, Any]) -> str | None:
        parts = [f"{name}={printable(record[name], 80)}" for name in self._table.key if record.get(name) is not None]
        return ", ".join(parts) or None

    def _kept_out(
        self,
        seq: int,
        code: str,
        message: str,
        *,
        column: str | None = None,
        key: str | None = None,
        offset: int | None = None,
        record: str = "",
    ) -> KeptOut:
        place = self._source.place(seq)
        line = place.line if place.line is not None else place.record
        return KeptOut(
            code=code, message=message, column=column, key=key, file=place.file, line=line, offset=offset, record=record
        )


_SHAPES_REMEMBERED = 1000
"""Orders of members whose shape is looked up rather than worked out; more than any honest feed has."""


class _Refused(Exception):  # a record refused is an outcome, not a fault
    def __init__(self, code: str, message: str, column: str | None) -> None:
        super().__init__(message)
        self.code, self.message, self.column = code, message, column


def _as_text(record: Mapping[str, Any]) -> str:
    try:
        text = msgspec.json.encode(record).decode("utf-8", "backslashreplace")
    except (TypeError, ValueError, RecursionError, UnicodeEncodeError):
        text = repr(dict(record))
    return text[:RAW_LIMIT]


_FAST_TYPES: dict[Kind, Any] = {
    Kind.REAL: float,
    Kind.BOOLEAN: bool,
    Kind.DATE: str,
    Kind.TIME: str,
    Kind.TIMESTAMP: str,
    Kind.TIMESTAMP_TZ: str,
    Kind.NUMERIC: Decimal,
    Kind.UUID: str,
}
"""What msgspec decodes a kind to. Kinds that are not here are text, integer (bounded), or anything."""


def _fast_type(column: Column) -> Any:
    if column.kind is Kind.INTEGER:
        low, high = -(1 << (column.bits - 1)), (1 << (column.bits - 1)) - 1
        return Annotated[int, msgspec.Meta(ge=low, le=high)]
    if column.kind is Kind.TEXT:
        return str if column.length is None else Annotated[str, msgspec.Meta(max_length=column.length)]
    return _FAST_TYPES.get(column.kind, Any)


class _LineDecoder:
    """Lines of one shape, whole blocks at a time.

    Every answer it gives equals that of the slow way; where it is not sure it gives none.
    """

    def __init__(self, shape: Shape, columns: list[Column], converters: Mapping[str, Converter]) -> None:
        self.shape = shape
        self._members = len(columns)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(_struct(shape, columns)).decode
        self._by_key = attrgetter(*(_field(at) for at in shape.key_at))
        self._looks = [
            _Look(_field(index), attrgetter(_field(index)), _canonical(column.kind), converters[column.name])
            for index, column in enumerate(columns)
            if column.choices or column.kind not in (Kind.INTEGER, Kind.TEXT)
        ]

    def decode(self, lines: list[bytes], data: bytes, first_seq: int) -> list[tuple[Any, ...]] | None:
        """The rows of lines that are all plain, sorted by key; None where any is not. ``data``: the lines, joined."""
        if not self._plain(data, len(lines)):
            return None
        try:
            records = list(map(self._decode, lines))
            for look in self._looks:
                if not look.canonical(list(map(look.get, records))):
                    look.convert_all(records)
        except (msgspec.DecodeError, UnicodeDecodeError, BadValue, RecursionError):
            return None
        for seq, record in enumerate(records, first_seq):
            record.seq = seq
        records.sort(key=self._by_key)
        return list(map(msgspec.structs.astuple, records))

    def _plain(self, data: bytes, lines: int) -> bool:
        """Whether no record can have a member twice, and no text a NUL.

        Every member is followed by ``":`` unless white space stands between. A struct has all its members at least
        once, so where the number of ``":`` is exactly the number of members due, none is there twice.
        """
        return (
            data.count(b'":') == self._members * lines
            and data.rfind(b'" :') < 0  # from the right it is a third faster than `in`
            and (b"\t" not in data or b'"\t:' not in data)
            and (b"\r" not in data or b'"\r:' not in data)
            and (b"\\" not in data or b"\\u0000" not in data)
        )


def _field(index: int) -> str:
    return f"f{index}"


def _struct(shape: Shape, columns: list[Column]) -> type[msgspec.Struct]:
    """A struct with the members of a shape, all required, and room for the record's number, which no line can fill."""
    fields: list[Any] = []
    for index, column in enumerate(columns):
        kind = _fast_type(column)
        fields.append((_field(index), kind if kind is Any or index in shape.key_at else kind | None))
    names = {_field(index): column.name for index, column in enumerate(columns)}
    never = Literal["\0"]
    return msgspec.defstruct(
        "Line", [*fields, ("seq", never, 0)], rename={**names, "seq": SEQ}, forbid_unknown_fields=True, gc=False
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """A column whose values msgspec cannot fully judge."""

    field: str
    get: Callable[[Any], Any]
    canonical: Callable[[list[Any]], bool]
    convert: Converter

    def convert_all(self, records: list[Any]) -> None:
        """Normalise the column in place. Raises ``BadValue``."""
        for record in records:
            value = self.get(record)
            if value is not None:
                setattr(record, self.field, self.convert(value))


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


def _canonical_timestamps(values: list[Any]) -> bool:
    for value in values:
        if value is None or (value[:10] in _DATES and value[10:17] in _MINUTES and value[17:] in _SECONDS):
            continue
        if not _known_timestamp(value):
            return False
    return True


def _known_timestamp(text: str) -> bool:
    try:
        canonical = str(datetime.fromisoformat(text)) == text
    except ValueError:
        return False
    return canonical and _known_date(text[:10]) and "+" not in text and text.count("-") == 2
