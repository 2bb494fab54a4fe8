"""What was to be expected of each run of a metric before it was there, and what is said of it: data for a chart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from validate_updates import KNOWN_GOOD, ChartPoint, ChartRange
from validate_updates_historical.baseline import Baseline, learn
from validate_updates_historical.rule import decide
from validate_updates_historical.seasons import seasons
from validate_updates_historical.series import Series
from validate_updates_historical.settings import Historical


def foretold(
    series: Series,
    *,
    settings: Historical | None = None,
    labels: Mapping[date, str] | None = None,
    last: int = 120,
) -> list[ChartPoint]:
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


def _point(time: date, value: float, before: list[tuple[date, float]], settings: Historical, label: str) -> ChartPoint:
    past = Series([one for one, _ in before], [number for _, number in before])
    baseline = learn({"it": past}, time, window=settings.window)
    judged = decide(baseline, {"it": value}, settings=settings)
    said = "; ".join(signal.message for alert in judged.alerts for signal in alert.signals) if judged.decides else ""
    return ChartPoint(time, value, _range(baseline), said, label)


def _range(baseline: Baseline) -> ChartRange | None:
    for group in baseline.groups:
        point, newest = group.families[0], group.table.values[:, -1]
        low, middle, high = (
            float(group.scales.back(point.centre + step * point.scale, newest)[0]) for step in (-2.0, 0.0, 2.0)
        )
        return ChartRange(low, middle, high)
    return None
