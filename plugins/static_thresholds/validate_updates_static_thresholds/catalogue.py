"""All checks of this plugin in the order of an update, with their names, moments and summaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial, wraps
from typing import Final

from validate_updates import Context, Finding, Metric, Moment, Validator
from validate_updates_static_thresholds import plan_checks, record_checks, result_checks, sanity, sql_checks
from validate_updates_static_thresholds.evidence import not_checked
from validate_updates_static_thresholds.settings import StaticThresholds

_Judge = Callable[[Context, StaticThresholds], Iterable[Finding]]
_WHOLE_DATABASE: Final = 600.0
"""Seconds for a check that reads all of the database."""


def validators(limits: StaticThresholds) -> Iterator[Validator]:
    """The checks under these limits. One that the settings give nothing to look at is not among them."""
    if limits.required_tables or limits.minimum_rows:
        yield _at_plan(limits, sanity.table_missing, "tables that must exist")
    if limits.minimum_rows:
        yield _at_plan(limits, sanity.table_too_small, "rows that tables must hold before an update")
    yield _at_plan(limits, sanity.database_damaged, "what the database finds damaged", time_limit=_WHOLE_DATABASE)
    yield _at_plan(limits, sanity.orphans_before, "foreign keys broken before the update")
    yield _at_plan(limits, _not_of_replays(sanity.last_run_recent), "time since the last update")
    yield _at_plan(limits, plan_checks.source_empty, "a source without records")
    yield _at_plan(limits, plan_checks.rows_added_high, "records added, against a fixed limit")
    yield _at_plan(limits, plan_checks.rows_added_above_average, "records added, against the average")
    yield _at_plan(limits, _not_of_replays(plan_checks.rows_changed_low), "records changed, against the average")
    yield _at_plan(
        limits, _not_of_replays(plan_checks.error_rate_high), "share of records in quarantine, against a fixed limit"
    )
    yield _at_plan(
        limits,
        _not_of_replays(plan_checks.error_rate_above_average),
        "share of records in quarantine, against the average",
    )
    yield _at_plan(limits, _not_of_replays(plan_checks.every_record_changed), "whether any record is as it was")
    yield _at_plan(limits, record_checks.values_missing, "empty values in the columns of the records")
    yield _at_result(limits, result_checks.table_left_empty, "rows left in the table")
    yield _at_result(
        limits, result_checks.foreign_keys_violated, "foreign keys broken by the update", time_limit=_WHOLE_DATABASE
    )
    yield _at_result(limits, result_checks.keys_duplicated, "keys in more than one row")
    yield _at_result(limits, record_checks.dates_out_of_range, "dates far ahead or back")
    yield _at_result(limits, record_checks.text_repeated, "one text in many records")
    for check in limits.checks:
        judge = partial(sql_checks.judge, check)
        yield Validator(
            name=f"check.{check.name}", moment=Moment.RESULT, check=judge, summary=check.message or "a check of yours"
        )


def metrics(limits: StaticThresholds) -> Iterator[Metric]:
    """The numbers that the checks rest on and that are worth keeping."""
    yield Metric(
        name=sanity.ORPHANS,
        summary="rows that pointed nowhere before the update, by foreign key",
        measure=sanity.count_orphans,
    )
    yield Metric(
        name=record_checks.VALUES,
        summary="the records to be written, and by column: values missing, dates out of range, length of texts",
        measure=partial(record_checks.measure_values, limits),
    )
    for check in limits.checks:
        yield Metric(
            name=sql_checks.metric_name(check),
            summary=check.message or f"the number of the SQL check {check.name}",
            measure=partial(sql_checks.measure, check),
            moment=Moment.RESULT,
        )


def weighed(judge: _Judge, limits: StaticThresholds, context: Context) -> Iterator[Finding]:
    """The findings of a check, with the severities that the settings give to their codes."""
    for finding in judge(context, limits):
        yield replace(finding, severity=limits.severities.get(finding.code, finding.severity))


def _not_of_replays(judge: _Judge) -> _Judge:
    """A check of what updates usually are. Records from the quarantine are few, and bad ones are no news among them."""

    @wraps(judge)
    def check(context: Context, limits: StaticThresholds) -> Iterable[Finding]:
        if context.run.kind == "replay":
            return [not_checked(f"{judge.__name__} is not asked about a replay")]
        return judge(context, limits)

    return check


def _at_plan(limits: StaticThresholds, judge: _Judge, summary: str, *, time_limit: float = 60.0) -> Validator:
    return _validator(Moment.PLAN, limits, judge, summary, time_limit)


def _at_result(limits: StaticThresholds, judge: _Judge, summary: str, *, time_limit: float = 60.0) -> Validator:
    return _validator(Moment.RESULT, limits, judge, summary, time_limit)


def _validator(moment: Moment, limits: StaticThresholds, judge: _Judge, summary: str, time_limit: float) -> Validator:
    check = partial(weighed, judge, limits)
    return Validator(name=judge.__name__, moment=moment, check=check, summary=summary, time_limit=time_limit)
