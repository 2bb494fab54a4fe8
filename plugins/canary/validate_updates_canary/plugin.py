"""New plugins on one task while they only look on at the others: what the plugin ``canary`` declares."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from validate_updates import (
    Criteria,
    Desk,
    Observer,
    Occasion,
    PluginSettings,
    Report,
    Section,
    SettingsOf,
    Subcommand,
    hookimpl,
)
from validate_updates_canary import commands
from validate_updates_canary.asking import asked
from validate_updates_canary.reporting import report
from validate_updates_canary.settings import CanarySettings
from validate_updates_canary.watching import watch


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """The criteria."""
    return CanarySettings


@hookimpl
def vu_observers(settings: SettingsOf) -> Iterable[Observer]:
    """Whether the canary goes on, after each run."""
    yield Observer(
        name="canary",
        occasion=Occasion.RECORDED,
        observe=partial(watch, settings=settings[CanarySettings]),
        summary="whether the plugins on trial stand the test",
    )


@hookimpl
def vu_criteria(settings: SettingsOf) -> Iterable[Criteria]:
    """Both sides compared, for gates."""
    judge = partial(asked, settings=settings[CanarySettings])
    yield Criteria(name="canary", judge=judge, summary="the canary of a task, under way or over")


@hookimpl
def vu_reports(settings: SettingsOf) -> Iterable[Report]:
    """Both sides, for those who do not look every day."""
    build = partial(report, settings=settings[CanarySettings])
    yield Report(name="canary", build=build, days=30, summary="a canary: both sides, the criteria, what was switched")


@hookimpl
def vu_subcommands(settings: SettingsOf) -> Iterable[Subcommand]:
    """Beginning one, looking at it, ending it by hand."""

    def status(task: commands.Task, *, desk: Desk) -> Section:
        return commands.status(task, settings=settings[CanarySettings], desk=desk)

    yield Subcommand(name="start", summary="try plugins on one task", function=commands.start)
    yield Subcommand(name="status", summary="both sides, and how much they rest on", function=status)
    yield Subcommand(name="promote", summary="end it: the plugins stay", function=commands.promote)
    yield Subcommand(name="abort", summary="end it: all is as before", function=commands.abort)
