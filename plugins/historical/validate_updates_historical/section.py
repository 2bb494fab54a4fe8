"""What the summary says about the past: each unusual number with its latest values and the range that was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates import Section
from validate_updates_historical.telling import LEARNING, UNUSUAL, number

if TYPE_CHECKING:
    from validate_updates import Finding, RunResult

ROWS = 12
"""Metrics that are shown."""
WIDTH = 20
"""Characters of a scale."""


def past_section(result: RunResult) -> Section | None:
    """The unusual numbers; None where there are none and the past is long enough."""
    said = [finding for finding in result.findings if finding.plugin == "historical"]
    unusual = [finding for finding in said if finding.code == UNUSUAL]
    learning = [finding.message for finding in said if finding.code == LEARNING]
    if not unusual and not learning:
        return None
    more = len(unusual) - ROWS
    return Section(
        title="Compared with earlier updates",
        header=("metric", "the latest runs", "this one", "expected", "") if unusual else (),
        rows=tuple(_row(finding) for finding in unusual[:ROWS]),
        lines=(*learning, *((f"and {more} more",) if more > 0 else ())),
    )


def _row(finding: Finding) -> tuple[str, ...]:
    value = finding.observed if isinstance(finding.observed, int | float) else 0.0
    line = finding.samples[0] if finding.samples else ""
    usual = finding.expected or ""
    return (finding.metric or "", line, number(value), usual, scale(value, usual))


def scale(value: float, usual: str) -> str:
    """Where the value lies beside the expected range: ``├───┤·······●``."""
    low, _, high = usual.replace(",", "").partition(" to ")
    first = float(low)
    last = float(high or low)
    begin, end = min(first, value), max(last, value)
    if end <= begin:
        return "●"

    def place(number: float) -> int:
        return round((number - begin) / (end - begin) * (WIDTH - 1))

    marks = ["·"] * WIDTH
    marks[place(first) : place(last) + 1] = "─" * (place(last) - place(first) + 1)
    marks[place(first)], marks[place(last)] = "├", "┤"
    marks[place(value)] = "●"
    return "".join(marks)
