"""Day of the week: the value against the median of the last eight runs of its weekday, in deviations of all weekdays.

``(x - median_d) / (1.4826 MAD)``, the deviations of every run from the median of its own weekday: eight points alone
say little about spread (a seasonal naive forecast with a pooled error; Hyndman and Athanasopoulos, Forecasting).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from validate_updates_historical.rolling import Floats
from validate_updates_historical.signals.reading import HUGEST, Reading, ratio, t_limit

LAST = 8


def weekday(
    times: Sequence[date], history: Floats | list[float], at: date, value: float, *, threshold: float = 3.5
) -> Reading:
    """How far the value lies from what its weekday brings."""
    days = np.array([time.weekday() for time in times])
    past = np.clip(np.asarray(history, dtype=np.float64), -HUGEST, HUGEST)
    days, past = days[np.isfinite(past)], past[np.isfinite(past)]
    same = past[days == at.weekday()][-LAST:]
    if len(same) < 3:
        return Reading("weekday", 0.0, threshold)
    off = np.concatenate([past[days == day][-LAST:] - np.median(past[days == day][-LAST:]) for day in np.unique(days)])
    spread = 1.4826 * float(np.median(np.abs(off)))
    return Reading("weekday", ratio(value - float(np.median(same)), spread), t_limit(threshold, len(same)))
