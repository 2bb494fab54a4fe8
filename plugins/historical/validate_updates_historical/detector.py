"""The plugin as functions of its settings, for commands: evaluate, history plot, runs explain, thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from validate_updates import Chart
from validate_updates_historical.explaining import explainer, thresholds
from validate_updates_historical.foretelling import foretold
from validate_updates_historical.replaying import backtest, suggestion
from validate_updates_historical.rule import judge
from validate_updates_historical.series import Series, rows
from validate_updates_historical.settings import Historical

__all__ = ["backtest", "chart", "detector", "explainer", "suggestion", "thresholds"]

Run = tuple[date, Mapping[str, float]]


def detector(settings: Historical) -> Callable[[Sequence[Run], Run], bool]:
    """A function of the earlier runs and the present one that says whether an alert counts under these settings."""

    def detect(history: Sequence[Run], current: Run) -> bool:
        at, update = current
        if len(history) < settings.min_days:
            return False  # whatever it would learn decides nothing
        return judge(dict(rows(history)), update, at=at, settings=settings).decides

    return detect


def chart(settings: Historical) -> Callable[[str, Sequence[tuple[date, float, str]], int], Chart]:
    """A function of a metric's name, its runs (time, value, label) and the number of them to show."""

    def foretell(metric: str, runs: Sequence[tuple[date, float, str]], last: int) -> Chart:
        series = Series([time for time, _, _ in runs], [value for _, value, _ in runs])
        labels = {time: label for time, _, label in runs if label}
        return Chart(metric, tuple(foretold(series, settings=settings, labels=labels, last=last)))

    return foretell
