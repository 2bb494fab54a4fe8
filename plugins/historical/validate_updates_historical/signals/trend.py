"""Trend: the median of the slopes between all pairs of runs (Theil 1950, Sen 1968), and its reversal.

A trend is there if Kendall's count of rising against falling pairs is beyond its normal limit (Mann 1945). It is
reversed if the last week goes the other way by more than it ever did in a week of the history.
"""

from __future__ import annotations

import numpy as np

from validate_updates_historical.rolling import Floats
from validate_updates_historical.signals.reading import Reading, finite, ratio

WEEK = 7


def slope(history: Floats | list[float]) -> float:
    """The robust slope a run; 0 for fewer than two runs."""
    past = finite(history)
    first, second = np.triu_indices(len(past), 1)
    return float(np.median((past[second] - past[first]) / (second - first))) if len(first) else 0.0


def trend(history: Floats | list[float], *, threshold: float = 3.0) -> Reading:
    """Mann's statistic of the history: positive where it rises, negative where it falls."""
    past = finite(history)
    runs = len(past)
    if runs < WEEK:
        return Reading("trend", 0.0, threshold)
    first, second = np.triu_indices(runs, 1)
    rising = float(np.sum(np.sign(past[second] - past[first])))
    return Reading("trend", ratio(rising, float(np.sqrt(runs * (runs - 1) * (2 * runs + 5) / 18))), threshold)


def reversal(history: Floats | list[float], value: float) -> Reading:
    """The change over the last week against the most that ever went so in a week, where the trend goes the other."""
    past = finite(history)
    before = past[-4 * WEEK :]
    usual = trend(before)
    if len(past) < 2 * WEEK or not usual.speaks or not np.isfinite(value):
        return Reading("reversal", 0.0, 1.0)
    way = -np.sign(usual.statistic)
    changes = past[WEEK:] - past[:-WEEK]
    least = abs(slope(before)) * WEEK / 2  # half of the usual week the other way, where it never went that way
    now = float(value - past[-WEEK])
    return Reading("reversal", way * max(0.0, ratio(way * now, max(float(np.max(way * changes)), least))), 1.0)
