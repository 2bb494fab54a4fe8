"""Batches that stand or fall alone: what the plugin ``batch`` declares."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from validate_updates import PluginSettings, ReportSection, SettingsOf, Subcommand, UpdateStrategy, hookimpl
from validate_updates_batch.section import batches_section
from validate_updates_batch.settings import BatchSettings
from validate_updates_batch.strategy import apply_in_batches
from validate_updates_batch.tuning import tune


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """Size, what happens to a failed batch, the failure budget, publishing."""
    return BatchSettings


@hookimpl
def vu_strategy(settings: SettingsOf) -> UpdateStrategy:
    """Batches in key order."""
    return UpdateStrategy(
        name="batch",
        summary="batches that stand or fall alone; bad records are kept out with the reason",
        apply=partial(apply_in_batches, settings=settings[BatchSettings]),
        at_once=settings[BatchSettings].size,
    )


@hookimpl
def vu_sections(settings: SettingsOf) -> Iterable[ReportSection]:  # noqa: ARG001  # the hook's signature
    """Which batches were in trouble, and why."""
    yield ReportSection(name="batches", title="Batches", build=batches_section)


@hookimpl
def vu_subcommands(settings: SettingsOf) -> Iterable[Subcommand]:  # noqa: ARG001  # the hook's signature
    """Finding a size."""
    yield Subcommand(name="tune", summary="try sizes of batches on a copy of the table", function=tune)
