"""From blocks of a source to rows for staging: decoded, checked, normalised; what cannot be is kept out with a reason.

Lines of JSON go the fast way of :mod:`validate_updates.line_decoder` where they can. Whatever is odd goes the slow and
strict way here, a record at a time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from validate_updates.job import UnknownColumns
from validate_updates.line_decoder import LineDecoder, line_decoder
from validate_updates.result import KeptOut
from validate_updates.shapes import MOST_SHAPES, Rows, Shape, in_key_order, key_length
from validate_updates.sources.base import RAW_LIMIT, Block, Lines, Place, Records, Source, Unreadable
from validate_updates.sources.strict_json import BadRecord, parse_record, unparsed
from validate_updates.targets.table import TargetTable
from validate_updates.text import printable
from validate_updates.values import BadValue, cell_meaning, converter, from_text

_UNKNOWN_NAMES = 50
"""Different unknown columns that are counted by name."""


class Decoder:
    """Turns blocks into rows. One per run; keeps the shapes it has met and counts of what it left out."""

    def __init__(self, table: TargetTable, source: Source, unknown: UnknownColumns, *, sqlite: bool) -> None:
        self._table = table
        self._source = source
        self._unknown = unknown
        self._columns = {column.name: column for column in table.columns if not column.generated}
        self._converters = {name: converter(column, sqlite=sqlite) for name, column in self._columns.items()}
        self._readers = {name: from_text(self._columns[name], self._converters[name]) for name in self._columns}
        self._lines: LineDecoder | None = None
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._by_members: dict[tuple[str, ...], tuple[Shape, tuple[str, ...]]] = {}
        self.unknown: Counter[str] = Counter()
        """Records by unknown column."""

    def decode(self, block: Block) -> Iterator[Rows | KeptOut]:
        """The rows of a block, and what of it is kept out."""
        if isinstance(block, Unreadable):
            yield unreadable(block, self._source.place(block.seq), self._table.key)
        elif isinstance(block, Records):
            yield from self._records(zip(block.seqs, block.records, strict=True), textual=block.textual)
        else:
            yield from self._decode_lines(block)

    def _decode_lines(self, block: Lines) -> Iterator[Rows | KeptOut]:
        if self._lines is None:
            self._lines = self._line_decoder_for(block.lines)
        rows = self._lines.decode(block.lines, block.data, block.first_seq) if self._lines else None
        if rows is None:
            yield from self._line_by_line(block, self._lines)
        else:
            yield rows

    def _line_decoder_for(self, lines: list[bytes]) -> LineDecoder | None:
        """A fast way for lines like the first good one of a block; None where there is none, or none can be had."""
        for line in lines[:_LINES_TRIED]:
            try:
                shape, _ = self._shape_of(tuple(parse_record(line)))
            except (BadRecord, Refused):
                continue
            return line_decoder(shape, [self._columns[name] for name in shape.columns], self._converters)
        return None

    def _line_by_line(self, block: Lines, fast: LineDecoder | None) -> Iterator[Rows | KeptOut]:
        quick: list[tuple[Any, ...]] = []
        slow: list[tuple[int, Mapping[str, Any]]] = []
        offset = block.offset
        for seq, line in enumerate(block.lines, block.first_seq):
            rows = fast.decode([line], line, seq) if fast else None
            if rows is not None:
                quick += rows.tuples()
            elif line.strip(b" \t\r"):
                try:
                    slow.append((seq, parse_record(line)))
                except BadRecord as bad:
                    yield bad_line(bad, line, self._source.place(seq), offset)
            offset += len(line) + 1
        if fast and quick:
            yield in_key_order(fast.shape, quick)
        yield from self._records(slow, textual=False)

    def _records(self, numbered: Iterable[tuple[int, Mapping[str, Any]]], *, textual: bool) -> Iterator[Rows | KeptOut]:
        by_shape: dict[Shape, list[tuple[Any, ...]]] = {}
        for seq, record in numbered:
            try:
                shape, values = self._converted(record, textual=textual)
            except Refused as refused:
                text = as_text(self._meaning(record) if textual else record)
                yield refused.entry(self._source.place(seq), record=text, key=key_of(record, self._table.key))
            else:
                by_shape.setdefault(shape, []).append((*values, seq))
        for shape, rows in by_shape.items():
            yield in_key_order(shape, rows)

    def _converted(self, record: Mapping[str, Any], *, textual: bool) -> tuple[Shape, list[Any]]:
        converters = self._readers if textual else self._converters
        try:
            shape, unknown = self._shape_of(tuple(record))
        except Refused as refused:
            if refused.code == "unknown_column":
                self._count_unknown(name for name in record if name not in self._columns)
            raise
        self._count_unknown(unknown)
        values = []
        for name in shape.columns:
            value = record[name]
            try:
                values.append(None if value is None else converters[name](value))
            except BadValue as bad:
                raise Refused(bad.code, f"{name}: {bad}", name) from None
        for name, at in zip(self._table.key, shape.key_at, strict=True):
            check_key(name, values[at], key_length(len(shape.key_at)))
        return shape, values

    def _meaning(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record of texts with the values that they stand for, where these can be read: JSON then tells the same."""
        values = dict(record)
        for name, text in record.items():
            with suppress(BadValue):
                if text is not None and name in self._columns:
                    values[name] = cell_meaning(self._columns[name], text)
        return values

    def _shape_of(self, members: tuple[str, ...]) -> tuple[Shape, tuple[str, ...]]:
        """The shape of records with these members, and which of them the table does not have. Raises ``Refused``."""
        known = self._by_members.get(members)
        if known is None:
            unknown = self._unknown_of(members)
            for name in self._table.key:
                if name not in members:
                    raise Refused("missing_key", f"{name}: the key is not in the record", name)
            known = self._shape(set(members)), unknown
            if len(self._by_members) < _ORDERS_REMEMBERED:
                self._by_members[members] = known
        return known

    def _unknown_of(self, members: tuple[str, ...]) -> tuple[str, ...]:
        unknown = tuple(name for name in members if name not in self._columns)
        if unknown and self._unknown is UnknownColumns.REJECT:
            generated = unknown[0] in self._table.names
            why = "is computed by the database" if generated else f"is not in the table {self._table.name}"
            raise Refused("unknown_column", f"column {printable(unknown[0], 60)!r} {why}", unknown[0])
        return unknown[:_UNKNOWN_NAMES]

    def _count_unknown(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self.unknown or len(self.unknown) < _UNKNOWN_NAMES:
                self.unknown[name] += 1

    def _shape(self, members: set[str]) -> Shape:
        columns = tuple(name for name in self._columns if name in members)
        if columns not in self._shapes:
            if len(self._shapes) == MOST_SHAPES:
                raise Refused("too_many_shapes", f"its set of columns is a new one after {MOST_SHAPES} others")
            key_at = tuple(columns.index(name) for name in self._table.key)
            self._shapes[columns] = Shape(len(self._shapes), columns, key_at)
        return self._shapes[columns]


_LINES_TRIED = 100
"""Lines of a block among which a good one is looked for."""
_ORDERS_REMEMBERED = 1000
"""Sequences of members whose shape is looked up rather than worked out."""


class Refused(Exception):  # a record refused is an outcome, not a fault
    """A record that cannot be staged."""

    def __init__(self, code: str, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.column = code, message, column

    def entry(self, place: Place, *, key: str | None = None, offset: int | None = None, record: str = "") -> KeptOut:
        """The record at that place, as an entry of the quarantine."""
        return KeptOut(
            code=self.code,
            message=self.message,
            column=self.column,
            key=key,
            file=place.file,
            line=place.number,
            offset=offset,
            record=record,
        )


def unreadable(block: Unreadable, place: Place, key: Iterable[str]) -> KeptOut:
    """What is no record; ``key``: the columns of the key, of which the source may know the values."""
    refused, known = Refused(block.code, block.message), key_of(block.key or {}, key)
    return refused.entry(place, key=known, offset=block.offset, record=_as_came(block.raw))


def bad_line(bad: BadRecord, line: bytes, place: Place, offset: int) -> KeptOut:
    """A line that is no record; ``offset``: bytes before it."""
    return Refused(bad.code, bad.message).entry(place, offset=offset, record=_as_came(line))


def _as_came(raw: bytes) -> str:
    return raw[:RAW_LIMIT].decode("utf-8", "backslashreplace")


def key_of(record: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """What the record says of its key, for people; None where it says nothing."""
    return ", ".join(f"{name}={printable(record[name], 80)}" for name in names if record.get(name) is not None) or None


def check_key(name: str, value: Any, longest: int) -> None:
    """Raises ``Refused`` for what cannot tell records apart."""
    if value is None:
        raise Refused("null_key", f"{name}: the key is null", name)
    if isinstance(value, str) and len(value) > longest:
        raise Refused("key_too_long", f"{name}: a key of {len(value)} characters; at most {longest} will do", name)


def as_text(record: Mapping[str, Any]) -> str:
    """A record as JSON that reads back as the same, for the quarantine; where JSON cannot, as Python shows it."""
    try:
        text = unparsed(record) if reads_back(record) else repr(dict(record))
    except (TypeError, ValueError, RecursionError):
        text = repr(dict(record))
    return text[:RAW_LIMIT]


def reads_back(value: Any) -> bool:
    """Whether JSON says it so that it means the same again; the encoder has a word also for bytes, NaN and infinity."""
    if isinstance(value, Mapping):
        return all(map(reads_back, value.values()))
    if isinstance(value, list | tuple):
        return all(map(reads_back, value))
    return math.isfinite(value) if isinstance(value, float) else not isinstance(value, bytes | bytearray | memoryview)
