"""Small counts: the chance of a count like this, given the counts before, if they come at a steady rate.

With Jeffreys' prior the next count is negative binomial: ``P(X >= x) = I(1 / (n + 1); x, S + 1/2)`` for ``S`` counted
in ``n`` runs (Gelman et al., Bayesian Data Analysis). The statistic is -log10 of the smaller tail. Bursty feeds vary
more: there it is only a lower bound.
"""

from __future__ import annotations

import numpy as np

from validate_updates_historical.rolling import Floats
from validate_updates_historical.signals.reading import Reading, finite


def count(history: Floats | list[float], value: float, *, limit: float = 3.0) -> Reading:
    """How rare the count is, positive where it is high."""
    from scipy.special import betainc

    past = finite(history)
    if len(past) < 3 or not np.isfinite(value) or value < 0 or np.any(past < 0):
        return Reading("count", 0.0, limit)
    total, share = float(np.sum(past)) + 0.5, 1 / (len(past) + 1)
    above = float(betainc(value, total, share)) if value > 0 else 1.0
    below = 1 - float(betainc(value + 1, total, share))
    side, chance = (1, above) if above < below else (-1, below)
    return Reading("count", side * float(-np.log10(max(chance, 1e-300))), limit)
