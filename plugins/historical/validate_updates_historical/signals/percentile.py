"""Percentile band: between the 1 % and the 99 % point of the history, which assumes no distribution at all.

The statistic is ``log10`` of how rare the value is by its rank, ``(k + 1) / (n + 1)`` for k earlier values as far
out: with n runs nothing is rarer than one in n + 1, so a short history can never speak (Hyndman and Fan 1996).
"""

from __future__ import annotations

import numpy as np

from validate_updates_historical.rolling import Floats
from validate_updates_historical.signals.reading import Reading, finite


def percentile(history: Floats | list[float], value: float, *, tail: float = 0.01) -> Reading:
    """Whether the value lies outside the band that leaves out ``tail`` on either side."""
    past, limit = finite(history), float(-np.log10(tail))
    if len(past) < 3 or not np.isfinite(value):
        return Reading("percentile", 0.0, limit)
    above, below = (np.sum(past >= value) + 1) / (len(past) + 1), (np.sum(past <= value) + 1) / (len(past) + 1)
    side = 1 if above < below else -1
    return Reading("percentile", side * float(-np.log10(min(above, below))), limit)
