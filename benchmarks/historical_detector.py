"""The historical plugin as a function ``detect(history, current)``: what a harness that injects faults asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from validate_updates_historical.judgement import Alert
from validate_updates_historical.rule import judge
from validate_updates_historical.series import rows
from validate_updates_historical.settings import Historical

Run = tuple[date, Mapping[str, float]]
SETTINGS = Historical(min_days=8)
"""The defaults, with the alerts of a short history counted: a harness asks about 17 runs, too."""


def alerts(history: list[Run], current: Run) -> tuple[Alert, ...]:
    """The alerts for the run ``current`` after the runs ``history``."""
    at, update = current
    return judge(dict(rows(history)), update, at=at, settings=SETTINGS).alerts


def detect(history: list[Run], current: Run) -> bool:
    """Whether there is an alert."""
    return bool(alerts(history, current))
