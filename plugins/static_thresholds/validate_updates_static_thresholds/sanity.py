"""Before an update: whether the database and the moment are fit for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from validate_updates import Context, Finding, Severity
from validate_updates_static_thresholds import queries
from validate_updates_static_thresholds.evidence import PLUGIN, not_checked, rows
from validate_updates_static_thresholds.settings import StaticThresholds

ORPHANS: Final = "foreign_key_orphans"
"""Metric: rows that point nowhere before the update, in ``total`` and for each foreign key."""
EVERY_KEY: Final = 1000
"""More foreign keys than a schema has: all of them are wanted."""


def table_missing(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """Tables that the settings name and the database does not have."""
    there = set(context.db.tables())
    for name in sorted({*limits.required_tables, *limits.minimum_rows} - there):
        yield Finding(
            code="table_missing",
            severity=Severity.CRITICAL,
            message=f"the table {name} is required and does not exist",
            hint="check that the target is the right database, or correct the table's name in the settings",
            table=name,
            expected="exists",
        )


def table_too_small(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """Tables with fewer rows than they must hold before an update; one that is missing is reported elsewhere."""
    there = set(context.db.tables())
    for name, least in sorted(limits.minimum_rows.items()):
        held = queries.rows_up_to(context, name, least) if name in there else least
        if held < least:
            yield Finding(
                code="table_too_small",
                severity=Severity.CRITICAL,
                message=f"the table {name} holds {rows(held)} before the update; it should hold at least {least}",
                hint=f"find out where its rows went, or lower {PLUGIN}.minimum_rows.{name}",
                table=name,
                observed=held,
                expected=f"at least {least}",
            )


def database_damaged(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """What the database itself finds damaged: its full check, or the quick one where there are many rows."""
    quick = _is_large(context, limits.full_integrity_rows)
    problems = context.db.integrity_problems(quick=quick)
    if problems:
        yield Finding(
            code="database_damaged",
            severity=Severity.CRITICAL,
            message=f"the database reports damage: {problems[0]}",
            hint="write nothing more to it; restore a sound copy",
            observed=len(problems),
            expected="0 problems",
            samples=tuple(problems[: queries.SAMPLES]),
        )


def count_orphans(context: Context) -> Mapping[str, float]:
    """The metric :data:`ORPHANS`. Taken before the update, so that only what the update adds counts against it."""
    orphans = context.db.foreign_key_orphans(EVERY_KEY)
    counts = {f"{table}.{foreign_key}": float(count) for table, foreign_key, count in orphans}
    return {"total": sum(counts.values()), **counts}


def orphans_before(context: Context, _limits: StaticThresholds) -> Iterator[Finding]:
    """Foreign keys that are broken already, as the metric has counted them."""
    total = context.metrics.get(f"{ORPHANS}.total")
    if total is None:
        yield not_checked("the foreign keys before the update are not judged: they could not be counted")
        return
    for name, count in sorted(context.metrics.items()):
        if name.startswith(f"{ORPHANS}.") and name != f"{ORPHANS}.total" and count:
            foreign_key = name.removeprefix(f"{ORPHANS}.")
            yield Finding(
                code="orphans_before",
                severity=Severity.WARNING,
                message=f"before the update {rows(int(count))} pointed nowhere by the foreign key {foreign_key}",
                hint="repair or remove them; they do not count against this update",
                table=foreign_key.partition(".")[0],
                metric=name,
                observed=int(count),
                expected="0",
            )


def last_run_recent(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """An update that comes soon after the one before: a schedule that fires twice, perhaps."""
    runs = context.history.runs(1)
    if not runs:
        return
    last, least = runs[0], limits.seconds_between_runs
    seconds = (context.run.as_of - last.started_at).total_seconds()
    if seconds < 0:
        yield not_checked(
            f"the time since the last update is not judged: the run {last.run_id} is dated after this one"
        )
    elif seconds < least:
        yield Finding(
            code="last_run_recent",
            severity=Severity.WARNING,
            message=f"the last update started {seconds:.0f} seconds before this one; {least} or more are expected",
            hint=f"see whether the job is scheduled twice, or lower {PLUGIN}.seconds_between_runs",
            observed=round(seconds, 1),
            expected=f"at least {least}",
            runs=(last.run_id,),
        )


def _is_large(context: Context, most: int) -> bool:
    """Whether the tables hold more than ``most`` rows together. No table is counted further than needed."""
    left = most
    for name in context.db.tables(stored=True):
        left -= queries.rows_up_to(context, name, left)
        if left < 0:
            return True
    return False
