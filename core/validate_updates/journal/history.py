"""The journal as validators see it: earlier runs of one task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import sqlalchemy as sa

from validate_updates.context import EarlierRun
from validate_updates.journal.rows import RunKind, RunState
from validate_updates.journal.tables import JournalTables
from validate_updates.journal.texts import stored
from validate_updates.result import Counts

INCIDENT: Final = "incident"
"""Label of a run that was wrong though it was committed: no example for later ones."""
EXPECTED: Final = "expected"
"""Label of a run that looked unusual and was right: an example like others, and the like is no news."""

_OF_A_RUN = ("run_id", "state", "started_at", "seconds", "kind", "label", "label_until")
_COUNTS = tuple(field.name for field in fields(Counts))
_STOOD = (RunState.COMMITTED, RunState.COMMITTED_WITH_QUARANTINE)
_NO_UPDATE = (RunState.RUNNING, RunState.REFUSED)


@dataclass(frozen=True, slots=True)
class JournalHistory:
    """The :class:`~validate_updates.context.History` of a task, without one run of it. Reads on the given connection.

    Runs come in the order of ``run_no``. Runs of another program that were brought in are numbered below zero, and so
    are older than all our own.

    Dry runs, replays and roll-backs are no examples of an update and do not appear. Neither do runs that are labelled
    incidents where only those that stood are asked for.
    """

    conn: sa.Connection
    tables: JournalTables
    task: str
    except_run: str

    def runs(self, limit: int = 30, *, committed: bool = True) -> Sequence[EarlierRun]:
        """The last runs, newest first."""
        logs = self.tables.logs
        columns = [logs.c[name] for name in (*_OF_A_RUN, *_COUNTS)]
        statement = sa.select(*columns).where(self._counts(committed=committed))
        return tuple(
            EarlierRun(
                run_id=row[0],
                state=row[1],
                started_at=row[2],
                seconds=row[3] or 0.0,
                kind=row[4],
                label=row[5],
                label_until=row[6],
                counts=Counts(**dict(zip(_COUNTS, row[len(_OF_A_RUN) :], strict=True))),
            )
            for row in self.conn.execute(statement.order_by(logs.c.run_no.desc()).limit(limit))
        )

    def metric(self, name: str, limit: int = 30) -> Sequence[tuple[str, float]]:
        """(run id, value), newest first, of those among the last ``limit`` runs that have the metric."""
        logs, metrics = self.tables.logs, self.tables.metrics
        last = sa.select(logs.c.run_no, logs.c.run_id).where(self._counts(committed=True))
        newest = last.order_by(logs.c.run_no.desc()).limit(limit).subquery()
        statement = (
            sa.select(newest.c.run_id, metrics.c.value)
            .join(metrics, metrics.c.run_id == newest.c.run_id)
            .where(metrics.c.name == stored(name))
            .order_by(newest.c.run_no.desc())
        )
        return tuple((row.run_id, row.value) for row in self.conn.execute(statement))

    def metrics(
        self, patterns: Sequence[str] = ("*",), limit: int = 30, *, committed: bool = True
    ) -> Mapping[str, Mapping[str, float]]:
        """Run id -> name -> value, newest run first, of the metrics whose name fits one of the patterns."""
        logs, metrics = self.tables.logs, self.tables.metrics
        last = sa.select(logs.c.run_no, logs.c.run_id).where(self._counts(committed=committed))
        newest = last.order_by(logs.c.run_no.desc()).limit(limit).subquery()
        statement = (
            sa.select(newest.c.run_id, metrics.c.name, metrics.c.value)
            .join(metrics, metrics.c.run_id == newest.c.run_id)
            .where(sa.or_(sa.false(), *(metrics.c.name.like(_like(one), escape="\\") for one in patterns)))
            .order_by(newest.c.run_no.desc())
        )
        fits = re.compile("|".join(map(_expression, patterns)), re.DOTALL).fullmatch  # SQLite's LIKE minds no capitals
        found: dict[str, dict[str, float]] = {}
        wanted: dict[str, bool] = {}
        for run_id, name, value in self.conn.execute(statement):
            if name not in wanted:
                wanted[name] = fits(name) is not None
            if wanted[name]:
                found.setdefault(run_id, {})[name] = value
        return found

    def _counts(self, *, committed: bool) -> sa.ColumnElement[bool]:
        logs = self.tables.logs
        which = examples(logs) if committed else finished_updates(logs)
        return which & (logs.c.task == stored(self.task)) & (logs.c.run_id != self.except_run)


def _like(pattern: str) -> str:
    """A pattern of the shell as one of SQL."""
    escaped = re.sub(r"[\\%_]", r"\\\g<0>", stored(pattern))
    return escaped.replace("*", "%").replace("?", "_")


def _expression(pattern: str) -> str:
    """A pattern of the shell as a regular expression."""
    return re.escape(stored(pattern)).replace(r"\*", ".*").replace(r"\?", ".")


def finished_updates(logs: sa.Table) -> sa.ColumnElement[bool]:
    """The runs that were updates, and came to an end."""
    kinds = logs.c.kind.in_((RunKind.UPDATE, RunKind.IMPORT))
    return kinds & ~logs.c.dry_run & logs.c.state.not_in(_NO_UPDATE)


def examples(logs: sa.Table) -> sa.ColumnElement[bool]:
    """Those of them that later ones are compared with: they stood, and nobody has called them an incident."""
    return finished_updates(logs) & logs.c.state.in_(_STOOD) & logs.c.label.is_distinct_from(INCIDENT)


@dataclass(frozen=True, slots=True)
class NoHistory:
    """The history where there is no journal yet: nothing."""

    def runs(self, limit: int = 30, *, committed: bool = True) -> Sequence[EarlierRun]:  # noqa: ARG002  # the protocol's
        """Nothing."""
        return ()

    def metric(self, name: str, limit: int = 30) -> Sequence[tuple[str, float]]:  # noqa: ARG002  # the protocol's
        """Nothing."""
        return ()

    def metrics(
        self,
        patterns: Sequence[str] = ("*",),  # noqa: ARG002  # the protocol's
        limit: int = 30,  # noqa: ARG002  # the protocol's
        *,
        committed: bool = True,  # noqa: ARG002  # the protocol's
    ) -> Mapping[str, Mapping[str, float]]:
        """Nothing."""
        return {}
