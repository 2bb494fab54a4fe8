"""What can be set about watching: the table ``[plugins.monitoring]``, the criteria by which runs are judged."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from validate_updates import PluginSettings

Percent = Annotated[float, Meta(ge=0, le=100)]


class Severity1(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.monitoring.severity_1]``: data lost or damaged, a crash or a hang, much of an update not written."""

    batches_failed: Annotated[
        Percent, Meta(description="per cent of an update's batches; more are of this severity")
    ] = 20.0
    corruption: Annotated[tuple[str, ...], Meta(description="codes of findings that mean damage")] = (
        "database_damaged",
        "rows_not_landed",
    )
    disable: Annotated[tuple[str, ...], Meta(description="plugins that are switched off, beside those at fault")] = (
        "batch",
        "historical",
    )
    auto_rollback: Annotated[bool, Meta(description="whether a run that is not to be relied on is taken back")] = False


class Severity2(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.monitoring.severity_2]``: the plugin at fault is switched off."""

    batches_failed: Annotated[
        Percent, Meta(description="per cent of an update's batches; more are of this severity")
    ] = 5.0
    false_alarms: Annotated[Percent, Meta(description="per cent of a plugin's runs; more are of this severity")] = 10.0
    slowdown: Annotated[float, Meta(ge=0, le=1000, description="per cent; more is of this severity")] = 20.0


class Severity3(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.monitoring.severity_3]``: somebody is told."""

    false_alarms: Annotated[Percent, Meta(description="per cent of a plugin's runs, from which on it is told")] = 5.0
    slowdown: Annotated[float, Meta(ge=0, le=1000, description="per cent from which on it is told")] = 10.0


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

    severity_days: Annotated[
        float, Meta(gt=0, le=36_500, description="days over which false alarms and slowness are counted")
    ] = 7.0
    incidents: Annotated[
        str, Meta(description="folder for the reports of severity 1; none unless it has a name", extra={"path": True})
    ] = "incidents"
    severity_1: Severity1 = Severity1()
    severity_2: Severity2 = Severity2()
    severity_3: Severity3 = Severity3()

    def __post_init__(self) -> None:
        if self.unhealthy_hours < self.degraded_hours:
            raise ValueError("unhealthy_hours is less than degraded_hours")
        one, two, three = self.severity_1, self.severity_2, self.severity_3
        if one.batches_failed < two.batches_failed:
            raise ValueError("batches_failed of severity_1 is less than that of severity_2")
        if two.false_alarms < three.false_alarms or two.slowdown < three.slowdown:
            raise ValueError("a limit of severity_2 is less than that of severity_3")
