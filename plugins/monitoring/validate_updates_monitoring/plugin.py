"""Whether a job does what it should, over days: what the plugin ``monitoring`` declares."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from validate_updates import Answer, Criteria, Desk, PluginSettings, SettingsOf, Subcommand, hookimpl
from validate_updates_monitoring import commands
from validate_updates_monitoring.asking import asked
from validate_updates_monitoring.settings import Monitoring


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """The criteria of success."""
    return Monitoring


@hookimpl
def vu_criteria(settings: SettingsOf) -> Iterable[Criteria]:
    """The criteria, for gates."""
    judge = partial(asked, settings=settings[Monitoring])
    yield Criteria(name="success", judge=judge, summary="the criteria of success over a window")


@hookimpl
def vu_subcommands(settings: SettingsOf) -> Iterable[Subcommand]:
    """The criteria with their figures, and what they come to."""
    mine = settings[Monitoring]

    def show(
        *,
        task: commands.Task = "",
        days: commands.Days = 7.0,
        as_of: commands.Time = "",
        textfile: commands.TextFile = "",
        desk: Desk,
    ) -> Answer:
        return commands.show(desk, mine, commands.Window(task, days, as_of), textfile=textfile)

    def health(*, task: commands.Task = "", days: commands.Days = 7.0, as_of: commands.Time = "", desk: Desk) -> Answer:
        return commands.health(desk, mine, commands.Window(task, days, as_of))

    yield Subcommand(name="show", summary="the criteria of success, and what the runs say", function=show)
    yield Subcommand(name="health", summary="healthy, degraded or unhealthy, for a probe", function=health)
