"""What can be set about canaries: the table ``[plugins.canary]``, the criteria by which one is judged."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from validate_updates import PluginSettings

Percent = Annotated[float, Meta(ge=0, le=1000)]


class CanarySettings(PluginSettings, frozen=True, kw_only=True):
    """``[plugins.canary]``."""

    errors: Annotated[int, Meta(ge=0, description="failures of the plugins on trial that are borne")] = 0
    data_loss: Annotated[int, Meta(ge=0, description="runs whose counts do not add up that are borne")] = 0
    slowdown: Annotated[Percent, Meta(description="per cent by which runs may become slower")] = 10.0
    least_seconds: Annotated[float, Meta(ge=0, description="seconds below which slower is not slower")] = 0.5
    false_alarms: Annotated[
        Percent, Meta(description="per cent of runs that may raise an alert without being an incident")
    ] = 5.0
    least_runs: Annotated[int, Meta(ge=1, description="runs below which nothing is concluded from a rate")] = 5
