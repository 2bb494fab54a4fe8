"""A metric over time, as data: what it was, what was to be expected of it, what was said. Whoever shows it draws it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

KNOWN_GOOD: Final = ("", "expected")
"""Labels of runs that later ones are compared with."""


@dataclass(frozen=True, slots=True)
class ChartRange:
    """What was to be expected of a run."""

    low: float
    expected: float
    high: float
    """Nineteen of twenty good runs lie between low and high."""


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One run."""

    time: date
    value: float
    range: ChartRange | None = None
    """None where there was too little past."""
    alert: str = ""
    """What was said, the strongest first; empty where nothing was."""
    label: str = ""
    """``expected`` or ``incident``, where a person said so; what became of a run that did not stand."""

    @property
    def bad(self) -> bool:
        """Whether nothing is learnt from it."""
        return self.label not in KNOWN_GOOD


@dataclass(frozen=True, slots=True)
class Chart:
    """One metric, the oldest run first."""

    metric: str
    points: tuple[ChartPoint, ...]
