"""What the summary says about the past: each unusual number with its latest values and the range that was expected.

All of it is in the findings, so that it can be told of any run that is in the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates import Section, spark
from validate_updates_historical.sketch import sketch
from validate_updates_historical.telling import LATEST, LEARNING, UNUSUAL, number

if TYPE_CHECKING:
    from validate_updates import Finding, RunResult

ROWS = 12
"""Metrics that are shown."""
WIDTH = 16
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
        drawing=drawing(unusual[0]) if unusual else (),
        lines=(*learning, *((f"and {more} more",) if more > 0 else ())),
    )


def _row(finding: Finding) -> tuple[str, ...]:
    value = finding.observed if isinstance(finding.observed, int | float) else 0.0
    usual = finding.expected or ""
    return (finding.metric or "", spark(_latest(finding)), number(value), usual, scale(value, usual))


def drawing(finding: Finding) -> tuple[str, ...]:
    """The latest values of an unusual number, this one's among them, with the expected range; under its name."""
    values, usual = _latest(finding), finding.expected or ""
    return (f"{finding.metric}:", *sketch(values, *_ends(usual), said=(number(values[-1]), usual)))


def _latest(finding: Finding) -> list[float]:
    """The values that the first sample of an alert holds."""
    return [_read(one) for one in finding.samples[0].removeprefix(LATEST).split("; ")]


def scale(value: float, usual: str) -> str:
    """Where the value lies beside the expected range: ``├───┤·······●``."""
    first, last = _ends(usual)
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


def _ends(usual: str) -> tuple[float, float]:
    """``172 to 226``, or one number."""
    low, _, high = usual.partition(" to ")
    return _read(low), _read(high or low)


def _read(shown: str) -> float:
    return float(shown.replace(",", ""))
