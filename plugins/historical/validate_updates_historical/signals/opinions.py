"""All the usual signals about one value, for the explanation of a judgement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from validate_updates_historical.signals.count import count
from validate_updates_historical.signals.level_shift import level_shift
from validate_updates_historical.signals.moving_average import moving_average
from validate_updates_historical.signals.percentile import percentile
from validate_updates_historical.signals.reading import Reading
from validate_updates_historical.signals.robust_z import robust_z
from validate_updates_historical.signals.stuck import repetition
from validate_updates_historical.signals.trend import reversal
from validate_updates_historical.signals.weekday import weekday
from validate_updates_historical.signals.z_score import z_score


def opinions(times: Sequence[date], history: list[float], at: date, value: float) -> tuple[Reading, ...]:
    """What each signal reads off ``value`` at ``at`` after the history, oldest first."""
    return (
        z_score(history, value),
        robust_z(history, value),
        moving_average(history, value, width=7),
        moving_average(history, value, width=30),
        weekday(times, history, at, value),
        percentile(history, value),
        reversal(history, value),
        level_shift(history, value),
        count(history, value),
        *repetition(history, value),
    )
