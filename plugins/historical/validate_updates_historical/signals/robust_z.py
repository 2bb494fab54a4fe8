"""Robust z: ``(x - median) / (1.4826 MAD)``: up to half of the history may be wrong (Iglewicz and Hoaglin 1993).

Their threshold of 3.5 is corrected for few points as for the z-score.
"""

from __future__ import annotations

import numpy as np

from validate_updates_historical.rolling import Floats
from validate_updates_historical.signals.reading import Reading, finite, ratio, t_limit


def robust_z(history: Floats | list[float], value: float, *, threshold: float = 3.5) -> Reading:
    """How many scaled median deviations the value lies from the median."""
    past = finite(history)
    if len(past) < 3:
        return Reading("robust_z", 0.0, threshold)
    middle = float(np.median(past))
    spread = 1.4826 * float(np.median(np.abs(past - middle)))
    return Reading("robust_z", ratio(value - middle, spread), t_limit(threshold, len(past)))
