"""What can be set about judging an update by its past."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from validate_updates import PluginSettings


class Historical(PluginSettings, frozen=True, kw_only=True):
    """How often a good run may be called unusual, and how much past that needs."""

    false_alarm_rate: Annotated[
        float, Meta(gt=0, le=0.2, description="part of good runs that may raise an alert, over all metrics together")
    ] = 0.01
    on_alert: Annotated[
        Literal["warn", "reject", "hold"], Meta(description="what an alert does: warn, reject, or hold the update")
    ] = "warn"
    min_days: Annotated[
        int, Meta(ge=8, description="earlier runs from which alerts count; 17 is the least that was measured")
    ] = 30
    window: Annotated[int, Meta(ge=30, le=3650, description="most earlier runs that are looked at")] = 365
    floor_percent: Annotated[
        float, Meta(ge=0, description="smaller differences from the expected, in per cent, are no news")
    ] = 0.25
    floor_units: Annotated[
        float, Meta(ge=0, description="differences of a count up to this many of its units (1 of rows) are no news")
    ] = 1.0
