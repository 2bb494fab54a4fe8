"""The past of a metric as it is handed over, and as it is judged: in order, once, finite, like with like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import numpy as np

from validate_updates_historical.rolling import Floats, Slots, median

HUGEST: Final = 1e100
"""Larger numbers count as this large, and those below one in this as 0: what is reckoned from them must be finite."""
_EPOCH: Final = date(1970, 1, 1).toordinal() * 24.0


@dataclass(frozen=True, slots=True)
class Series:
    """One metric in earlier runs, in any order."""

    times: Sequence[date]
    """When each run was; with the time of day where there are several a day."""
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Period:
    """Days that are compared with days of the same name, and with no others: a recess, holidays."""

    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Table:
    """Metrics that were measured in the same runs."""

    metrics: tuple[str, ...]
    hours: Floats
    """When each run was, in hours since the year 1."""
    values: Floats
    """metrics x runs."""


def tables(
    history: Mapping[str, Series], at: date, *, window: int, periods: Iterable[Period] = ()
) -> tuple[list[Table], dict[str, int]]:
    """The last ``window`` runs before ``at`` by metrics with the same runs, and how many runs each metric has.

    Numbers that are none, and runs that were handed over twice, are left out.
    """
    found: dict[bytes, tuple[Floats, list[str], list[Floats]]] = {}
    runs, known = {}, tuple(periods)
    for names in _by_times(history):
        hours = _hours(history[names[0]].times, at, known)
        for name, values in zip(names, _tidy(hours, [history[name].values for name in names]), strict=True):
            own, row = (column[-window:] for column in values)
            runs[name] = len(own)
            group = found.setdefault(own.tobytes(), (own, [], []))
            group[1].append(name)
            group[2].append(row)
    return [Table(tuple(names), hours, np.array(rows)) for hours, names, rows in found.values()], runs


def _by_times(history: Mapping[str, Series]) -> Iterable[list[str]]:
    """Metrics that share their times, which are read once for all of them."""
    shared: dict[int, list[str]] = {}
    for name in sorted(history):
        shared.setdefault(id(history[name].times), []).append(name)
    return shared.values()


def _hours(times: Sequence[date], at: date, periods: tuple[Period, ...]) -> Floats:
    """Times as hours, NaN where a run is not to be compared."""
    hours = np.array([hour(time) for time in times], dtype=np.float64)
    hours[hours >= hour(at)] = np.nan
    if periods:
        wanted = period_of(at, periods)
        hours[[period_of(time, periods) != wanted for time in times]] = np.nan
    return hours


def _tidy(hours: Floats, metrics: Sequence[Sequence[float]]) -> Iterator[tuple[Floats, Floats]]:
    """Each in order, finite, one value a time: of several the largest, so the order of delivery does not matter."""
    values = np.array(metrics, dtype=np.float64)
    if np.any(hours[1:] < hours[:-1]):
        order = np.argsort(hours)
        hours, values = hours[order], values[:, order]
    good = np.isfinite(values) & np.isfinite(hours)
    is_tidy = np.all(good, axis=1) & np.all(hours[1:] > hours[:-1])
    for row, known, tidy in zip(cut(values), good, is_tidy.tolist(), strict=True):
        yield (hours, row) if tidy else _one_a_time(hours[known], row[known])


def _one_a_time(hours: Floats, values: Floats) -> tuple[Floats, Floats]:
    order = np.lexsort((values, hours))
    hours, values = hours[order], values[order]
    last = np.append(hours[1:] != hours[:-1], True)[: len(hours)]
    return hours[last], values[last]


def cut(values: Floats) -> Floats:
    """Numbers that can be reckoned with."""
    return np.where(np.abs(values) < 1 / HUGEST, 0.0, np.clip(values, -HUGEST, HUGEST))


def hour(time: date) -> float:
    """Hours since the year 1, in UTC."""
    if not isinstance(time, datetime):
        return time.toordinal() * 24.0
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return _EPOCH + time.timestamp() / 3600


def period_of(time: date, periods: Iterable[Period]) -> str | None:
    """The name of the first period that the time lies in."""
    day = time.date() if isinstance(time, datetime) else time
    return next((period.name for period in periods if period.first <= day <= period.last), None)


def slots(hours: Floats, at: float) -> Slots:
    """What kind of run each is, and the one at ``at``: its weekday, or its part of the day with several runs a day."""
    every = np.r_[hours, at]
    if len(hours) > 1 and median(np.diff(hours)) < 18:
        return np.asarray((every % 24) // 4, dtype=np.int64)
    return np.asarray((every // 24) % 7, dtype=np.int64)


def rows(updates: Iterable[tuple[date, Mapping[str, float]]]) -> Iterator[tuple[str, Series]]:
    """Series by metric, from runs with their metrics."""
    gathered: dict[str, tuple[list[date], list[float]]] = {}
    for time, metrics in updates:
        for name, value in metrics.items():
            times, values = gathered.setdefault(name, ([], []))
            times.append(time)
            values.append(value)
    return ((name, Series(*columns)) for name, columns in gathered.items())
