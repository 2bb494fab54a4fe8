"""Moving average: the value against the mean of the last 7 or 30 runs, in deviations of earlier runs from theirs.

``(x - mean_w) / s``, ``s`` the root mean square of past one-step errors of the same average (a control chart of
forecast errors; Montgomery, Introduction to Statistical Quality Control).
"""

from __future__ import annotations

import numpy as np

from validate_updates_historical.rolling import Floats
from validate_updates_historical.signals.reading import Reading, finite, ratio, t_limit


def moving_average(history: Floats | list[float], value: float, *, width: int = 7, threshold: float = 3.0) -> Reading:
    """How far the value lies from the mean of the last ``width`` runs."""
    past, name = finite(history), f"moving_average_{width}"
    if len(past) < width + 3:
        return Reading(name, 0.0, threshold)
    means = np.lib.stride_tricks.sliding_window_view(past, width).mean(axis=1)
    errors = past[width:] - means[:-1]
    spread = float(np.sqrt(np.mean(errors**2)))
    return Reading(name, ratio(value - float(means[-1]), spread), t_limit(threshold, len(errors)))
