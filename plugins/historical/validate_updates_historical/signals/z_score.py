"""z-score: ``(x - mean) / (s sqrt(1 + 1/n))``, against Student's t with n - 1 degrees of freedom.

A new value of a normal population, given n earlier ones, follows that t (Student 1908; a prediction interval). So a
threshold of 3 means the same at 10 points, where it becomes 4.1, and at 300, where it is 3.02.
"""

from __future__ import annotations

import numpy as np

from validate_updates_historical.rolling import Floats
from validate_updates_historical.signals.reading import Reading, finite, ratio, t_limit


def z_score(history: Floats | list[float], value: float, *, threshold: float = 3.0) -> Reading:
    """How many standard deviations the value lies from the mean."""
    past = finite(history)
    if len(past) < 3:
        return Reading("z_score", 0.0, threshold)
    spread = float(np.std(past, ddof=1) * np.sqrt(1 + 1 / len(past)))
    return Reading("z_score", ratio(value - float(np.mean(past)), spread), t_limit(threshold, len(past)))
