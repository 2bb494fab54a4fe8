"""Records with children taken apart: rows for the stage of each table, of each record all or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from validate_updates.job import UnknownColumns
from validate_updates.records import Refused, as_text, bad_line, check_key, key_of, unreadable
from validate_updates.result import KeptOut
from validate_updates.shapes import MOST_SHAPES, Rows, Shape, key_length
from validate_updates.sources.base import Block, Lines, Records, Source, Unreadable
from validate_updates.sources.strict_json import BadRecord, parse_record
from validate_updates.targets.names import UNIT
from validate_updates.targets.table import Column
from validate_updates.text import printable
from validate_updates.units.line_decoder import Shaped, UnitRows, unit_line_decoder
from validate_updates.values import BadValue, Converter, converter, from_text, not_expected

if TYPE_CHECKING:
    from validate_updates.units.tree import Member, Pointer, Tree

_UNKNOWN_NAMES = 50
"""Different unknown columns that are counted by name."""
_LINES_TRIED = 100
"""Lines of a block among which good ones are looked for."""
_FORMS_REMEMBERED = 1000
"""Sequences of members whose form is looked up rather than worked out."""


FastWay = Callable[[list[bytes], bytes, int, Counter[int]], list[UnitRows] | None]
"""Rows of lines, from the number of the first on; None where they do not all go the fast way."""


def _no_fast_way(_lines: list[bytes], _data: bytes, _first_seq: int, _numbers: Counter[int]) -> None:
    """For records of which no two are alike, and types that only the strict way judges."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a record that goes into a column of the stage."""

    path: tuple[str, ...]
    """The member; or the reference and the member in it."""
    convert: Converter
    read: Converter
    """The same for a source whose values are all text."""
    column: Column

    def of(self, record: Mapping[str, Any], *, textual: bool) -> Any:
        """The value, as it is stored. Raises ``Refused``."""
        value = record[self.path[0]] if len(self.path) == 1 else record[self.path[0]][self.path[1]]
        if value is None:
            return None
        try:
            return self.read(value) if textual else self.convert(value)
        except BadValue as bad:
            name = ".".join(self.path)
            raise Refused(bad.code, f"{name}: {bad}", name) from None


@dataclass(frozen=True, slots=True)
class Form:
    """What records of one table carry, and in which way: those of one form have one shape."""

    shape: Shape
    cells: tuple[Cell, ...]
    """For the columns of the shape that follow the numbers of unit and parent."""
    lists: tuple[Member, ...]
    """Tables of which they list children."""
    objects: frozenset[int]
    """Numbers of the pointers whose natural key is an object of its own."""
    named: tuple[str, ...]
    """The columns of the shape that the cells go into."""
    identity: tuple[str, ...]
    """Those of them that tell rows of one parent apart."""

    def told_apart_by(self, cells: Sequence[Any]) -> tuple[Any, ...]:
        """What no other child of the same parent may have."""
        return self.identity, *(cells[self.named.index(name)] for name in self.identity)


