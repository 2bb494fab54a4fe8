"""The handle with which an update strategy writes a plan: batches that stand or fall alone, and publishing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from validate_updates.context import BatchInfo
    from validate_updates.findings import Finding
    from validate_updates.result import Counts


class UpdateRefused(Exception):
    """The update may not stand: raised by a strategy, with the findings that say why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings[0].message if findings else "the update was refused")
        self.findings = tuple(findings)


class RecordRefused(Exception):
    """The database refused to write a batch because of a record in it; nothing of the batch was kept."""

    def __init__(self, finding: Finding, *, may_pass_later: bool = False) -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.may_pass_later = may_pass_later
        """Other rows decide it (a unique value, a foreign key), and another record may still make way."""


class Batch(Protocol):
    """A range of the plan in key order."""

    @property
    def info(self) -> BatchInfo:
        """Its number and range."""
        ...

    def judge(self) -> Sequence[Finding]:
        """Run the validators of the moment ``batch`` on it.

        Findings that are not critical are kept for the result. What a critical one means is the strategy's to decide:
        it keeps the records out, or refuses the update. A validator that failed refuses the update by itself.
        """
        ...

    def write(self) -> Counts:
        """Write it, set-based, behind a checkpoint: all of it, or nothing and :class:`RecordRefused`.

        The checkpoint is a SAVEPOINT and, where the undo log is kept, the whole rows of before. Rules that the database
        would check only at the commit are checked at the end of the batch.
        """
        ...

    def halves(self) -> tuple[Batch, Batch]:
        """The same batch, under the same number, in two parts. Not for a batch of one."""
        ...

    def keep_out(self, reason: Finding) -> None:
        """Put its records into quarantine; they are not written."""
        ...

    def refused(self, limit: int = 5) -> Sequence[Finding]:
        """After a refusal: which records the database refuses, found by halving, at most ``limit`` of them."""
        ...


class Application(Protocol):
    """One update being applied."""

    @property
    def size(self) -> int:
        """Positions in the plan: what is to be inserted, updated, deleted."""
        ...

    @property
    def read(self) -> int:
        """Records of the source."""
        ...

    @property
    def kept_out(self) -> int:
        """Records kept out so far, also those that could not be staged."""
        ...

    @property
    def failed(self) -> int:
        """Batches settled of which records were kept out and nothing was written."""
        ...

    @property
    def judges_batches(self) -> bool:
        """Whether any validator looks at batches. Where none does, batches may be written together."""
        ...

    @property
    def undoable(self) -> bool:
        """Whether the undo log is kept, so that what others have seen can be taken back."""
        ...

    def can_checkpoint(self) -> bool:
        """Whether the database makes checkpoints at all; without them only all or nothing is safe."""
        ...

    def batch(self, first: int = 1, last: int | None = None, number: int = 1) -> Batch:
        """The positions ``first`` to ``last`` (the end unless given) as one batch."""
        ...

    def batches(self, size: int) -> Iterator[Batch]:
        """The whole plan in batches of ``size`` positions, numbered from 1; the last may be short."""
        ...

    def write(self, batches: Sequence[Batch]) -> tuple[int, RecordRefused | None]:
        """Write batches that follow each other, from the first on, until the database refuses one.

        How many were written, and why the next was refused; None where all are written. The same comes of it as of
        writing one after the other; on PostgreSQL it is a good deal cheaper.
        """
        ...

    def circles(self, batches: Sequence[Batch]) -> Sequence[Sequence[Batch]]:
        """Of batches that were refused, those that need each other, circle by circle; what a circle needs comes first.

        New rows that refer to each other, or rows that exchange a unique value.
        """
        ...

    def write_as_one(self, batches: Sequence[Batch]) -> None:
        """Write batches, which need not follow each other, as if they were one: all, or :class:`RecordRefused`."""
        ...

    def settle(self, batch: Batch) -> None:
        """Enter a batch into the ledger: nothing more will be written or kept out of it."""
        ...

    def publish(self) -> None:
        """Commit what has been settled so far, and go on in a new transaction; others see it from now on.

        Where the update does not stand in the end, it is taken back by the undo log. In a dry run nothing happens.
        """
        ...

    def note(self, finding: Finding) -> None:
        """Keep a finding for the result. A critical one refuses the update in the end."""
        ...
