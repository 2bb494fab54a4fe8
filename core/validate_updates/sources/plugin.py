"""Records that a plugin's source gives, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from validate_updates import signals
from validate_updates.answers import Answer, Rubbish, checked
from validate_updates.capture import quiet
from validate_updates.declared import kind_of
from validate_updates.errors import SourceError, UpdateError
from validate_updates.findings import Finding
from validate_updates.guard import in_one_line
from validate_updates.sources.base import RAW_LIMIT, Block, Place, Unreadable
from validate_updates.sources.gather import Item, gather
from validate_updates.sources.mappings import item_of
from validate_updates.sourcing import PlacedRecord, SourceContext, UnreadableRecord
from validate_updates.text import counted, printable

if TYPE_CHECKING:
    from validate_updates.declarations import RecordSource
    from validate_updates.manager import Owned

PLACE_LENGTH = 200
"""Characters of a place, and of a code, that are kept."""
_FIELDS: Final = (("code", str), ("message", str), ("place", str), ("key", Mapping), ("raw", str))


class PluginSource:
    """The :class:`~validate_updates.sources.base.Source` that a plugin declares, under its name ``plugin:source``.

    What the plugin prints goes to the log. It remembers the places that records came with, and nothing else of them.
    """

    def __init__(self, owned: Owned[RecordSource], context: SourceContext) -> None:
        self.name = f"{owned.plugin}:{owned.item.name}"
        self._owned = owned
        self._context = context
        self._answer = Answer()
        self._places: dict[int, str] = {}

    @property
    def whole(self) -> bool:
        """Whether it gives all there is."""
        return self._owned.item.whole

    @property
    def watermark(self) -> str | None:
        """What to keep of how far it was read; None where the source says nothing."""
        return self._context.advanced

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers it told, by their whole names."""
        return {f"{self._owned.plugin}.{name}": value for name, value in self._context.metrics.items()}

    def findings(self) -> Iterator[Finding]:
        """What it said, signed."""
        for finding in self._answer.findings():
            yield finding.by(self._owned.plugin, self._owned.item.name, "")

    def blocks(self) -> Iterator[Block]:
        """The records, in order. Whatever the plugin raises becomes a ``SourceError``, but for errors of ours."""
        blocks = gather(self._items())
        while True:
            with quiet(f"source {self.name}"):
                block = next(blocks, None)
            if block is None:
                return
            yield block

    def place(self, seq: int) -> Place:
        """As the plugin said, or by the number."""
        known = self._places.get(seq)
        return Place(file=f"{self.name}, {known}") if known else Place(file=self.name, record=seq)

    def _items(self) -> Iterator[Item]:
        seq = 0
        try:
            for item in self._given():
                signals.check()
                if isinstance(item, Finding):
                    self._answer.add(checked(item))
                else:
                    seq += 1
                    yield self._item(seq, item)
        except (UpdateError, GeneratorExit, KeyboardInterrupt):
            raise
        except Rubbish as rubbish:
            raise self._failed(str(rubbish), seq) from None
        except BaseException as error:  # sys.exit in a plugin must not end the update
            raise self._failed(f"raised {in_one_line(error)}", seq) from error

    def _given(self) -> Iterable[Any]:
        given = self._owned.item.read(self._context)
        if not isinstance(given, Iterable):
            raise Rubbish(f"returned {kind_of(given)}; it gives records, most simply with yield")
        return given

    def _item(self, seq: int, item: Any) -> Item:
        if isinstance(item, PlacedRecord):
            self._remember(seq, item.place)
            return item_of(seq, item.record)
        if isinstance(item, UnreadableRecord):
            return self._unreadable(seq, item)
        return item_of(seq, item)

    def _unreadable(self, seq: int, item: UnreadableRecord) -> Unreadable:
        wrong = next((name for name, kind in _FIELDS if not isinstance(getattr(item, name), kind)), None)
        if wrong:
            raise Rubbish(f"gave an UnreadableRecord whose {wrong} is {kind_of(getattr(item, wrong))}")
        self._remember(seq, item.place)
        raw = item.raw[:RAW_LIMIT].encode(errors="backslashreplace")[:RAW_LIMIT]
        code, message = printable(item.code, PLACE_LENGTH), printable(item.message, 500)
        return Unreadable(seq=seq, code=code, message=message, raw=raw, key=item.key)

    def _remember(self, seq: int, place: Any) -> None:
        if not isinstance(place, str):
            raise Rubbish(f"gave a record whose place is {kind_of(place)}, not text")
        if place:
            self._places[seq] = printable(place, PLACE_LENGTH)

    def _failed(self, what: str, records: int) -> SourceError:
        return SourceError(
            f"the source {self.name}{self._owned.brought_by} {what}, after {counted(records, 'record')}",
            hint="nothing was changed; mend the plugin, or tell its author",
        )
