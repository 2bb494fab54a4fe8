"""One source made of parts that follow each other, and the way back from a number to its place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from validate_updates.sources.base import Block, Lines, Place, Records

PYTHON: Final = "<python>"
"""The name of what Python code hands over."""


class Part(Protocol):
    """One file or object of a source."""

    @property
    def name(self) -> str:
        """As places name it."""
        ...

    @property
    def has_lines(self) -> bool:
        """Whether its records are counted by lines. Known at the latest when its first block has been read."""
        ...

    def blocks(self, base: int) -> Iterator[Block]:
        """Its records, the first line or record with the number ``base + 1``. Raises ``SourceError``."""
        ...


class Chain:
    """The source that reads its parts in turn. It remembers one number for each part, and nothing for each record."""

    def __init__(self, name: str, parts: Sequence[Part]) -> None:
        self.name = name
        self._parts = parts
        self._bases: list[int] = []

    def blocks(self) -> Iterator[Block]:
        """The blocks of all parts. Raises ``SourceError`` where a part fails, ``RuntimeError`` when read twice."""
        if self._bases:
            raise RuntimeError("a source is read once")
        last = 0
        for part in self._parts:
            self._bases.append(last)
            for block in part.blocks(last):
                last = _last_seq(block)
                yield block

    def place(self, seq: int) -> Place:
        """Where the record with this number stands."""
        index = bisect_left(self._bases, seq) - 1
        if index < 0:
            raise LookupError(f"no record has the number {seq}")
        part, number = self._parts[index], seq - self._bases[index]
        return Place(file=part.name, line=number) if part.has_lines else Place(file=part.name, record=number)


def _last_seq(block: Block) -> int:
    if isinstance(block, Lines):
        return block.first_seq + len(block.lines) - 1
    return block.seqs[-1] if isinstance(block, Records) else block.seq
