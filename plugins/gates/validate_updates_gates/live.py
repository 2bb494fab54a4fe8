"""The gates ``canary`` and ``monitoring``: what other plugins ask of the task, by their own settings."""

from __future__ import annotations

from collections.abc import Iterator

from validate_updates import Criterion, Desk
from validate_updates_gates.case import Case
from validate_updates_gates.settings import Gates

CANARY = "canary"
"""The plugin that compares."""


def canary(desk: Desk, case: Case, _: Gates) -> Iterator[Criterion]:
    """What the canary of the task came to."""
    yield from desk.criteria(CANARY, case.task, case.since, case.until)


def monitoring(desk: Desk, case: Case, settings: Gates) -> Iterator[Criterion]:
    """The live figures of the window."""
    for plugin in settings.monitors:
        yield from desk.criteria(plugin, case.task, case.since, case.until)
