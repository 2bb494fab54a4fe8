"""What judging an update by its past comes to: a phase, and the alerts with what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """How far the past goes."""

    LEARNING = "learning"
    """Fewer than 8 runs: nothing can be said."""
    SHADOW = "shadow"
    """Fewer runs than `min_days`: alerts are shown and decide nothing."""
    JUDGING = "judging"


@dataclass(frozen=True, slots=True)
class Signal:
    """What one detector says."""

    name: str
    strength: float
    """-log10 of how rare this is in the metric's own past: 3 is one run in a thousand."""
    message: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A metric that does not fit its past."""

    metric: str
    value: float
    expected: float
    low: float
    high: float
    """The range in which nineteen of twenty good runs lie."""
    signals: tuple[Signal, ...]
    """The strongest first."""
    runs: int
    """Earlier runs that this rests on."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the past says about an update."""

    phase: Phase
    runs: int
    """Earlier runs of the metric with most of them."""
    wanted: int
    """Runs from which alerts count."""
    alerts: tuple[Alert, ...]

    @property
    def decides(self) -> bool:
        """Whether there is an alert that counts."""
        return self.phase is Phase.JUDGING and bool(self.alerts)

    def __str__(self) -> str:
        if self.phase is Phase.LEARNING:
            return f"learning, {self.runs} of {self.wanted} runs"
        found = f"{len(self.alerts)} alerts" if len(self.alerts) != 1 else "1 alert"
        return found if self.phase is Phase.JUDGING else f"{found} in shadow, {self.runs} of {self.wanted} runs"
