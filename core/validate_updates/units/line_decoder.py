"""Lines of JSON whose records carry children in one form, decoded whole blocks at a time.

As in :mod:`validate_updates.line_decoder`, and with its parts: msgspec decodes and judges in C, and where it is not
sure that the slow way would say the same, there is no answer.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from validate_updates.line_decoder import SLOW_KINDS, fast_type, look_at, quotes
from validate_updates.shapes import Rows, key_length
from validate_updates.targets.table import Kind
from validate_updates.values import BadValue

if TYPE_CHECKING:
    from validate_updates.units.decoding import Form
    from validate_updates.units.tree import Member

UnitRows = tuple[int, Rows]
"""Number of a table of the tree, and rows of it."""

_NONE = Annotated[list[Any], msgspec.Meta(max_length=0)]


@dataclass(frozen=True, slots=True)
class Shaped:
    """A table, the form of its records, and those of the children that they list; None where none were seen."""

    member: Member
    form: Form
    lists: tuple[Shaped | None, ...]


def unit_line_decoder(shaped: Shaped) -> UnitLineDecoder | None:
    """The fast way for such lines; None where a type or a name does not allow one."""
    if not all(map(_allows, _all(shaped))):
        return None
    try:
        return UnitLineDecoder(shaped)
    except ValueError:
        return None  # msgspec takes no names with quotes, backslashes or control characters


def _all(shaped: Shaped) -> Iterator[Shaped]:
    yield shaped
    for child in shaped.lists:
        if child:
            yield from _all(child)


def _allows(shaped: Shaped) -> bool:
    """Values in keys are compared before they are brought to their form, which only these kinds have from the start."""
    columns = dict(zip(shaped.form.named, (cell.column for cell in shaped.form.cells), strict=True))
    if any(column.kind in SLOW_KINDS for column in columns.values()):
        return False
    if any(columns[name].kind not in {Kind.INTEGER, Kind.TEXT} for name in shaped.form.identity):
        return False
    pointers = [shaped.member.pointer(name) for name in shaped.member.target.key if name not in columns]
    return all(any(not columns[ours].nullable for ours in one.cells.values()) for one in pointers if one)


class UnitLineDecoder:
    """Lines of one form, with children of one form each."""

    def __init__(self, shaped: Shaped) -> None:
        self._levels = {id(one): _Level(one) for one in _all(shaped)}
        self._root = self._levels[id(shaped)]
        kind = self._struct(shaped)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind, float_hook=Decimal).decode

    def decode(self, lines: list[bytes], data: bytes, first_seq: int, numbers: Counter[int]) -> list[UnitRows] | None:
        """The rows of lines that are all plain; None where any is not. ``numbers``: the last of each table's rows."""
        if b"\\" in data and b"\\u0000" in data:
            return None  # a NUL, perhaps
        given = Counter(numbers)
        try:
            with _no_collection():
                found = self._found(lines, first_seq, given)
            if quotes(data) != sum(level.quotes_due(rows) for level, rows in found):
                return None
            for level, rows in found:
                for look in level.looks:
                    look.normalise(rows)
        except (msgspec.DecodeError, UnicodeDecodeError, BadValue, RecursionError, _Repeated):
            return None
        numbers.update({number: given[number] - numbers[number] for number in given})
        return [(level.shaped.member.number, rows) for level, rows in found]

    def _found(self, lines: list[bytes], first_seq: int, given: Counter[int]) -> list[tuple[_Level, Rows]]:
        records = list(map(self._decode, lines))
        numbered = _Numbered(records, range(first_seq, first_seq + len(records)))
        return list(self._rows(self._root, numbered, given))

    def _rows(self, level: _Level, numbered: _Numbered, given: Counter[int]) -> Iterator[tuple[_Level, Rows]]:
        """The rows of records of one table, and of their children."""
        yield level, level.rows(numbered)
        for at, child in enumerate(level.shaped.lists):
            if child is None:
                continue
            below = self._levels[id(child)]
            children = below.listed(level, numbered, attrgetter(f"l{at}"), given[child.member.number] + 1)
            given[child.member.number] += len(children.records)
            if children.records:
                yield from self._rows(below, children, given)

    def _struct(self, shaped: Shaped) -> type[msgspec.Struct]:
        """A struct with the members of a form, all required."""
        level = self._levels[id(shaped)]
        fields: list[Any] = list(level.fields)
        names = dict(level.names)
        for at, (member, child) in enumerate(zip(shaped.form.lists, shaped.lists, strict=True)):
            fields.append((f"l{at}", _NONE if child is None else list[self._struct(child)]))  # type: ignore[misc]
            names[f"l{at}"] = member.name
        return msgspec.defstruct("Line", fields, rename=names, forbid_unknown_fields=True, gc=False)


