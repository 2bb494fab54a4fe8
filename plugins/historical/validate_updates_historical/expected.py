"""What a run should have brought: the recent level and the weekday, from a past that is cleaned of single outliers.

Only the past is cleaned, never the run under judgement: otherwise the return to normal after a bad run would be the
next surprise. Levels are taken over 1, 3, 7 and 28 runs, with and without the weekday; how much each is believed, its
errors in the metric's own past say (Bates and Granger 1969, on combining forecasts): what several say together is
nearer than what the best of them says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical.rolling import (
    Floats,
    Slots,
    chosen,
    in_a_row,
    levels_before,
    median,
    moving_mean,
    moving_median,
    root_error,
    spread,
    sums_before,
)

LEVELS: Final = (1, 3, 7, 28)
"""Runs that a level is taken over: the last value, half a week, a week, four weeks."""
WEEKDAYS: Final = 8
"""Same weekdays that a weekday's effect is taken from: two months follow a change of habit, and hold still."""
OUTLIER: Final = 5.0
"""Scaled deviations from the median around it at which a past run is replaced: Hampel's filter, set wide."""
IN_A_ROW: Final = 3
"""More outliers in a row than this are not outliers but a new level."""
BELIEVED: Final = 8
"""A forecast whose errors are twice as large as the best one's is believed 2 ** 8 times less: those that are nearly as
good share the say."""
SHORT: Final = 45
"""With fewer runs every run is used, and a weekday's effect is tried as large as the few that were seen make it."""


@dataclass(frozen=True, slots=True)
class Past:
    """The past of metrics on the scale of judgement, and what to expect of the next run."""

    cleaned: Floats
    """metrics x runs, without the weekday's effect where the best forecast uses that."""
    weekday: Floats
    """metrics x (runs + 1): that effect, 0 where it is not used."""
    expected: Floats
    """metrics x (runs + 1): the forecast of each run, the last column of the one to come."""


def learn(values: Floats, weekdays: Slots) -> Past:
    """What to expect; ``weekdays`` is one longer than the history: the last is that of the run to come."""
    runs = values.shape[1]
    cleaned = clean(values, weekdays[:runs])
    effect = weekday_effect(cleaned, weekdays)
    # where the weekdays differ far more than chance makes them, what is shrunk is missing in every week
    effects = [np.zeros_like(effect), effect, effect * (1 + max(1 / WEEKDAYS, 7 / runs if runs <= SHORT else 0.0))]
    forecasts: list[Floats] = []
    for shift in effects:
        levels, _ = levels_before(cleaned - shift[:, :runs], LEVELS)
        forecasts += [level + shift for level in levels]
    first = unsettled(runs)
    errors = np.array([root_error(values[:, first:] - one[:, first:runs]) for one in forecasts])
    shift = chosen(effects, np.argmin(errors, axis=0) // len(LEVELS))
    return Past(cleaned - shift[:, :runs], shift, _together(forecasts, errors**2))


def _together(forecasts: Sequence[Floats], errors: Floats) -> Floats:
    """The mean of the forecasts, weighed by their usual errors (forecasts x metrics)."""
    least = 1e-12  # forecasts that never err are believed alike
    weights = ((np.min(errors, axis=0) + least) / (errors + least)) ** BELIEVED
    weights /= np.sum(weights, axis=0)
    total = np.zeros_like(forecasts[0])
    for weight, one in zip(weights, forecasts, strict=True):
        total += weight[:, None] * one
    return total


def unsettled(runs: int) -> int:
    """The first runs whose forecasts had too little past to be judged by; none where the history is short."""
    return 0 if runs <= SHORT else min(28, runs // 3)


def clean(values: Floats, weekdays: Slots) -> Floats:
    """The history with single outliers replaced by the median around them (Hampel's filter over 15 runs)."""
    profile = _profile(values, weekdays)
    plain = values - profile
    middle = moving_median(plain, 15)
    off = np.abs(plain - middle)
    scale = np.maximum(0.7 * spread(off)[:, None], 1.4826 * moving_median(off, 15))
    bad = off > OUTLIER * np.maximum(scale, 1e-9)
    return np.where(bad & (in_a_row(bad) <= IN_A_ROW), middle + profile, values)


def _profile(values: Floats, weekdays: Slots) -> Floats:
    """Each run's weekday effect over the whole history, 0 where weekdays do not explain at least a twentieth."""
    off = values - moving_median(values, 7)
    profile = np.zeros((len(values), 7))
    for day in range(7):
        same = weekdays == day
        seen = np.count_nonzero(same)
        if seen >= 2:
            profile[:, day] = median(off[:, same]) * seen / (seen + 1)
    effect = profile[:, weekdays]
    helps = root_error(off - effect) < 0.95 * root_error(off)
    return np.where(helps[:, None], effect, 0.0)


def _around(weekdays: Slots) -> int:
    """Runs that are about a week and hold each slot as often: 7 of weekdays, 9 of three a day."""
    slots = int(np.count_nonzero(np.bincount(weekdays)))
    return slots * max(1, round(7 / slots / 2 - 0.5) * 2 + 1) if slots % 2 else 7


def weekday_effect(cleaned: Floats, weekdays: Slots) -> Floats:
    """For each run, the mean of its weekday's last ``WEEKDAYS`` deviations from the week around, times m / (m + 1).

    The first weeks take the first ones after themselves. metrics x (runs + 1).
    """
    rows, runs = cleaned.shape
    off = cleaned - moving_mean(cleaned, _around(weekdays))
    effect = np.zeros((rows, runs + 1))
    for day in range(7):
        same, asked = np.flatnonzero(weekdays[:runs] == day), np.flatnonzero(weekdays == day)
        many = min(WEEKDAYS, len(same) - 1)
        if many < 1:
            continue
        own = off[:, same]
        total = sums_before(own)
        sums = np.empty((rows, len(asked)))
        sums[:, :many] = total[:, many + 1, None] - own[:, :many]
        sums[:, many:] = total[:, many : len(asked)] - total[:, : len(asked) - many]
        effect[:, asked] = sums / (many + 1)
    return effect