class UnitDecoder:
    """Turns blocks into rows of several tables. One per run."""

    def __init__(self, tree: Tree, source: Source, unknown: UnknownColumns, *, sqlite: bool) -> None:
        self._tree = tree
        self._source = source
        self._ignores = unknown is UnknownColumns.IGNORE
        self._sqlite = sqlite
        self._children = {member.number: tree.children(member) for member in tree.members}
        self._fast: FastWay | None = None
        self._known: dict[tuple[Any, ...], tuple[Form, tuple[str, ...]]] = {}
        self._forms: dict[tuple[Any, ...], Form] = {}
        self._shapes = Counter[int]()
        self._numbers = Counter[int]()
        self.unknown: Counter[tuple[str, str]] = Counter()
        """Records by table and unknown column."""
        self.repeated: Counter[str] = Counter()
        """Children by table that a later one of the same parent and key replaced."""
        self.forms: dict[tuple[int, int], Form] = {}
        """Table and number of a shape -> its form."""

    def decode(self, block: Block) -> Iterator[UnitRows | KeptOut]:
        """The rows of a block, and what of it is kept out."""
        if isinstance(block, Unreadable):
            yield unreadable(block, self._source.place(block.seq), self._tree.root.target.key)
        elif isinstance(block, Records):
            yield from self._records(zip(block.seqs, block.records, strict=True), textual=block.textual)
        else:
            yield from self._lines(block)

    def _lines(self, block: Lines) -> Iterator[UnitRows | KeptOut]:
        if self._fast is None:
            self._fast = self._fast_for(block.lines) or _no_fast_way
        rows = self._fast(block.lines, block.data, block.first_seq, self._numbers)
        if rows is None:
            yield from self._line_by_line(block, self._fast)
        else:
            yield from rows

    def _fast_for(self, lines: Sequence[bytes]) -> FastWay | None:
        """A fast way for lines like the first good one of a block, and for children like the first good ones there."""
        seen: dict[int, Form] = {}
        for line in lines[:_LINES_TRIED]:
            try:
                self._see(self._tree.root, parse_record(line), seen)
            except (BadRecord, Refused):
                continue
        if self._tree.root.number not in seen:
            return None
        decoder = unit_line_decoder(self._shaped(self._tree.root, seen))
        return decoder.decode if decoder else None

    def _see(self, member: Member, record: Any, seen: dict[int, Form]) -> None:
        if not isinstance(record, Mapping):
            return
        form = seen.setdefault(member.number, self._form_of(member, record)[0])
        for child in form.lists:
            listed = record.get(child.name)
            for one in listed if isinstance(listed, list) else ():
                self._see(child, one, seen)

    def _shaped(self, member: Member, seen: Mapping[int, Form]) -> Shaped:
        form = seen[member.number]
        lists = [self._shaped(child, seen) if child.number in seen else None for child in form.lists]
        return Shaped(member, form, tuple(lists))

    def _line_by_line(self, block: Lines, fast: FastWay) -> Iterator[UnitRows | KeptOut]:
        quick: dict[tuple[int, Shape], list[Any]] = {}
        slow: list[tuple[int, Mapping[str, Any]]] = []
        offset = block.offset
        for seq, line in enumerate(block.lines, block.first_seq):
            found = fast([line], line, seq, self._numbers)
            if found is not None:
                for table, rows in found:
                    quick.setdefault((table, rows.shape), []).extend(rows.cells)
            elif line.strip(b" \t\r"):
                try:
                    slow.append((seq, parse_record(line)))
                except BadRecord as bad:
                    yield bad_line(bad, line, self._source.place(seq), offset)
            offset += len(line) + 1
        for (table, shape), cells in quick.items():
            yield table, Rows(shape, cells)
        yield from self._records(slow, textual=False)

    def _records(
        self, numbered: Iterable[tuple[int, Mapping[str, Any]]], *, textual: bool
    ) -> Iterator[UnitRows | KeptOut]:
        found: dict[tuple[int, Shape], list[list[Any]]] = {}
        for seq, record in numbered:
            try:
                rows = self._unit(seq, record, textual=textual)
            except Refused as refused:
                key = key_of(record, self._tree.root.target.key)
                yield refused.entry(self._source.place(seq), record=as_text(record), key=key)
            else:
                for table, shape, cells in rows:
                    found.setdefault((table, shape), []).append(cells)
        for (table, shape), lists in found.items():
            yield table, Rows(shape, list(chain.from_iterable(lists)))

    def _unit(self, seq: int, record: Mapping[str, Any], *, textual: bool) -> list[tuple[int, Shape, list[Any]]]:
        root = self._tree.root
        form, cells = self._converted(root, record, textual=textual)
        rows = [(root.number, form.shape, [*cells, seq])]
        for child in form.lists:
            rows += self._listed(child, record[child.name], unit=seq, up=seq, textual=textual)
        return rows

    def _listed(
        self, member: Member, listed: Any, *, unit: int, up: int, textual: bool
    ) -> list[tuple[int, Shape, list[Any]]]:
        """The rows of a list of children and of those below; of two alike the later stands."""
        if not isinstance(listed, list | tuple):
            raise Refused("wrong_type", f"{member.name}: expected a list of records", member.name)
        found: dict[tuple[Any, ...], list[tuple[int, Shape, list[Any]]]] = {}
        for position, record in enumerate(listed):
            where = f"{member.name}[{position}]"
            if not isinstance(record, Mapping):
                raise Refused("wrong_type", f"{where}: {not_expected('a record', record)}", member.name)
            try:
                rows, identity = self._child(member, record, unit=unit, up=up, textual=textual)
            except Refused as refused:
                column = f"{member.name}.{refused.column}" if refused.column else member.name
                within = ": " if isinstance(refused, _UnknownColumn) else "."
                raise Refused(refused.code, f"{where}{within}{refused.message}", column) from None
            if found.pop(identity, None):
                self.repeated[member.name] += 1
            found[identity] = rows
        return list(chain.from_iterable(found.values()))

    def _child(
        self, member: Member, record: Mapping[str, Any], *, unit: int, up: int, textual: bool
    ) -> tuple[list[tuple[int, Shape, list[Any]]], tuple[Any, ...]]:
        form, cells = self._converted(member, record, textual=textual)
        self._numbers[member.number] += 1
        seq = self._numbers[member.number]
        numbers = [unit] if member.up == UNIT else [unit, up]
        rows = [(member.number, form.shape, [*numbers, *cells, seq])]
        for child in form.lists:
            rows += self._listed(child, record[child.name], unit=unit, up=seq, textual=textual)
        return rows, form.told_apart_by(cells)

    def _converted(self, member: Member, record: Mapping[str, Any], *, textual: bool) -> tuple[Form, list[Any]]:
        try:
            form, unknown = self._form_of(member, record)
        except _UnknownColumn as refused:
            self._count_unknown(member, refused.name)
            raise
        for name in unknown:
            self._count_unknown(member, name)
        cells = [cell.of(record, textual=textual) for cell in form.cells]
        longest = key_length(len(member.target.key))
        for column in member.target.key:
            pointer = member.pointer(column)
            if column in form.named:
                check_key(column, cells[form.named.index(column)], longest)
            elif pointer and all(cells[form.named.index(name)] is None for name in pointer.cells.values()):
                raise Refused("null_key", f"{column}: the key is null", column)
        return form, cells

    # --- forms -------------------------------------------------------------------------------------------------------

    def _form_of(self, member: Member, record: Mapping[str, Any]) -> tuple[Form, tuple[str, ...]]:
        """The form of a record, and which of its members the table does not have. Raises ``Refused``."""
        objects = tuple(
            (one.column, *value) for one in member.pointers if isinstance(value := record.get(one.column), Mapping)
        )
        members = (member.number, tuple(record), objects)
        known = self._known.get(members)
        if known is None:
            known = self._made(member, record)
            if len(self._known) < _FORMS_REMEMBERED:
                self._known[members] = known
        return known

    def _made(self, member: Member, record: Mapping[str, Any]) -> tuple[Form, tuple[str, ...]]:
        children = {child.name: child for child in self._children[member.number]}
        cells: dict[str, Cell] = {}
        lists: list[Member] = []
        objects: set[int] = set()
        unknown: list[str] = []
        for name, value in record.items():
            pointer = member.pointer(name)
            if name in children:
                lists.append(children[name])
            elif name in member.joined:
                raise Refused("unknown_column", f"{name}: comes from the parent, and not from the record", name)
            elif pointer and isinstance(value, Mapping):
                cells |= self._object(pointer, value)
                objects.add(pointer.number)
            elif name in member.target.names and not member.target.column(name).generated:
                cells[name] = self._cell((name,), member.target.column(name))
            elif flat := _flat(member, record, name):
                cells[flat.cells[name]] = self._cell((name,), flat.sought.target.column(name))
            else:
                unknown.append(name)
        self._is_whole(member, cells)
        if unknown and not self._ignores:
            generated = unknown[0] in member.target.names
            why = "is computed by the database" if generated else f"is not in the table {member.name}"
            raise _UnknownColumn(unknown[0], f"column {printable(unknown[0], 60)!r} {why}")
        return self._form(member, cells, tuple(lists), frozenset(objects)), tuple(unknown[:_UNKNOWN_NAMES])

    def _object(self, pointer: Pointer, value: Mapping[str, Any]) -> dict[str, Cell]:
        """The cells of a natural key that is an object of its own."""
        cells = {}
        for name in value:
            ours = pointer.cells.get(name) or pointer.extras.get(name)
            if ours is None:
                what = f"{pointer.column}.{printable(name, 60)}"
                why = f"is not in the key {', '.join(pointer.sought.target.key)} of {pointer.sought.target.name}"
                raise Refused("unknown_column", f"{what}: {why}", what)
            cells[ours] = self._cell((pointer.column, name), pointer.sought.target.column(name))
        return cells

    def _cell(self, path: tuple[str, ...], column: Column) -> Cell:
        convert = converter(column, sqlite=self._sqlite)
        return Cell(path, convert, from_text(column, convert), column)

    @staticmethod
    def _is_whole(member: Member, cells: Mapping[str, Cell]) -> None:
        """Natural keys are there with all their parts, or not at all; the table's own key is there."""
        for pointer in member.pointers:
            there = [name for name, ours in pointer.cells.items() if ours in cells]
            lacking = [name for name in pointer.cells if name not in there]
            if lacking and (there or any(ours in cells for ours in pointer.extras.values())):
                raise Refused("missing_key", f"{lacking[0]}: needed to find {pointer.column}", lacking[0])
        for column in member.target.key:
            pointed = member.pointer(column)
            by_key = pointed is not None and all(ours in cells for ours in pointed.cells.values())
            if column not in cells and column not in member.joined and not by_key:
                raise Refused("missing_key", f"{column}: the key is not in the record", column)

    def _form(
        self, member: Member, cells: Mapping[str, Cell], lists: tuple[Member, ...], objects: frozenset[int]
    ) -> Form:
        named = tuple(name for name in member.staged.names if name in cells)
        same = (member.number, named, tuple(child.number for child in lists), objects)
        if same not in self._forms:
            number = self._shapes[member.number]
            if number == MOST_SHAPES:
                raise Refused("too_many_shapes", f"its set of columns is a new one after {MOST_SHAPES} others")
            self._shapes[member.number] += 1
            numbers = () if member.parent is None else tuple(dict.fromkeys((UNIT, member.up)))
            form = Form(
                shape=Shape(number, (*numbers, *named), ()),
                cells=tuple(cells[name] for name in named),
                lists=lists,
                objects=objects,
                named=named,
                identity=tuple(_identity(member, named)),
            )
            self._forms[same] = self.forms[member.number, number] = form
        return self._forms[same]

    def _count_unknown(self, member: Member, name: str) -> None:
        if (member.name, name) in self.unknown or len(self.unknown) < _UNKNOWN_NAMES:
            self.unknown[member.name, name] += 1


class _UnknownColumn(Refused):
    """A record with a member that the table does not have."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__("unknown_column", message, name)
        self.name = name


def _flat(member: Member, record: Mapping[str, Any], name: str) -> Pointer | None:
    """What ``name`` is a part of the natural key of, where that stands among the record's own members."""
    return next((one for one in member.pointers if one.flat and name in one.cells and one.column not in record), None)


def _identity(member: Member, named: Sequence[str]) -> Iterator[str]:
    for column in member.target.key:
        pointer = member.pointer(column)
        if column in named:
            yield column
        elif pointer:
            yield from pointer.cells.values()
