"""Judging an update by its past: what the plugin ``historical`` declares."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from validate_updates import (
    Answer,
    Backtest,
    History,
    Metric,
    PluginSettings,
    Report,
    ReportContext,
    ReportSection,
    Section,
    SettingsOf,
    Validator,
    hookimpl,
)
from validate_updates_historical import metrics, validators
from validate_updates_historical.section import past_section
from validate_updates_historical.settings import Historical


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """The false-alarm rate, what is watched, the calendar, and how much past is needed."""
    return Historical


@hookimpl
def vu_validators(settings: SettingsOf) -> Iterable[Validator]:
    """A look at the plan and one at the result; and the fixed limits for as long as the past is short."""
    return validators.validators(settings)


@hookimpl
def vu_metrics(settings: SettingsOf) -> Iterable[Metric]:
    """Shares, means and groups of what the records carry."""
    return metrics.metrics(settings[Historical])


@hookimpl
def vu_sections(settings: SettingsOf) -> Iterable[ReportSection]:  # noqa: ARG001  # the hook's signature
    """The unusual numbers, with their latest values."""
    yield ReportSection(name="past", title="Compared with earlier updates", build=past_section)


@hookimpl
def vu_backtests(settings: SettingsOf) -> Iterable[Backtest]:
    """The stored history judged again, run by run."""
    replay = partial(_replayed, settings[Historical])
    yield Backtest(name="alerts", replay=replay, summary="which of the last runs would raise an alert")


@hookimpl
def vu_reports(settings: SettingsOf) -> Iterable[Report]:
    """The numbers over time, added to the reports of what has happened."""
    build = partial(_charts, settings[Historical])
    for name in ("daily", "weekly", "retrospective"):
        yield Report(name=name, extends=True, build=build, summary="the numbers, and what was expected of them")


def _charts(settings: Historical, context: ReportContext) -> Answer:
    from validate_updates_historical.reporting import charts

    return charts(context, settings)


def _replayed(settings: Historical, history: History, runs: int) -> Section:
    from validate_updates_historical.replaying import backtest

    return backtest(settings)(history, runs).section
