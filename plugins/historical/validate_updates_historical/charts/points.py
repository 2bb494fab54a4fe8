"""What a chart shows of each run: the number, what was to be expected of it before it was there, and what was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from validate_updates_historical.baseline import Baseline, learn
from validate_updates_historical.rule import decide
from validate_updates_historical.seasons import seasons
from validate_updates_historical.series import Series
from validate_updates_historical.settings import Historical

KNOWN_GOOD: Final = ("", "expected")
"""Labels of runs that later ones are compared with."""


@dataclass(frozen=True, slots=True)
class Range:
    """What was to be expected of a run."""

    low: float
    expected: float
    high: float
    """Nineteen of twenty good runs lie between low and high."""


@dataclass(frozen=True, slots=True)
class Point:
    """One run."""

    time: date
    value: float
    range: Range | None
    """None where there was too little past."""
    alert: str = ""
    """What was said, the strongest first; empty where nothing was."""
    label: str = ""
    """``expected`` or ``incident``, where a person said so; what became of a run that did not stand."""

    @property
    def bad(self) -> bool:
        """Whether nothing is learnt from it."""
        return self.label not in KNOWN_GOOD


def foretold(
    series: Series,
    *,
    settings: Historical | None = None,
    labels: Mapping[date, str] | None = None,
    last: int = 120,
) -> list[Point]:
    """The ``last`` runs of a metric, each judged by the good ones before it, of its own period of the calendar."""
    settings, labels = settings or Historical(), labels or {}
    season = seasons(settings.calendar).of
    runs = sorted(zip(series.times, series.values, strict=True))
    good = [(time, value, season(time)) for time, value in runs if labels.get(time, "") in KNOWN_GOOD]
    found = []
    for time, value in runs[-last:]:
        like = season(time)
        before = [(earlier, number) for earlier, number, kind in good if earlier < time and kind == like]
        found.append(_point(time, value, before, settings, labels.get(time, "")))
    return found


def _point(time: date, value: float, before: list[tuple[date, float]], settings: Historical, label: str) -> Point:
    past = Series([one for one, _ in before], [number for _, number in before])
    baseline = learn({"it": past}, time, window=settings.window)
    judged = decide(baseline, {"it": value}, settings=settings)
    said = "; ".join(signal.message for alert in judged.alerts for signal in alert.signals) if judged.decides else ""
    return Point(time, value, _range(baseline), said, label)


def _range(baseline: Baseline) -> Range | None:
    for group in baseline.groups:
        point, newest = group.families[0], group.table.values[:, -1]
        low, middle, high = (
            float(group.scales.back(point.centre + step * point.scale, newest)[0]) for step in (-2.0, 0.0, 2.0)
        )
        return Range(low, middle, high)
    return None
