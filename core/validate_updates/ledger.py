"""What became of each batch, until it is entered into the journal's ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validate_updates.context import BatchInfo
from validate_updates.journal.rows import BatchRow, BatchState
from validate_updates.journal.texts import KEY_BYTES, stored
from validate_updates.result import TroubledBatch

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from validate_updates.result import Counts


_SHOWN = 20
"""Batches in trouble that a result shows."""
KEYS = 5
"""Rows that are named of those that could not be deleted."""


@dataclass(slots=True)
class _Tally:
    applied: int = 0
    kept_out: int = 0
    reason: str = ""
    attempts: int = 0
    first: int = 0
    last: int = 0
    """The positions that were tried."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A batch that is done, and what came of it."""

    info: BatchInfo
    applied: int
    kept_out: int
    reason: str
    """Why the first record was kept out."""
    attempts: int

    @property
    def failed(self) -> bool:
        """Nothing of it was written, and something was kept out."""
        return bool(self.kept_out) and not self.applied

    @property
    def isolated(self) -> bool:
        """Bad records were kept out of it, and the others written."""
        return bool(self.kept_out) and bool(self.applied)

    def summary(self) -> TroubledBatch:
        """As a summary shows it."""
        return TroubledBatch(
            number=self.info.number,
            records=self.info.size,
            applied=self.applied,
            kept_out=self.kept_out,
            reason=self.reason,
        )

    def row(self, first_key: str, last_key: str, committed_at: datetime) -> BatchRow:
        """As it stands in the journal."""
        return BatchRow(
            batch_no=self.info.number,
            state=BatchState.FAILED if self.failed else BatchState.COMMITTED,
            applied=self.applied,
            quarantined=self.kept_out,
            unchanged=max(self.info.size - self.applied - self.kept_out, 0),
            attempts=max(self.attempts, 1),
            committed_at=None if self.failed else committed_at,
            first_key=stored(first_key, KEY_BYTES),
            last_key=stored(last_key, KEY_BYTES),
        )


@dataclass(slots=True)
class NotDeleted:
    """Rows that the source no longer has, and that the database would not let go."""

    rows: int = 0
    keys: list[str] = field(default_factory=list)
    """Of the first of them."""
    reason: str = ""

    def add(self, rows: int, keys: Sequence[str], reason: str) -> None:
        """Some more."""
        self.rows += rows
        self.keys += keys[: KEYS - len(self.keys)]
        self.reason = self.reason or reason


class Ledger:
    """Counts by batch. Batches that are settled wait here for the journal."""

    def __init__(self) -> None:
        self._open: dict[int, _Tally] = {}
        self._waiting: list[Settled] = []
        self.inserted = self.updated = self.deleted = 0
        """Rows written, of all batches."""
        self.settled = self.failed = self.isolated = 0
        self.troubled: list[TroubledBatch] = []
        """The first of the batches that something was kept out of."""
        self.not_deleted = NotDeleted()
        self._entered_for_now: set[int] = set()

    def count(self, written: Counts) -> None:
        """Rows were written."""
        self.inserted += written.inserted
        self.updated += written.updated
        self.deleted += written.deleted

    def wrote(self, number: int, rows: int) -> None:
        """So many of them are of this batch."""
        self._tally(number).applied += rows

    def kept_out(self, number: int, records: int, reason: str) -> None:
        """Records of a batch were kept out."""
        tally = self._tally(number)
        tally.kept_out += records
        tally.reason = tally.reason or reason

    def tried(self, info: BatchInfo) -> None:
        """A write of a batch, or of a part of it, was begun."""
        tally = self._tally(info.number)
        tally.attempts += 1
        tally.first = min(tally.first or info.first, info.first)
        tally.last = max(tally.last, info.last)

    def settle(self, info: BatchInfo) -> None:
        """A batch is done."""
        tally = self._open.pop(info.number, None) or _Tally()
        settled = Settled(info, tally.applied, tally.kept_out, tally.reason, tally.attempts)
        self._waiting.append(settled)
        self.settled += 1
        self.failed += settled.failed
        self.isolated += settled.isolated
        if settled.kept_out and len(self.troubled) < _SHOWN:
            self.troubled.append(settled.summary())

    @property
    def waiting(self) -> int:
        """Settled batches that the journal does not have."""
        return len(self._waiting)

    def take(self) -> Sequence[Settled]:
        """Hand over what waits."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def take_for_now(self) -> Sequence[Settled]:
        """Batches that have been written in part, and will be settled when others have been: as they stand.

        What others see has to be in the journal too.
        """
        return [
            Settled(
                BatchInfo(number=number, first=tally.first, last=tally.last),
                tally.applied,
                tally.kept_out,
                tally.reason,
                tally.attempts,
            )
            for number, tally in self._open.items()
            if tally.applied or tally.kept_out
        ]

    def replaces(self, settled: Sequence[Settled], *, for_now: bool = False) -> Collection[int]:
        """Of these, the numbers that the journal has as they stood before. ``for_now``: it will have them again."""
        numbers = {one.info.number for one in settled}
        again = numbers & self._entered_for_now
        self._entered_for_now = self._entered_for_now | numbers if for_now else self._entered_for_now - numbers
        return again

    def _tally(self, number: int) -> _Tally:
        return self._open.setdefault(number, _Tally())
