"""What a signal reads off a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from validate_updates_historical.rolling import Floats


@dataclass(frozen=True, slots=True)
class Reading:
    """A statistic, and the limit beyond which it speaks."""

    name: str
    statistic: float
    """0 where nothing can be said."""
    limit: float

    @property
    def speaks(self) -> bool:
        """Whether the value is unusual by this signal."""
        return abs(self.statistic) > self.limit


def ratio(off: float, size: float) -> float:
    """``off / size``; 0 where there is nothing to compare, and large but finite where there was no variation at all."""
    if off == 0 or not np.isfinite(off) or not np.isfinite(size):
        return 0.0
    if abs(size) * LARGE <= abs(off):
        return float(np.copysign(LARGE, off))
    return float(off / size)


LARGE: Final = 1e6
"""Stands for infinitely many deviations."""
HUGEST: Final = 1e100


def finite(values: Floats | list[float]) -> Floats:
    """The numbers among the values, as an array; huge ones cut so that their squares stay finite."""
    array = np.asarray(values, dtype=np.float64)
    return np.clip(array[np.isfinite(array)], -HUGEST, HUGEST)


def t_limit(threshold: float, runs: int) -> float:
    """As rare for ``runs`` points as ``threshold`` for endlessly many: Student's t in place of the normal."""
    from scipy.special import ndtr, stdtrit

    return float(-stdtrit(runs - 1, ndtr(-threshold)))
