"""What can be set about watching: the table ``[plugins.monitoring]``, the criteria by which runs are judged."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from validate_updates import PluginSettings

Percent = Annotated[float, Meta(ge=0, le=100)]


class Monitoring(PluginSettings, frozen=True, kw_only=True):
    """``[plugins.monitoring]``."""

    batch_success: Annotated[Percent, Meta(description="per cent of batches that must be written whole")] = 95.0
    good_records: Annotated[Percent, Meta(description="per cent of good records that must be committed")] = 95.0
    alerts: Annotated[Percent, Meta(description="per cent of runs that may raise an alert")] = 5.0
    false_alarms: Annotated[Percent, Meta(description="per cent of runs that may raise one for nothing")] = 5.0
    overhead: Annotated[float, Meta(ge=0, le=1000, description="per cent by which the plugins may slow runs down")] = (
        10.0
    )
    least_seconds: Annotated[float, Meta(ge=0, description="seconds below which slower is not slower")] = 0.5
    watched: Annotated[tuple[str, ...], Meta(description="the plugins whose cost is measured")] = (
        "batch",
        "historical",
    )
    failed_runs: Annotated[int, Meta(ge=0, description="failed or interrupted runs that are borne")] = 0
    data_loss: Annotated[int, Meta(ge=0, description="runs whose counts do not add up that are borne")] = 0
    degraded_hours: Annotated[float, Meta(gt=0, description="without a successful run until a task is degraded")] = 30.0
    unhealthy_hours: Annotated[float, Meta(gt=0, description="without a successful run until it is unhealthy")] = 48.0
    least_runs: Annotated[int, Meta(ge=1, description="runs below which nothing is concluded from a rate")] = 5

    def __post_init__(self) -> None:
        if self.unhealthy_hours < self.degraded_hours:
            raise ValueError("unhealthy_hours is less than degraded_hours")
