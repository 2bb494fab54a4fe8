"""Taking a failed batch apart: the good records are written, the bad ones remain, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validate_updates import Finding, RecordRefused, Severity

if TYPE_CHECKING:
    from validate_updates import Batch


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a batch was not written."""

    findings: tuple[Finding, ...]
    """All that is known against it; the first is the reason that its records are kept out for."""
    by_database: bool = False
    """Not by a check."""
    may_pass_later: bool = False


def attempt(batch: Batch) -> Refusal | None:
    """Judge a batch and write it; None where it is written."""
    critical = tuple(finding for finding in batch.judge() if finding.severity is Severity.CRITICAL)
    if critical:
        return Refusal(critical)
    try:
        batch.write()
    except RecordRefused as refused:
        return refusal_of(refused)
    return None


def refusal_of(refused: RecordRefused) -> Refusal:
    """What the database said."""
    return Refusal((refused.finding,), by_database=True, may_pass_later=refused.may_pass_later)


def take_apart(batch: Batch, refusal: Refusal) -> Iterator[tuple[Batch, Refusal]]:
    """Write what can be written of a batch that was refused as a whole, and yield the records that cannot.

    Halving: where the first half is written, the bad record is in the second, which is not tried as a whole. A lone bad
    record in 50 costs seven to twelve tries.
    """
    if batch.info.size == 1:
        yield batch, refusal
        return
    first, second = batch.halves()
    of_first = attempt(first)
    if of_first is not None:
        yield from take_apart(first, of_first)
    if of_first is not None or second.info.size == 1:
        of_second = attempt(second)
        if of_second is not None:
            yield from take_apart(second, of_second)
    else:
        yield from take_apart(second, refusal)
