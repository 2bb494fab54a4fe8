"""Rules for records: what the plugin ``rules`` declares."""

from __future__ import annotations

from collections.abc import Iterable

from validate_updates import PluginSettings, SettingsOf, Subcommand, Validator, hookimpl
from validate_updates_rules.catalogue import validators
from validate_updates_rules.settings import RulesSettings
from validate_updates_rules.suggesting import suggest


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """The rules."""
    return RulesSettings


@hookimpl
def vu_validators(settings: SettingsOf) -> Iterable[Validator]:
    """All rules in one check."""
    return validators(settings[RulesSettings])


@hookimpl
def vu_subcommands(settings: SettingsOf) -> Iterable[Subcommand]:  # noqa: ARG001  # the hook's signature
    """Proposing rules."""
    yield Subcommand(name="suggest", summary="propose rules from a table's schema and rows", function=suggest)
