"""A context over a real database: tables, staged records, a plan. What the engine makes in a run, without a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from validate_updates import Column, Context, Counts, EarlierRun, Finding, Kind, Moment, RunInfo, TargetTable

NOW = datetime(2025, 7, 8, 12, tzinfo=UTC)
NO_DATABASE = cast("Any", None)
"""For checks that must not need one: any use of it fails the test."""

METADATA = sa.MetaData()
COMMITTEES = sa.Table("committees", METADATA, sa.Column("committee_id", sa.Integer, primary_key=True))
_CELLS = (
    ("event_id", sa.Text, Kind.TEXT),
    ("title", sa.Text, Kind.TEXT),
    ("location", sa.Text, Kind.TEXT),
    ("status", sa.Text, Kind.TEXT),
    ("hearing_date", sa.Date, Kind.DATE),
    ("update_date", sa.TIMESTAMP, Kind.TIMESTAMP),
    ("seats", sa.Integer, Kind.INTEGER),
    ("committee_id", sa.Integer, Kind.INTEGER),
)
HEARINGS = sa.Table("hearings", METADATA, *(sa.Column(name, kind) for name, kind, _ in _CELLS))
STAGING = sa.MetaData()
STAGED = sa.Table(
    "staged",
    STAGING,
    sa.Column("vu_row", sa.Integer, primary_key=True),
    sa.Column("vu_seq", sa.Integer),
    *(sa.Column(name, kind) for name, kind, _ in _CELLS),
    prefixes=["TEMPORARY"],
)
PLANNED = sa.Table(
    "planned",
    STAGING,
    sa.Column("pos", sa.Integer, primary_key=True),
    sa.Column("row", sa.Integer),
    sa.Column("action", sa.String(1)),
    prefixes=["TEMPORARY"],
)
TARGET = TargetTable(
    name="hearings",
    schema=None,
    columns=tuple(Column(name=name, kind=kind, type=str(sql)) for name, sql, kind in _CELLS),
    key=("event_id",),
    primary_key=(),
    unique=(),
    sql=HEARINGS,
)


@dataclass(frozen=True)
class Runs:
    """A history of runs that all stood."""

    earlier: Sequence[EarlierRun] = ()

    def runs(self, limit: int = 30, *, committed: bool = True) -> Sequence[EarlierRun]:
        assert committed, "no check asks for runs that did not stand"
        return self.earlier[:limit]

    def metric(self, name: str, limit: int = 30) -> Sequence[tuple[str, float]]:
        raise AssertionError(f"no check asks for the last {limit} values of {name}")

    def metrics(
        self, patterns: Sequence[str] = ("*",), limit: int = 30, *, committed: bool = True
    ) -> Mapping[str, Mapping[str, float]]:
        raise AssertionError(f"no check asks for the last {limit} values of {patterns} ({committed=})")


def earlier(*counts: Counts, seconds_ago: float = 86_400) -> Runs:
    """Earlier runs with these counts, newest first, a day apart: ``run-1`` is the newest."""
    start = NOW - timedelta(seconds=seconds_ago)
    return Runs(
        [
            EarlierRun(
                run_id=f"run-{days + 1}",
                state="committed",
                started_at=start - timedelta(days=days),
                seconds=1.0,
                counts=one,
            )
            for days, one in enumerate(counts)
        ]
    )


@dataclass(frozen=True)
class Connected:
    """A reader over an open connection, with nothing of the engine's guard."""

    connection: sa.Connection
    damage: Sequence[str] = ()
    asked: list[str] = field(default_factory=list)

    def table(self, name: str) -> sa.Table:
        return sa.Table(name, sa.MetaData(), autoload_with=self.connection)

    def tables(self, *, stored: bool = False) -> Sequence[str]:  # noqa: ARG002  # there are no others
        return sa.inspect(self.connection).get_table_names()

    def rows(self, statement: sa.Executable, limit: int = 1000) -> Sequence[sa.Row[Any]]:
        return self.connection.execute(statement).fetchmany(limit)

    def scalar(self, statement: sa.Executable) -> Any:
        return self.connection.execute(statement).scalar()

    def check_sql(self, sql: str) -> Any:
        self.asked.append(sql)
        return self.connection.exec_driver_sql(sql).scalar()

    def integrity_problems(self, *, quick: bool = False, limit: int = 20) -> Sequence[str]:
        self.asked.append("quick" if quick else "full")
        return self.damage[:limit]

    def foreign_key_orphans(self, limit: int = 20) -> Sequence[tuple[str, str, int]]:
        home = sa.select(COMMITTEES.c.committee_id)
        lost = sa.select(sa.func.count()).select_from(HEARINGS).where(HEARINGS.c.committee_id.not_in(home))
        count = self.scalar(lost)
        return [("hearings", "committee_id -> committees", count)][:limit] if count else []


@dataclass
class World:
    """A database with the tables of this module, and records on their way into it."""

    connection: sa.Connection
    staged: int = 0

    @property
    def reader(self) -> Connected:
        return Connected(self.connection)

    def hold(self, *rows: Mapping[str, Any]) -> None:
        """Rows that the target holds."""
        if rows:
            self.connection.execute(
                sa.insert(HEARINGS), [{name: row.get(name) for name in TARGET.names} for row in rows]
            )

    def stage(self, *records: Mapping[str, Any], write: bool = True) -> None:
        """Records in staging; unless they are unchanged, also in the plan."""
        for record in records:
            self.staged += 1
            number = {"vu_row": self.staged, "vu_seq": self.staged}
            self.connection.execute(sa.insert(STAGED), number | dict(record))
            if write:
                self.connection.execute(sa.insert(PLANNED), {"pos": self.staged, "row": self.staged, "action": "I"})

    def delete(self, row: int) -> None:
        """A planned delete. Its number is none of a record, though it may look like one."""
        self.staged += 1
        self.connection.execute(sa.insert(PLANNED), {"pos": self.staged, "row": row, "action": "D"})

    def context(self, **options: Any) -> Context:
        return context(**{"db": self.reader, **options})


def context(
    *,
    moment: Moment = Moment.PLAN,
    counts: Counts | None = None,
    history: Runs | None = None,
    metrics: Mapping[str, float] | None = None,
    target: TargetTable = TARGET,
    columns: tuple[str, ...] = TARGET.names,
    as_of: datetime = NOW,
    db: Any = NO_DATABASE,
) -> Context:
    """A context in which only what a test is about is not the plainest thing possible."""
    return Context(
        moment=moment,
        run=RunInfo(run_id="run-0", task="hearings", source="records.jsonl", as_of=as_of),
        target=target,
        columns=columns,
        counts=counts or Counts(),
        metrics=metrics or {},
        history=history or Runs(),
        db=db,
        staged=STAGED,
        planned=PLANNED,
    )


def hearing(number: int, **cells: Any) -> dict[str, Any]:
    """A record that no check minds."""
    plain = {
        "event_id": f"e{number}",
        "title": f"Hearing {number} on the budget of the year after next",
        "location": f"Room {number}",
        "status": "Scheduled",
        "hearing_date": date(2025, 7, 8),
        "update_date": datetime(2025, 7, 8, 9, 30),  # noqa: DTZ001  # a timestamp without a zone
        "seats": 100,
        "committee_id": 1,
    }
    return plain | cells


def codes(findings: Sequence[Finding]) -> list[str]:
    return [finding.code for finding in findings]
