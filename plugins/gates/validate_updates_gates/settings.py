"""What can be set about gates: the table ``[plugins.gates]``, what each asks. Canary and monitoring have their own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from validate_updates import PluginSettings

Percent = Annotated[float, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=0)]


class Gates(PluginSettings, frozen=True, kw_only=True):
    """``[plugins.gates]``."""

    skipped_tests: Annotated[Count, Meta(description="tests skipped without a reason that are borne")] = 0
    trial_records: Annotated[int, Meta(ge=1, description="records that the update on trial has at least")] = 500
    trial_batches: Annotated[int, Meta(ge=1, description="batches that it has at least")] = 10
    trial_seconds: Annotated[float, Meta(gt=0, description="seconds that it must take less than")] = 5.0
    trial_success: Annotated[Percent, Meta(description="per cent of its batches that must be written whole")] = 95.0
    load_records: Annotated[int, Meta(ge=1, description="records of each update of the load test, at least")] = 1000
    load_batches: Annotated[int, Meta(ge=1, description="batches of each, at least")] = 100
    load_updates: Annotated[int, Meta(ge=1, description="updates at once, at least")] = 100
    load_slowdown: Annotated[
        float, Meta(ge=0, le=1000, description="per cent that updates at once may take longer than one after the other")
    ] = 10.0
    detection: Annotated[Percent, Meta(description="per cent of anomalies far outside that must be found")] = 90.0
    false_alarms: Annotated[Percent, Meta(description="per cent of good runs that may raise an alarm")] = 5.0
    decision_ms: Annotated[float, Meta(gt=0, description="milliseconds that a decision must take less than")] = 500.0
    history_days: Annotated[float, Meta(ge=0, description="days of history that there must be")] = 30.0
    dry_runs: Annotated[int, Meta(ge=1, description="dry runs, or runs in shadow, that a trial takes")] = 5
    failed_runs: Annotated[Count, Meta(description="of these, the failed ones that are borne")] = 0
    plugin_errors: Annotated[Count, Meta(description="and those in which a plugin failed")] = 0
    data_loss: Annotated[Count, Meta(description="and those whose counts do not add up")] = 0
    opposed: Annotated[Percent, Meta(description="per cent of them that a plugin may speak against wrongly")] = 5.0
    monitors: Annotated[tuple[str, ...], Meta(description="plugins whose criteria the gate monitoring asks")] = (
        "monitoring",
    )
    left_out: Annotated[tuple[str, ...], Meta(description="names of criteria that no gate asks")] = ()
