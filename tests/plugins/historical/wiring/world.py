"""A feed of records into a real database, with as much past as a test asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from tests.core.engine.target import JOURNAL, Target
from validate_updates import Finding, RunResult, Severity
from validate_updates.past.bringing_in import Known, Settled, bring_in, settle
from validate_updates.past.labels import label_run
from validate_updates.past.log import PastRun, Reading
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database

NOW = datetime(2025, 7, 8, 12, tzinfo=UTC)
"""A Tuesday."""
TABLE = "CREATE TABLE t (id integer PRIMARY KEY, title text, chamber text, seats integer, day date)"


@dataclass
class Feed:
    """The table ``t`` and its updates."""

    target: Target
    given: int = field(default=0)

    def past(self, runs: Iterable[Mapping[str, float]], *, until: datetime = NOW) -> None:
        """Runs of another program with these metrics, a day apart, the last one the day before ``until``."""
        every = list(runs)
        first = until - timedelta(days=len(every))
        made = tuple(
            PastRun(started_at=first + timedelta(days=day), metrics=dict(metrics), number=day + 1)
            for day, metrics in enumerate(every)
        )

        def settled(known: Known) -> Settled:
            return settle(Reading(rows=len(made), runs=made, bad=()), known, "t")

        database = open_database(SecretUrl(self.target.url))
        with database.connect() as connection, database.transaction(connection):
            bring_in(connection, settled, task="t", table="t", source="log.csv", prefix=JOURNAL)
        database.engine.dispose()

    def label(self, run_id: str, label: str, *, until: datetime | None = None) -> None:
        from validate_updates.journal.tables import tables

        database = open_database(SecretUrl(self.target.url))
        with database.connect() as connection, database.transaction(connection):
            label_run(connection, tables(JOURNAL), run_id, label, now=NOW - timedelta(days=400), until=until)
        database.engine.dispose()

    def records(self, count: int, **cells: Any) -> list[dict[str, Any]]:
        """New records that nothing is the matter with."""
        self.given += count
        plain = {"title": "On the budget", "chamber": "House", "seats": 100, "day": "2025-07-08"}
        return [{"id": number, **plain, **cells} for number in range(self.given - count + 1, self.given + 1)]

    def update(
        self,
        records: Sequence[Mapping[str, Any]],
        *,
        at: datetime = NOW,
        plugins: tuple[str, ...] = ("historical",),
        static: Mapping[str, Any] | None = None,
        batch: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        **settings: Any,
    ) -> RunResult:
        tables = {"historical": settings, "static_thresholds": static or {}, "batch": batch or {}}
        return self.target.update(records, plugins=plugins, settings=tables, as_of=at, dry_run=dry_run)


def usual(runs: int, level: float = 200, *, seed: int = 1) -> list[dict[str, float]]:
    """Counts of records around a level."""
    return [{"records.read": float(count)} for count in np.random.default_rng(seed).poisson(level, runs)]


def codes(result: RunResult) -> list[str]:
    return [finding.code for finding in result.findings]


def unusual(result: RunResult, severity: Severity | None = None) -> dict[str, Finding]:
    """The alerts by metric."""
    return {
        str(finding.metric): finding
        for finding in result.findings
        if finding.code == "unusual" and severity in {None, finding.severity}
    }
