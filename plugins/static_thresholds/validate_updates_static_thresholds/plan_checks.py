"""What an update is about to do, against fixed limits and against the averages of earlier updates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from validate_updates import Context, Counts, Finding, Severity
from validate_updates_static_thresholds.evidence import PLUGIN, earlier_runs, ids, not_checked, number, records
from validate_updates_static_thresholds.settings import StaticThresholds

_LOOK: Final = "look at the source"


def rows_added_high(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """More records to add than an update may ever add."""
    added, most = context.counts.inserted, limits.added_most
    if added > most:
        yield Finding(
            code="rows_added_high",
            severity=Severity.CRITICAL,
            message=f"the update would add {records(added)}; at most {most} are allowed",
            hint=f"{_LOOK}; if all of them belong there, as in a first load, raise {PLUGIN}.added_most",
            table=context.target.name,
            metric="records.inserted",
            observed=added,
            expected=f"at most {most}",
        )


def rows_added_above_average(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """Many more records to add than the earlier updates that added any."""
    added = context.counts.inserted
    if added <= limits.added_floor:
        return
    runs = earlier_runs(context, limits.average_runs, lambda counts: counts.inserted)
    if not runs:
        yield not_checked("the records added are not compared with an average: no earlier update has added any")
        return
    average = sum(run.counts.inserted for run in runs) / len(runs)
    if added / average > limits.added_ratio:
        most = number(limits.added_ratio)
        yield Finding(
            code="rows_added_above_average",
            severity=Severity.CRITICAL,
            message=f"the update would add {records(added)}, {added / average:.1f} times the average of {average:.1f}"
            f" of {_earlier(len(runs), 'that added any')}; at most {most} times is expected",
            hint=f"{_LOOK}; if all of them belong there, raise {PLUGIN}.added_ratio or {PLUGIN}.added_floor",
            table=context.target.name,
            metric="records.inserted",
            observed=added,
            expected=f"at most {number(limits.added_ratio * average)}",
            runs=ids(runs),
        )


def rows_changed_low(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """Far fewer records to change than in earlier updates: a source that has dried up, or been cut short."""
    changed = _changed(context.counts)
    runs = earlier_runs(context, limits.average_runs, _changed)
    if len(runs) < limits.changed_runs:
        yield not_checked(
            "the records changed are not compared with an average:"
            f" {len(runs)} of {limits.changed_runs} earlier updates needed have changed any"
        )
        return
    average = sum(_changed(run.counts) for run in runs) / len(runs)
    if changed / average < limits.changed_ratio:
        least = number(limits.changed_ratio)
        yield Finding(
            code="rows_changed_low",
            severity=Severity.WARNING,
            message=f"the update would change {records(changed)}; {_earlier(len(runs), 'that changed any')} changed"
            f" {average:.1f} on average, and at least {least} times that is expected",
            hint=f"see whether the source is complete; if quiet days are normal, lower {PLUGIN}.changed_ratio",
            table=context.target.name,
            observed=changed,
            expected=f"at least {number(limits.changed_ratio * average)}",
            runs=ids(runs),
        )


def error_rate_high(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """Too many of the records read are in quarantine."""
    counts, most = context.counts, number(limits.errors_percent)
    if counts.read and counts.quarantined * 100 / counts.read > limits.errors_percent:
        percent = counts.quarantined * 100 / counts.read
        yield Finding(
            code="error_rate_high",
            severity=Severity.CRITICAL,
            message=f"{counts.quarantined} of {records(counts.read)} cannot be used, {percent:.4g} %;"
            f" at most {most} % is allowed",
            hint=f"see why they are in quarantine and repair the source; {PLUGIN}.errors_percent sets the limit",
            table=context.target.name,
            observed=round(percent, 4),
            expected=f"at most {most} %",
        )


def error_rate_above_average(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """A share of records in quarantine well above that of earlier updates."""
    counts = context.counts
    if counts.quarantined < limits.errors_floor:
        return
    runs = earlier_runs(context, limits.average_runs, lambda counts: counts.read)
    if not runs:
        yield not_checked("the error rate is not compared with an average: there is no earlier update")
        return
    read, bad = sum(run.counts.read for run in runs), sum(run.counts.quarantined for run in runs)
    # Multiplied out, so that an average of zero needs no case of its own.
    if counts.quarantined * read > limits.errors_ratio * bad * counts.read:
        percent, average, most = counts.quarantined * 100 / counts.read, bad * 100 / read, number(limits.errors_ratio)
        yield Finding(
            code="error_rate_above_average",
            severity=Severity.WARNING,
            message=f"{percent:.4g} % of the records cannot be used; in {_earlier(len(runs))} it was {average:.4g} %"
            f" on average, and at most {most} times that is expected",
            hint="see why they are in quarantine; a change in the source's format is the usual cause",
            table=context.target.name,
            observed=round(percent, 4),
            expected=f"at most {limits.errors_ratio * average:.4g} %",
            runs=ids(runs),
        )


def source_empty(context: Context, _limits: StaticThresholds) -> Iterator[Finding]:
    """A source without a single record."""
    if not context.counts.read:
        yield Finding(
            code="source_empty",
            severity=Severity.WARNING,
            message="the source holds no records",
            hint="if that is not normal for this source, see whether the download before this update failed",
            metric="records.read",
            observed=0,
            expected="at least 1",
        )


def every_record_changed(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """All records that have a row in the table would change it: a new format, or a clock column, rather than news.

    A source that only ever sends what has changed is left alone: one whose earlier updates met rows of the table, and
    changed every one.
    """
    known = _known(context.counts)
    if context.counts.unchanged or known < limits.every_changed_floor:
        return
    runs = earlier_runs(context, limits.average_runs, _known)
    if runs and not any(run.counts.unchanged for run in runs):
        return
    yield Finding(
        code="every_record_changed",
        severity=Severity.WARNING,
        message=f"all {known} records that have a row in {context.target.name} would change it;"
        " usually some are just like their row",
        hint="look at a few changes: has the source's format changed, or does a column hold the time of the export?",
        table=context.target.name,
        metric="records.unchanged",
        observed=0,
        expected="at least 1",
        runs=ids(runs),
    )


def _changed(counts: Counts) -> int:
    return counts.inserted + counts.updated + counts.deleted


def _known(counts: Counts) -> int:
    return counts.updated + counts.unchanged


def _earlier(count: int, which: str = "") -> str:
    """``the last update``, ``the last 3 updates that added any``."""
    return f"the last {'update' if count == 1 else f'{count} updates'} {which}".rstrip()
