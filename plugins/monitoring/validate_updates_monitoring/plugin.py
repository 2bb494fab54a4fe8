"""Whether a job does what it should, over days: what the plugin ``monitoring`` declares."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from validate_updates import (
    Answer,
    Criteria,
    Desk,
    Observer,
    Occasion,
    PluginSettings,
    Report,
    SettingsOf,
    Subcommand,
    hookimpl,
)
from validate_updates_monitoring import commands
from validate_updates_monitoring.acting import act, write_reports
from validate_updates_monitoring.asking import asked
from validate_updates_monitoring.reporting import told
from validate_updates_monitoring.settings import Monitoring


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """The criteria of success."""
    return Monitoring


@hookimpl
def vu_observers(settings: SettingsOf) -> Iterable[Observer]:
    """The policy, after each run; and the report of an incident, when all about it is written down."""
    mine = settings[Monitoring]
    yield Observer(
        name="policy",
        occasion=Occasion.RECORDED,
        observe=partial(act, settings=mine),
        summary="does what the policy says of the severity of what went wrong",
    )
    yield Observer(
        name="report",
        occasion=Occasion.TELL,
        observe=partial(write_reports, settings=mine),
        summary="writes the report of an incident",
    )


@hookimpl
def vu_criteria(settings: SettingsOf) -> Iterable[Criteria]:
    """The criteria, for gates."""
    judge = partial(asked, settings=settings[Monitoring])
    yield Criteria(name="success", judge=judge, summary="the criteria of success over a window")


@hookimpl
def vu_reports(settings: SettingsOf) -> Iterable[Report]:
    """The criteria of success, and what is to be told of an incident."""
    build = partial(commands.report, settings=settings[Monitoring])
    yield Report(name="monitoring", build=build, days=7, summary="the criteria of success, and what the runs say")
    yield Report(
        name="incident",
        build=told,
        summary="what happened in a run, and what was done about it",
        days=7.0,
        of_run=True,
    )


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
        what_if: commands.WhatIf = False,
        desk: Desk,
    ) -> Answer:
        window = commands.Window(task, days, as_of)
        if what_if:
            return commands.what_if(desk, mine, window)
        return commands.show(desk, mine, window, textfile=textfile)

    def incident(run: commands.Run, *, task: commands.Task = "", desk: Desk) -> Answer:
        return commands.incident_of(desk, run, task=task)

    def health(*, task: commands.Task = "", days: commands.Days = 7.0, as_of: commands.Time = "", desk: Desk) -> Answer:
        return commands.health(desk, mine, commands.Window(task, days, as_of))

    yield Subcommand(name="show", summary="the criteria of success, and what the runs say", function=show)
    yield Subcommand(name="incident", summary="what happened in a run, and what was done about it", function=incident)
    yield Subcommand(name="health", summary="healthy, degraded or unhealthy, for a probe", function=health)
