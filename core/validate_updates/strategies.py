"""The built-in way to apply an update: all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates.application import RecordRefused, UpdateRefused
from validate_updates.declarations import UpdateStrategy
from validate_updates.findings import Severity

if TYPE_CHECKING:
    from validate_updates.application import Application


def apply_all_or_nothing(application: Application) -> None:
    """Write the whole plan as one batch; one record that the database refuses takes back all of it."""
    batch = application.batch()
    critical = [finding for finding in batch.judge() if finding.severity is Severity.CRITICAL]
    if critical:
        raise UpdateRefused(critical)
    try:
        batch.write()
    except RecordRefused as refused:
        raise UpdateRefused(batch.refused() or [refused.finding]) from refused
    application.settle(batch)


ALL_OR_NOTHING = UpdateStrategy(
    name="all_or_nothing",
    summary="one batch: every record is written, or none",
    apply=apply_all_or_nothing,
)
