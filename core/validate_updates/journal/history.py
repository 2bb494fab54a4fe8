"""The journal as validators see it: earlier runs of one task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from validate_updates.context import EarlierRun, History
from validate_updates.findings import Severity
from validate_updates.journal.rows import STOOD, RunKind, RunState
from validate_updates.journal.tables import JournalTables, UtcTime, named
from validate_updates.journal.texts import numbers_of, stored
from validate_updates.modes import Mode
from validate_updates.result import Counts
from validate_updates.wildcards import names_like

INCIDENT: Final = "incident"
"""Label of a run that was wrong though it was committed: no example for later ones."""
EXPECTED: Final = "expected"
"""Label of a run that looked unusual and was right: an example like others, and the like is no news."""

_COUNTS = tuple(field.name for field in fields(Counts))
_OF_A_RUN = ", ".join(("run_id", "state", "started_at", "seconds", "kind", "label", "label_until", *_COUNTS))


def _among(values: Iterable[str]) -> str:
    return f"({', '.join(repr(str(value)) for value in values)})"


# Made of words of our own: what somebody gives is a parameter.
_FINISHED: Final = (
    f"kind IN {_among((RunKind.UPDATE, RunKind.IMPORT))} AND NOT dry_run"
    f" AND state NOT IN {_among((RunState.RUNNING, RunState.REFUSED))}"
)
_EXAMPLES: Final = f"{_FINISHED} AND state IN {_among(STOOD)} AND coalesce(label, '') <> '{INCIDENT}'"


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
        statement = sa.text(self._last(f"{_OF_A_RUN}, {self._opposed}", committed=committed))
        times = statement.columns(started_at=UtcTime, label_until=UtcTime)
        found = self.conn.execute(times, self._given(limit)).all()
        return msgspec.convert([_earlier(row) for row in found], tuple[EarlierRun, ...])

    def metric(self, name: str, limit: int = 30) -> Sequence[tuple[str, float]]:
        """(run id, value), newest first, of those among the last ``limit`` runs that have the metric."""
        name = stored(name)
        found = self.metrics(limit=limit)
        return tuple((run_id, values[name]) for run_id, values in found.items() if name in values)

    def metrics(
        self, patterns: Sequence[str] = ("*",), limit: int = 30, *, committed: bool = True
    ) -> Mapping[str, Mapping[str, float]]:
        """Run id -> name -> value, newest run first, of the metrics whose name fits one of the patterns."""
        statement = sa.text(self._last("run_id, metrics", committed=committed))
        found = self.conn.execute(statement, self._given(limit)).all()
        chosen = _those_of(names_like(map(stored, patterns)))
        return {run_id: values for run_id, text in found if (values := chosen(numbers_of(text)))}

    def _last(self, columns: str, *, committed: bool) -> str:
        """The statement that reads these of the last runs, newest first.

        As text: to make it of SQLAlchemy's parts, and to compile these, takes half as long as to read a year of runs.
        """
        which = f"{_EXAMPLES} AND NOT ({self._opposed})" if committed else _FINISHED
        return (
            f"SELECT {columns} FROM {named(self.tables.logs)} AS logs"  # noqa: S608  # our own names
            f" WHERE {which} AND task = :task AND run_id <> :except_run ORDER BY run_no DESC LIMIT :limit"
        )

    def _given(self, limit: int) -> dict[str, Any]:
        task, asked_by = stored(self.task), stored(self.asked_by)
        return {"task": task, "except_run": self.except_run, "asked_by": asked_by, "limit": limit}

    @property
    def _opposed(self) -> str:
        """Whether the plugin that asks would have rejected a run, was in shadow, and has not been put right."""
        if not self.asked_by:
            return "false"
        against = f"mode = '{Mode.SHADOW}' AND severity = '{Severity.CRITICAL}' AND plugin = :asked_by"
        return (
            f"EXISTS (SELECT 1 FROM {named(self.tables.findings)} AS findings"  # noqa: S608  # our own names
            f" WHERE findings.run_id = logs.run_id AND {against}) AND coalesce(label, '') <> '{EXPECTED}'"
        )


def _earlier(row: sa.Row[*tuple[Any, ...]]) -> dict[str, Any]:
    """A row of :meth:`JournalHistory.runs`. Thousands are read at a time, and msgspec fills frozen classes faster."""
    run_id, state, started_at, seconds, kind, label, label_until, *counts, opposed = row
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


def _those_of(fits: Callable[[str], bool]) -> Callable[[dict[str, float]], Mapping[str, float]]:
    """What keeps, of a run's metrics, those with such a name. Most runs have the same names: they are asked once."""
    chosen = cache(lambda names: tuple(filter(fits, names)))

    def keep(values: dict[str, float]) -> Mapping[str, float]:
        names = chosen(tuple(values))
        return values if len(names) == len(values) else {name: values[name] for name in names}

    return keep


def seen_by(plugin: str, history: History) -> History:
    """The history as a plugin sees it."""
    return replace(history, asked_by=plugin) if isinstance(history, JournalHistory) else history


def finished_updates() -> sa.ColumnElement[bool]:
    """The runs that were updates, and came to an end."""
    return sa.literal_column(_FINISHED, sa.Boolean)


def examples() -> sa.ColumnElement[bool]:
    """Those of them that later ones are compared with: they stood, and nobody has called them an incident."""
    return sa.literal_column(_EXAMPLES, sa.Boolean)


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
