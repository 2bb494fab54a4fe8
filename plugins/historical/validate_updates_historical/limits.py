"""How rare a deviation must be to be news, so that the false-alarm rate holds over all metrics of an update."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical.rolling import Flags, Floats

LOOKS: Final = 5.5
"""Times a metric is looked at: by three families upwards and downwards, which seldom say the same."""
CROWD: Final = 12.0
"""A limit of M metrics is at most ``12 log10(M)`` above that of one: what their own past shows decides, unless it was
full of faults, or they say the same."""
RARER: Final = 3.75
"""Their own past is asked for a rate so much lower: its runs have shaped the tails by which they are judged, the next
one has not. The longer the tail of the past is, the more that adds. Real feeds raised 1.01 % with 3.5."""
PAIR: Final = 0.2
"""Two families at 0.63 of the rarity (10 ** -0.2) that one alone needs are an alert together."""
FULL: Final = 60
"""Runs from which a tail is known by itself; below, limits are higher."""
SHORT: Final = 0.5
"""How much higher at half of that, and again at a quarter."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is news: strengths, and floors."""

    one: float
    """Strength of one family that is enough."""
    two: float
    """Strength of two families that are enough."""
    percent: float
    """Smaller differences of a number without a unit are no news."""
    units: float
    """Nor are differences of a count up to this many units."""

    def enough(self, strengths: Floats) -> Flags:
        """Which strengths (families x anything) are: one that is extreme, or two that agree."""
        agree = strengths >= self.two
        return np.asarray((strengths >= self.one) | (agree & (np.sum(agree, axis=0) >= 2)))


def limits(rate: float, *, independent: float, together: float, runs: int, percent: float, units: float) -> Limits:
    """The limits at which ``rate`` of good runs raise an alert.

    ``independent``: how many metrics there are that do not say the same. ``together``: the strength that the strongest
    say of all of them had in a part ``rate / RARER`` of their own past. ``runs``: of past.
    """
    alone = math.log10(LOOKS / rate) + SHORT * math.log2(max(1.0, FULL / runs))
    one = alone + min(CROWD * math.log10(max(1.0, independent)), max(0.0, together - alone))
    return Limits(one, one - PAIR, percent, units)
