"""Judging an update by its past: what the plugin ``historical`` declares."""

from __future__ import annotations

from validate_updates import PluginSettings, hookimpl
from validate_updates_historical.settings import Historical


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """The false-alarm rate, and how much past is needed."""
    return Historical
