"""How bad it is: the roll-back table, from numbers to a severity. 1 is the worst; None is no matter at all.

Worse numbers never have a milder severity. One case alone, of failed batches or of false alarms, is never more than 3:
one of three is a third, and says nothing yet.
"""

from __future__ import annotations

from enum import IntEnum

from validate_updates_monitoring.settings import Monitoring


class Level(IntEnum):
    """What is done about it."""

    ONE = 1
    """The plugins named in the settings are switched off; the run is taken back, where the settings say so."""
    TWO = 2
    """The plugin at fault is switched off."""
    THREE = 3
    """Somebody is told, with the command to type next."""


def of_batches(failed: float, planned: float, settings: Monitoring) -> Level | None:
    """Of the batches of an update of which nothing could be written."""
    if failed <= 0:
        return None
    if failed > 1 and _share(failed, planned) > settings.severity_1.batches_failed:
        return Level.ONE
    return Level.TWO if failed > 1 and _share(failed, planned) > settings.severity_2.batches_failed else Level.THREE


def of_false_alarms(false: int, runs: int, settings: Monitoring) -> Level | None:
    """Of the alerts of a plugin that somebody called expected, in so many runs that it judged."""
    if runs < settings.least_runs or not false:
        return None
    if false > 1 and _share(false, runs) > settings.severity_2.false_alarms:
        return Level.TWO
    return Level.THREE if _share(false, runs) >= settings.severity_3.false_alarms else None


def of_slowdown(now: float, before: float, settings: Monitoring) -> Level | None:
    """Of the seconds that a run takes with a plugin, and took without."""
    if now - before < settings.least_seconds or now <= before:
        return None
    slower = _share(now - before, before) if before else float("inf")
    if slower > settings.severity_2.slowdown:
        return Level.TWO
    return Level.THREE if slower >= settings.severity_3.slowdown else None


def _share(part: float, whole: float) -> float:
    return part * 100 / whole if whole else 100.0
