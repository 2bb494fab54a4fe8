"""Whether the next stage may begin: what the plugin ``gates`` declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from validate_updates import Answer, Desk, PluginSettings, SettingsOf, Subcommand, hookimpl
from validate_updates_gates import commands
from validate_updates_gates.checking import GATES
from validate_updates_gates.checking import check as check_gate
from validate_updates_gates.settings import Gates
from validate_updates_gates.templates import TEMPLATES
from validate_updates_gates.templates import template as template_of


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """What each gate asks."""
    return Gates


@hookimpl
def vu_subcommands(settings: SettingsOf) -> Iterable[Subcommand]:
    """Checking a gate, and pages for those that people decide."""
    mine = settings[Gates]

    def check(
        gate: Annotated[str, "testing, validation, trial, canary or monitoring"],
        *,
        task: commands.Task = "",
        days: commands.Days = 7.0,
        as_of: commands.Time = "",
        junit: commands.Files = None,
        benchmarks: commands.Files = None,
        evaluation: commands.Files = None,
        dry_run: commands.Files = None,
        desk: Desk,
    ) -> Answer:
        commands.known(gate, GATES)
        case = commands.case(
            desk, task, days, as_of, junit=junit, benchmarks=benchmarks, evaluation=evaluation, dry_runs=dry_run
        )
        return check_gate(desk, gate, case, mine)

    def template(
        gate: Annotated[str, "review or planning"],
        *,
        task: commands.Task = "",
        days: commands.Days = 30.0,
        as_of: commands.Time = "",
        junit: commands.Files = None,
        desk: Desk,
    ) -> Answer:
        commands.known(gate, TEMPLATES)
        return template_of(desk, gate, commands.case(desk, task, days, as_of, junit=junit))

    yield Subcommand(name="check", summary="whether a gate passes: 0 where it does, else 1", function=check)
    yield Subcommand(name="template", summary="a page for a gate that people decide", function=template)
