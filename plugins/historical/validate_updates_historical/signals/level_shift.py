"""Level shift and slow drift: a CUSUM of robust deviations, ``S = max(0, S + |z| - k)`` on either side (Page 1954).

``k`` = 1/2 finds a shift of one deviation fastest, and ``h`` = 5 raises one false alarm in about 930 runs of
independent ones. Deviations are cut at 3, so that one bad run does not make a shift.
"""

from __future__ import annotations

import numpy as np

from validate_updates_historical.rolling import Floats
from validate_updates_historical.signals.reading import Reading, finite, ratio

SLACK, LIMIT, CUT = 0.5, 5.0, 3.0
RECENT = 28


def level_shift(history: Floats | list[float], value: float) -> Reading:
    """The larger of the two sums over the last four weeks and the value, in deviations of the runs before; signed."""
    past = finite(history)
    if len(past) < 8 or not np.isfinite(value):
        return Reading("level_shift", 0.0, LIMIT)
    before = past[: max(8, len(past) - RECENT)]
    middle = float(np.median(before))
    spread = 1.4826 * float(np.median(np.abs(before - middle)))
    up = down = 0.0
    for off in np.append(past[-RECENT:], value) - middle:
        z = min(CUT, max(-CUT, ratio(float(off), spread)))
        up, down = max(0.0, up + z - SLACK), max(0.0, down - z - SLACK)
    return Reading("level_shift", up if up >= down else -down, LIMIT)
