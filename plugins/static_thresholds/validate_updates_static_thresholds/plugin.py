"""Fixed limits for updates: what the plugin ``static_thresholds`` declares."""

from __future__ import annotations

from collections.abc import Iterable

from validate_updates import Metric, PluginSettings, SettingsOf, Validator, hookimpl
from validate_updates_static_thresholds import catalogue
from validate_updates_static_thresholds.settings import StaticThresholds


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """The limits."""
    return StaticThresholds


@hookimpl
def vu_validators(settings: SettingsOf) -> Iterable[Validator]:
    """The checks under these limits."""
    return catalogue.validators(settings[StaticThresholds])


@hookimpl
def vu_metrics(settings: SettingsOf) -> Iterable[Metric]:
    """The numbers that the checks rest on."""
    return catalogue.metrics(settings[StaticThresholds])
