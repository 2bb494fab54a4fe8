"""Counts of a run at each stage of it. Whatever happens, they add up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from validate_updates.result import Counts

if TYPE_CHECKING:
    from validate_updates.intake import Intake
    from validate_updates.ledger import Ledger
    from validate_updates.targets.plan import Planned


def planned(intake: Intake, plan: Planned, published: Counts) -> Counts:
    """What will have happened when the plan is applied. ``published``: what an earlier attempt of the run has written.

    That is in the target now, and so the plan finds it unchanged.
    """
    inserted, updated = plan.inserts + published.inserted, plan.updates + published.updated
    return Counts(
        read=intake.read,
        inserted=inserted,
        updated=updated,
        unchanged=intake.staged - inserted - updated,
        duplicates=intake.duplicates,
        quarantined=intake.kept_out,
        deleted=plan.deletes + published.deleted,
    )


def so_far(planned: Counts, ledger: Ledger, published: Counts, kept_out: int) -> Counts:
    """As if the run ended here: what is planned, and neither written nor kept out, counts as rolled back."""
    counts = replace(
        planned,
        inserted=ledger.inserted + published.inserted,
        updated=ledger.updated + published.updated,
        deleted=ledger.deleted + published.deleted,
        quarantined=kept_out,
        rolled_back=0,
    )
    return replace(counts, rolled_back=counts.read - counts.parts)


def rolled_back(counts: Counts, intake: Intake | None) -> Counts:
    """Of an update that did not stand: what was written, or would have been, is rolled back."""
    if intake is None:
        return Counts()
    unchanged = counts.unchanged if counts.read == intake.read else 0  # else there was no plan yet of what was read
    known = Counts(read=intake.read, unchanged=unchanged, duplicates=intake.duplicates, quarantined=intake.kept_out)
    return replace(known, rolled_back=known.read - known.parts)


def of_records(counts: Counts) -> dict[str, float]:
    """The counts as metrics."""
    names = ("read", "inserted", "updated", "unchanged", "duplicates", "quarantined", "deleted")
    return {f"records.{name}": float(getattr(counts, name)) for name in names}


def of_batches(ledger: Ledger, published: int) -> dict[str, float]:
    """What became of the batches, as metrics. ``published``: those that stood already when the run was begun again."""
    numbers = {
        "planned": ledger.settled + published,
        "succeeded": ledger.settled - ledger.failed - ledger.isolated + published,
        "failed": ledger.failed,
        "isolated": ledger.isolated,
    }
    return {f"batches.{name}": float(number) for name, number in numbers.items()}
