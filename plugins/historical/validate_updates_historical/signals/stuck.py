"""Stuck values and constants: a count or zeros repeated for longer than ever, a constant that begins to vary.

The formulas stand in `repeats`: ``(L - 1) * -log10 p`` for a row of ``L`` equal values, ``p`` the chance of a repeat.
"""

from __future__ import annotations

import numpy as np

from validate_updates_historical import repeats
from validate_updates_historical.rolling import Floats
from validate_updates_historical.scales import common_unit
from validate_updates_historical.signals.reading import Reading, finite


def repetition(history: Floats | list[float], value: float, *, limit: float = 3.0) -> tuple[Reading, ...]:
    """Readings named `stuck`, `silence` and `constant`, none where there is nothing unusual."""
    past = finite(history)
    if len(past) < 3 or not np.isfinite(value):
        return ()
    (known,) = repeats.learn(past[None, :], common_unit(past[None, :]))
    return tuple(Reading(said.name, said.strength, limit) for said in known.of(float(value)))
