"""After an update, before the commit: whether the target is still in order."""

from __future__ import annotations

from collections.abc import Iterator

from validate_updates import Context, Finding, Severity
from validate_updates_static_thresholds import queries
from validate_updates_static_thresholds.evidence import rows
from validate_updates_static_thresholds.sanity import EVERY_KEY, ORPHANS
from validate_updates_static_thresholds.settings import StaticThresholds


def table_left_empty(context: Context, _limits: StaticThresholds) -> Iterator[Finding]:
    """The target has no rows, though it had some or records came. Empty before and nothing read is no fault."""
    counts, name = context.counts, context.target.name
    if (counts.read or counts.deleted) and not queries.rows_up_to(context, name, 0):
        yield Finding(
            code="table_left_empty",
            severity=Severity.CRITICAL,
            message=f"the update would leave the table {name} empty:"
            f" {counts.read} read, {counts.quarantined} in quarantine, {counts.deleted} deleted",
            hint="see why no record could be used, or why the source no longer has the rows it had",
            table=name,
            observed=0,
            expected="at least 1",
        )


def foreign_keys_violated(context: Context, _limits: StaticThresholds) -> Iterator[Finding]:
    """More rows point nowhere than before the update. What was broken already is a warning of another check."""
    for table, foreign_key, count in context.db.foreign_key_orphans(EVERY_KEY):
        name = f"{ORPHANS}.{table}.{foreign_key}"
        before = int(context.metrics.get(name, 0))
        if count > before:
            yield Finding(
                code="foreign_keys_violated",
                severity=Severity.CRITICAL,
                message=f"after the update {rows(count)} of {table} would point nowhere by the foreign key"
                f" {foreign_key}; before it there were {before}",
                hint="bring the rows they point to first, or correct the references in the source",
                table=table,
                metric=name,
                observed=count,
                expected=f"at most {before}",
            )


def keys_duplicated(context: Context, _limits: StaticThresholds) -> Iterator[Finding]:
    """Keys that stand in more than one row. Where a constraint forbids that, the database has answered already."""
    key = set(context.target.key)
    if any(key.issuperset(columns) for columns in context.target.unique):
        return
    count, samples = queries.duplicated_keys(context)
    if count:
        subject = "1 key stands" if count == 1 else f"{count} keys stand"
        yield Finding(
            code="keys_duplicated",
            severity=Severity.CRITICAL,
            message=f"{subject} in more than one row of {context.target.name}, such as {samples[0]}",
            hint=f"remove the surplus rows and put a unique constraint on {', '.join(context.target.key)}",
            table=context.target.name,
            observed=count,
            expected="0",
            samples=tuple(samples),
        )
