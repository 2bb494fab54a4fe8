"""The plugin as a detector: what ``validate-updates evaluate`` walks through histories."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from validate_updates_historical.rule import judge
from validate_updates_historical.series import rows
from validate_updates_historical.settings import Historical

Run = tuple[date, Mapping[str, float]]


def detector(settings: Historical) -> Callable[[Sequence[Run], Run], bool]:
    """A function of the earlier runs and the present one that says whether an alert counts under these settings."""

    def detect(history: Sequence[Run], current: Run) -> bool:
        at, update = current
        return judge(dict(rows(history)), update, at=at, settings=settings).decides

    return detect
