"""What the summary says about batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates import Section, Verdict

if TYPE_CHECKING:
    from validate_updates import RunResult


def batches_section(result: RunResult) -> Section | None:
    """How many there were, which were in trouble and why; None where nothing was to be written."""
    number = {name: int(result.metrics.get(f"batches.{name}", 0)) for name in ("planned", "isolated", "failed")}
    lines = []
    if number["planned"]:
        planned = f"{number['planned']} {'tried' if result.verdict is Verdict.REJECTED else 'in all'}"
        lines.append(f"{planned}, {number['isolated']} taken apart, {number['failed']} failed")
    elif not result.troubled_batches:
        return None
    counts, stands = result.counts, result.verdict.stands
    if counts.quarantined:
        others = f", {counts.read - counts.quarantined} let through" if stands else ""
        lines.append(f"{counts.quarantined} of {counts.read} records kept out{others}")
    became = "written" if stands or counts.inserted or counts.updated else "rolled back"
    return Section(
        title="Batches",
        header=("batch", "records", became, "kept out", "why") if result.troubled_batches else (),
        rows=tuple(
            (str(one.number), str(one.records), str(one.applied), str(one.kept_out), one.reason)
            for one in result.troubled_batches
        ),
        lines=tuple(lines),
    )
