"""``validate-updates batch tune``: which size of batch suits a feed, tried on a copy of the table."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from math import ceil, log2
from typing import Annotated

from validate_updates import ExitCode, RunError, RunResult, Section, UsageError, run
from validate_updates_batch.settings import OnFailure

SIZES = "10,25,50,100,250,1000"


@dataclass(frozen=True, slots=True)
class Trial:
    """One size, tried."""

    size: int
    records: int
    batches: int
    seconds: float
    """Of the whole update."""
    applying: float
    """Seconds of them in which batches were written."""

    def cells(self) -> tuple[str, ...]:
        """As a row of the report."""
        each = self.applying / max(self.batches, 1) * 1000
        # Each halving writes the batch once more; that is what taking it apart costs at most.
        apart = each * max(ceil(log2(self.size)), 1)
        return (
            str(self.size),
            str(self.batches),
            f"{self.records / self.seconds:,.0f}" if self.seconds else "",
            f"{each:.1f}",
            f"+{apart:.0f} ms",
            f"{min(self.size, self.records) - 1}",
        )


@dataclass(frozen=True, slots=True)
class Feed:
    """What is tried: records, and the table that they are for."""

    source: str
    target: str
    table: str
    key: tuple[str, ...]
    schema: str | None


def tune(
    source: Annotated[str, "the records to try it with"],
    *,
    target: Annotated[str, "URL of the database; it is only read"] = "",
    table: Annotated[str, "the table; a copy of it is updated"] = "",
    key: Annotated[str, "columns that identify a record, by commas"] = "",
    schema: Annotated[str, "schema of the table (PostgreSQL)"] = "",
    sizes: Annotated[str, "sizes to try, by commas"] = SIZES,
) -> Section:
    """Apply a source to a copy of the table in batches of several sizes, and tell what each costs."""
    if not target or not table:
        raise UsageError("the table is not named", hint="batch tune RECORDS --target URL --table TABLE")
    names = tuple(part.strip() for part in key.split(",") if part.strip())
    feed = Feed(source, target, table, names, schema or None)
    wanted = _sizes(sizes)
    _tried(wanted[0], feed)  # the first run pays for what is loaded only once
    trials = [_tried(size, feed) for size in wanted]
    if not trials[0].batches:
        raise UsageError("nothing to try: the table has all of these records already", hint="give newer records")
    return Section(
        title="Sizes of batches, tried on a copy",
        header=("size", "batches", "records/s", "ms a batch", "isolate", "skip"),
        rows=tuple(trial.cells() for trial in trials),
        lines=(
            "isolate: what one bad record costs at most; skip: the good records that go with it",
            "the size is set in the settings: [plugins.batch] size = 50",
        ),
    )


def _sizes(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and 1 <= int(part) <= 1_000_000 for part in parts):
        raise UsageError(f"--sizes {text!r} is no list of sizes", hint=f"whole numbers by commas: --sizes {SIZES}")
    return [int(part) for part in parts]


def _tried(size: int, feed: Feed) -> Trial:
    import sqlalchemy as sa

    from validate_updates_batch.scratch import scratch_copy

    lenient = {"size": size, "on_failure": OnFailure.ISOLATE, "max_failed_batches": "100 %", "max_quarantined": "100 %"}
    try:
        with scratch_copy(feed.target, feed.table, feed.schema) as (copy, schema):
            result = run(
                feed.source,
                target=copy,
                table=feed.table,
                key=feed.key,
                schema=schema,
                plugins=("batch",),
                settings={"batch": lenient},
            )
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        code = type(getattr(error, "orig", error)).__name__
        raise RunError(
            f"the table {feed.table} cannot be copied [{code}]", hint="check --target and --table"
        ) from error
    return _trial(size, result)


def _trial(size: int, result: RunResult) -> Trial:
    if result.exit_code not in {ExitCode.OK, ExitCode.PARTIAL}:
        raise RunError(f"batches of {size}: {result.verdict}: {result.reason}")
    return Trial(
        size=size,
        records=result.counts.read,
        batches=int(result.metrics.get("batches.planned", 0)),
        seconds=result.seconds,
        applying=dict(result.timings).get("apply", 0.0),
    )
