"""Healthy, degraded or unhealthy: what the criteria come to, for a probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from validate_updates_monitoring.criteria import Criterion, State
from validate_updates_monitoring.figures import Figures
from validate_updates_monitoring.settings import Monitoring


class Health(StrEnum):
    """Of a task, or of all."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"

    @property
    def rank(self) -> int:
        """0 is well."""
        return _ORDER.index(self)


_ORDER: Final = (Health.HEALTHY, Health.DEGRADED, Health.UNHEALTHY)
EXIT_STATUS: Final = {Health.HEALTHY: 0, Health.DEGRADED: 1, Health.UNHEALTHY: 3}
"""2 is for wrong flags and settings, as everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A task, judged."""

    figures: Figures
    criteria: tuple[Criterion, ...]
    health: Health
    reasons: tuple[str, ...]
    """Why it is not healthy."""


def judged(figures: Figures, criteria: Sequence[Criterion], settings: Monitoring) -> Report:
    """What it comes to: stale for long or data lost is unhealthy, anything else that fails is degraded."""
    failing = [one for one in criteria if one.state is State.FAIL]
    reasons = tuple(f"{one.name}: {one.actual}, {one.target} is wanted" for one in failing)
    hours = figures.stale_hours
    stale = hours is None or hours > settings.unhealthy_hours
    lost = any(one.name == "data loss" for one in failing)
    bad = Health.DEGRADED if failing else Health.HEALTHY
    health = Health.UNHEALTHY if stale or lost else bad
    return Report(figures=figures, criteria=tuple(criteria), health=health, reasons=reasons)


def worst(reports: Sequence[Report]) -> Health:
    """Of all tasks."""
    return max((one.health for one in reports), key=lambda health: health.rank, default=Health.HEALTHY)
