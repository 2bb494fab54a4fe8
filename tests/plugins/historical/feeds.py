"""Made-up feeds of known kinds, from a seed, and what judging them comes to."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from validate_updates_historical.judgement import Judgement
from validate_updates_historical.rule import judge
from validate_updates_historical.series import Period, Series
from validate_updates_historical.settings import Historical

START = date(2024, 1, 1)
"""A Monday."""


def days(count: int) -> list[date]:
    return [START + timedelta(day) for day in range(count)]


def weekly(count: int, *, seed: int = 0) -> list[float]:
    """Records a day: many on Mondays, few on Sundays, 10 % noise."""
    by_day = np.array([400, 300, 280, 260, 240, 60, 40])
    noise = np.random.default_rng(seed).normal(1, 0.1, count)
    return [float(round(by_day[day % 7] * factor)) for day, factor in enumerate(noise)]


def steady(count: int, *, level: float = 100, seed: int = 0) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).poisson(level, count)]


def coverage(count: int, *, seed: int = 0) -> list[float]:
    """A share near 95 %."""
    return [float(value) for value in np.random.default_rng(seed).normal(0.95, 0.008, count)]


def errors(count: int, *, of: int = 400, seed: int = 0) -> list[float]:
    """The share of records in error: one in ``of``, by chance."""
    return [float(value) / of for value in np.random.default_rng(seed).poisson(1, count)]


def at_the_end(
    values: list[float], *, periods: tuple[Period, ...] = (), settings: Historical | None = None
) -> Judgement:
    """The judgement on the last value after the others, one a day."""
    times = days(len(values))
    history = {"rows": Series(times[:-1], values[:-1])}
    return judge(history, {"rows": values[-1]}, at=times[-1], periods=periods, settings=settings)


def alerts(values: list[float], *, start: int, settings: Historical | None = None) -> list[int]:
    """The days from ``start`` on with an alert."""
    return [day for day in range(start, len(values)) if at_the_end(values[: day + 1], settings=settings).alerts]


def names(judgement: Judgement) -> set[str]:
    return {signal.name for alert in judgement.alerts for signal in alert.signals}
