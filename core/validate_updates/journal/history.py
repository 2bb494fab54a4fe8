"""The journal as validators see it: earlier runs of one task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from validate_updates.context import EarlierRun, History
from validate_updates.findings import Severity
from validate_updates.journal.rows import STOOD, RunKind, RunState
from validate_updates.journal.tables import JournalTables
from validate_updates.journal.texts import stored
from validate_updates.modes import Mode
from validate_updates.result import Counts

INCIDENT: Final = "incident"
"""Label of a run that was wrong though it was committed: no example for later ones."""
EXPECTED: Final = "expected"
"""Label of a run that looked unusual and was right: an example like others, and the like is no news."""

_OF_A_RUN = ("run_id", "state", "started_at", "seconds", "kind", "label", "label_until")
_COUNTS = tuple(field.name for field in fields(Counts))
_NO_UPDATE = (RunState.RUNNING, RunState.REFUSED)


@dataclass(frozen=True, slots=True)
class JournalHistory:
    """The :class:`~validate_updates.context.History` of a task, without one run of it. Reads on the given connection.

    Runs come in the order of ``run_no``. Runs of another program that were brought in are numbered below zero, and so
    are older than all our own.

    Dry runs, replays and roll-backs are no examples of an update and do not appear. Neither do runs that are labelled
    incidents where only those that stood are asked for; nor those, then, that ``asked_by`` would have rejected while it
    was in shadow, unless somebody called them expected: had it decided, it would not have had them for examples.
    """

    conn: sa.Connection
    tables: JournalTables
    task: str
    except_run: str
    asked_by: str = ""
    """The plugin that looks at it."""

    def runs(self, limit: int = 30, *, committed: bool = True) -> Sequence[EarlierRun]:
        """The last runs, newest first."""
        logs = self.tables.logs
        columns = [*(logs.c[name] for name in _OF_A_RUN), self._opposed(), *(logs.c[name] for name in _COUNTS)]
        statement = sa.select(*columns).where(self._counts(committed=committed))
        found = self.conn.execute(statement.order_by(logs.c.run_no.desc()).limit(limit)).all()
        return msgspec.convert([_earlier(row) for row in found], tuple[EarlierRun, ...])

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
        logs = self.tables.logs
        statement = sa.select(logs.c.run_id, self._numbers(patterns)).where(self._counts(committed=committed))
        statement = statement.order_by(logs.c.run_no.desc()).limit(limit)
        read = msgspec.json.Decoder(dict[str, float]).decode
        return {run_id: values for run_id, text in self.conn.execute(statement) if text and (values := read(text))}

    def _numbers(self, patterns: Sequence[str]) -> sa.ScalarSelect[str]:
        """The metrics of a run as one JSON object: a row each would take five times as long to read."""
        logs, metrics = self.tables.logs, self.tables.metrics
        name, value = metrics.c.name, metrics.c.value
        named: list[sa.ColumnElement[bool]]
        if self.conn.dialect.name == "sqlite":
            # SQLite's JSON cuts numbers to 15 digits, which would make two equal ones differ.
            whole = sa.cast(value, sa.BigInteger)
            exact = sa.case((value == whole, whole), else_=sa.func.json(sa.func.quote(value)))
            numbers: sa.ColumnElement[Any] = sa.func.json_group_object(name, exact)
            named = [name.op("GLOB")(stored(one).replace("[", "[[]")) for one in patterns]
        else:
            numbers = sa.cast(sa.func.json_object_agg(name, value), sa.Text)
            named = [name.like(_like(one), escape="\\") for one in patterns]
        chosen = sa.or_(sa.false(), *named)
        return sa.select(numbers).where(metrics.c.run_id == logs.c.run_id, chosen).scalar_subquery()

    def _counts(self, *, committed: bool) -> sa.ColumnElement[bool]:
        logs = self.tables.logs
        which = examples(logs) & ~self._opposed() if committed else finished_updates(logs)
        return which & (logs.c.task == stored(self.task)) & (logs.c.run_id != self.except_run)

    def _opposed(self) -> sa.ColumnElement[bool]:
        """Whether the plugin that asks would have rejected a run, was in shadow, and has not been put right."""
        logs, findings = self.tables.logs, self.tables.findings
        against = (findings.c.mode == Mode.SHADOW) & (findings.c.severity == Severity.CRITICAL)
        said = sa.exists().where(
            findings.c.run_id == logs.c.run_id, against, findings.c.plugin == stored(self.asked_by)
        )
        return said & logs.c.label.is_distinct_from(EXPECTED) if self.asked_by else sa.false()


def _earlier(row: sa.Row[*tuple[Any, ...]]) -> dict[str, Any]:
    """A row of :meth:`JournalHistory.runs`. Thousands are read at a time, and msgspec fills frozen classes faster."""
    run_id, state, started_at, seconds, kind, label, label_until, opposed, *counts = row
    read, inserted, updated, unchanged, duplicates, quarantined, rolled_back, deleted = counts
    return {
        "run_id": run_id,
        "state": state,
        "started_at": started_at,
        "seconds": seconds or 0.0,
        "kind": kind,
        "label": label,
        "label_until": label_until,
        "opposed_in_shadow": bool(opposed),
        "counts": {
            "read": read,
            "inserted": inserted,
            "updated": updated,
            "unchanged": unchanged,
            "duplicates": duplicates,
            "quarantined": quarantined,
            "rolled_back": rolled_back,
            "deleted": deleted,
        },
    }


def seen_by(plugin: str, history: History) -> History:
    """The history as a plugin sees it."""
    return replace(history, asked_by=plugin) if isinstance(history, JournalHistory) else history


def _like(pattern: str) -> str:
    """A pattern of the shell as one of SQL."""
    escaped = re.sub(r"[\\%_]", r"\\\g<0>", stored(pattern))
    return escaped.replace("*", "%").replace("?", "_")


def finished_updates(logs: sa.Table) -> sa.ColumnElement[bool]:
    """The runs that were updates, and came to an end."""
    kinds = logs.c.kind.in_((RunKind.UPDATE, RunKind.IMPORT))
    return kinds & ~logs.c.dry_run & logs.c.state.not_in(_NO_UPDATE)


def examples(logs: sa.Table) -> sa.ColumnElement[bool]:
    """Those of them that later ones are compared with: they stood, and nobody has called them an incident."""
    return finished_updates(logs) & logs.c.state.in_(STOOD) & logs.c.label.is_distinct_from(INCIDENT)


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
