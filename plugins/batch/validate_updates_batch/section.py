"""What the summary says about batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates import Section

if TYPE_CHECKING:
    from validate_updates import RunResult


def batches_section(result: RunResult) -> Section | None:
    """How many there were, which were in trouble and why; None where nothing was to be written."""
    if "batches.planned" not in result.metrics and not result.troubled_batches:
        return None
    number = {name: int(result.metrics.get(f"batches.{name}", 0)) for name in ("planned", "isolated", "failed")}
    counts = result.counts
    stand = counts.read - counts.quarantined
    lines = [f"{number['planned']} in all, {number['isolated']} taken apart, {number['failed']} failed"]
    if counts.quarantined:
        lines.append(f"{counts.quarantined} of {counts.read} records kept out, {stand} let through")
    return Section(
        title="Batches",
        header=("batch", "records", "written", "kept out", "why") if result.troubled_batches else (),
        rows=tuple(
            (str(one.number), str(one.records), str(one.applied), str(one.kept_out), one.reason)
            for one in result.troubled_batches
        ),
        lines=tuple(lines),
    )