@dataclass(frozen=True, slots=True)
class _Numbered:
    """Records of one table, and the numbers of each: its own, its unit's, its parent's."""

    records: list[Any]
    seqs: Sequence[int]
    units: Sequence[int] = ()
    ups: Sequence[int] = ()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Lists of children by the thousand would have the garbage collector look for circles again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Repeated(Exception):  # what was found, for the slow way to settle
    """Two children of one parent are alike."""


class _Level:
    """One table's part of a form."""

    def __init__(self, shaped: Shaped) -> None:
        self.shaped = shaped
        form = shaped.form
        self._leading = leading = len(form.shape.columns) - len(form.named)
        self.fields: list[Any] = []
        self.names: dict[str, str] = {}
        places = self._lay_out()
        self._cells = [attrgetter(*places)] if len(places) > 1 else [attrgetter(one) for one in places]
        identity = [places[form.named.index(name)] for name in form.identity]
        self.identity: Callable[[Any], Any] = attrgetter(*identity) if identity else _alike
        self.looks = [
            look_at(leading + at, cell.column, cell.convert)
            for at, cell in enumerate(form.cells)
            if cell.column.choices or cell.column.kind not in (Kind.INTEGER, Kind.TEXT)
        ]
        self._textual = [
            leading + at for at, cell in enumerate(form.cells) if cell.column.kind not in {Kind.INTEGER, Kind.BOOLEAN}
        ]
        self._members = len(form.cells) + len(form.lists) + len(form.objects)

    def rows(self, numbered: _Numbered) -> Rows:
        """The cells of records, and their numbers around them."""
        wide, width = len(self.shaped.form.named), self._leading + len(self.shaped.form.named) + 1
        cells: list[Any] = [None] * (len(numbered.records) * width)
        if wide > 1:
            flat = list(chain.from_iterable(map(self._cells[0], numbered.records)))
            for at in range(wide):
                cells[self._leading + at :: width] = flat[at::wide]
        elif wide:
            cells[self._leading :: width] = map(self._cells[0], numbered.records)
        for at, numbers in enumerate((numbered.units, numbered.ups)[: self._leading]):
            cells[at::width] = numbers
        cells[width - 1 :: width] = numbered.seqs
        return Rows(self.shaped.form.shape, cells)

    def listed(self, above: _Level, parents: _Numbered, lists: Callable[[Any], list[Any]], first: int) -> _Numbered:
        """All children of some records, numbered from ``first`` on. Raises ``_Repeated``."""
        own = list(map(lists, parents.records))
        if any(len(set(map(self.identity, some))) < len(some) for some in own if len(some) > 1):
            raise _Repeated
        children, times = list(chain.from_iterable(own)), list(map(len, own))
        ups = _each(parents.seqs, times)
        units = ups if above.shaped.member.parent is None else _each(parents.units, times)
        return _Numbered(children, range(first, first + len(children)), units, ups)

    def quotes_due(self, rows: Rows) -> int:
        """Double quotes around the names of the members, each there once, and around the texts among their values."""
        width = rows.width
        texts = sum(list(map(type, rows.cells[at::width])).count(str) for at in self._textual)
        return 2 * (len(rows) * self._members + texts)

    def _lay_out(self) -> Sequence[str]:
        """Fields for the cells: of the record, or of an object in it. Where each cell is, in the order of the form."""
        form, member = self.shaped.form, self.shaped.member
        objects: dict[str, list[tuple[str, Any, str]]] = {}
        places: list[str] = []
        for at, (cell, name) in enumerate(zip(form.cells, form.named, strict=True)):
            in_key = name in form.identity
            longest = key_length(len(member.target.key)) if name in member.target.key else None
            kind = fast_type(cell.column, key_length=longest)
            kind = kind if in_key and (name in member.target.key or not cell.column.nullable) else kind | None
            if len(cell.path) == 1:
                self.fields.append((f"f{at}", kind))
                self.names[f"f{at}"] = cell.path[0]
                places.append(f"f{at}")
            else:
                objects.setdefault(cell.path[0], []).append((f"f{at}", kind, cell.path[1]))
                places.append(f"{_object(objects, cell.path[0])}.f{at}")
        for name, cells in objects.items():
            kinds = [(field, kind) for field, kind, _ in cells]
            rename = {field: theirs for field, _, theirs in cells}
            inner = msgspec.defstruct("Object", kinds, rename=rename, forbid_unknown_fields=True, gc=False)
            field = _object(objects, name)
            self.fields.append((field, inner))
            self.names[field] = name
        return places


def _each(numbers: Sequence[int], times: list[int]) -> Sequence[int]:
    """The numbers, each so many times."""
    return numbers if times.count(1) == len(times) else list(chain.from_iterable(map(repeat, numbers, times)))


def _alike(_record: Any) -> None:
    """One child a parent is all there may be."""


def _object(objects: dict[str, Any], name: str) -> str:
    return f"o{list(objects).index(name)}"
