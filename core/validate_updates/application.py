"""The handle with which an update strategy writes a plan: batches, checkpoints, verdict."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.context import BatchInfo
    from validate_updates.findings import Finding
    from validate_updates.result import Counts


class UpdateRefused(Exception):
    """The update may not stand: raised by a strategy, with the findings that say why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings[0].message if findings else "the update was refused")
        self.findings = tuple(findings)


class RecordRefused(Exception):
    """The database refused to write a batch because of a record in it.

    The transaction is still usable after a return to the checkpoint around the write.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class Batch(Protocol):
    """A range of the plan in key order."""

    @property
    def info(self) -> BatchInfo:
        """Its number and range."""
        ...

    def judge(self) -> Sequence[Finding]:
        """Run the validators of the moment ``batch`` on it. Findings are also kept for the result."""
        ...

    def checkpoint(self) -> AbstractContextManager[None]:
        """A savepoint: an exception that leaves the block takes back what the block wrote, and goes on up."""
        ...

    def write(self) -> Counts:
        """Write it, set-based. Raises :class:`RecordRefused` when the database refuses a record of it."""
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

    def batch(self, first: int = 1, last: int | None = None, number: int = 1) -> Batch:
        """The positions ``first`` to ``last`` (the end unless given) as one batch."""
        ...
