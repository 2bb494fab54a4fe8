"""What can be set about judging an update by its past."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta

from validate_updates import PluginSettings
from validate_updates_historical.seasons import Calendar

DEFAULT_WATCH: Final = ("records.*", "errors.percent", "columns.missing.*", "groups.*")


class Historical(PluginSettings, frozen=True, kw_only=True):
    """How often a good run may be called unusual, and how much past that needs."""

    false_alarm_rate: Annotated[
        float, Meta(gt=0, le=0.2, description="part of good runs that may raise an alert, over all metrics together")
    ] = 0.01
    on_alert: Annotated[
        Literal["warn", "reject", "hold"], Meta(description="what an alert does: warn, reject, or hold the update")
    ] = "warn"
    watch: Annotated[
        tuple[str, ...],
        Meta(description="metrics to judge; * is any text. Those of columns are measured only if they are watched"),
    ] = DEFAULT_WATCH
    group_by: Annotated[
        tuple[str, ...], Meta(description="columns whose values are counted, each as the metric groups.COLUMN.VALUE")
    ] = ()
    least_records: Annotated[
        int, Meta(ge=1, description="records from which shares and means are taken: those of a few say nothing")
    ] = 20
    calendar: Annotated[Calendar, Meta(description="recesses, holidays, month ends")] = Calendar()
    min_days: Annotated[
        int, Meta(ge=8, description="earlier runs from which alerts count; 17 is the least that was measured")
    ] = 30
    window: Annotated[int, Meta(ge=30, le=3650, description="most earlier runs that are looked at")] = 365
    floor_percent: Annotated[
        float,
        Meta(
            ge=0, description="smaller differences from the expected, in per cent, are no news, but for totals of rows"
        ),
    ] = 0.25
    floor_units: Annotated[
        float, Meta(ge=0, description="differences of a count up to this many of its units (1 of rows) are no news")
    ] = 1.0
