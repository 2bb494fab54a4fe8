"""One update to do, fully settled: what the settings, the environment and the flags come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from validate_updates.backups.policy import BackupPolicy
from validate_updates.findings import Severity
from validate_updates.secret import SecretUrl
from validate_updates.units.declared import UnitTable


class UnknownColumns(StrEnum):
    """What to do with a record that carries a column the table does not have."""

    REJECT = "reject"
    IGNORE = "ignore"


class Deletes(StrEnum):
    """Which rows of the target an update may delete."""

    OFF = "off"
    MISSING = "missing"
    """Those whose key the source no longer has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePolicy:
    """Deletes, and the ceiling above which the update is rejected. Both limits hold."""

    mode: Deletes = Deletes.OFF
    most_rows: int = 100
    most_percent: float = 10.0
    """Of the rows in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The records of an update come from the quarantine, and close entries of it where they land."""

    entries: frozenset[int]
    """Closed where a record of their key lands."""
    stands_for: frozenset[int] = frozenset()
    """Somebody said that the records stand for these too, which have no key: closed unless one of them was refused."""
    parent: str | None = None
    """The run that made the entries, where it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything :func:`validate_updates.engine.execute` needs."""

    source: Any
    """A path, several, ``-``, an iterable of mappings, an Arrow stream, or a ``Source``."""
    target: SecretUrl
    table: str
    task: str = ""
    """Name of the task; the table's name where no task is set up. Runs of one task are compared with each other."""
    source_format: str | None = None
    """``jsonl``, ``json``, ``csv``, ``tsv``, ``parquet``; by the file's suffix unless given."""
    schema: str | None = None
    """PostgreSQL: the table's schema; the connection's default unless given."""
    key: tuple[str, ...] = ()
    tables: tuple[UnitTable, ...] = ()
    """Where records carry children, or refer to rows by natural keys: all tables of the task, ``table`` among them."""
    unknown_columns: UnknownColumns = UnknownColumns.REJECT
    deletes: DeletePolicy = DeletePolicy()
    plugins: tuple[str, ...] = ()
    """Names, each perhaps with a mode: ``batch``, ``historical:shadow``."""
    switches: bool = True
    """Whether the switches in the journal go before ``plugins``; not where these were named for this run alone."""
    plugin_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """The raw tables ``[plugins.<name>]``; each plugin's class judges its own."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Path of keys -> where its value came from, for messages: ``plugins.batch.size`` -> ``validate-updates.toml``."""
    journal_prefix: str = "update_"
    backup: BackupPolicy = field(default_factory=BackupPolicy)
    undo_retention_days: int = 30
    """How long a run can be taken back; 0 keeps no undo log."""
    wait: float = 0.0
    """Seconds to wait for another run's lock."""
    dry_run: bool = False
    fail_on: Severity = Severity.CRITICAL
    """Findings of this severity or a higher one reject the update."""
    as_of: datetime | None = None
    """Counts as now; the clock unless given. Aware."""
    samples: int = 10
    """Changes shown as old and new cells."""
    replay: Replay | None = None
    """Set where the records come from the quarantine."""
    command: str = ""
    """What to type after ``validate-updates run`` (or ``quarantine replay``) to get this job again; empty where it came
    from Python."""


class Progress(Protocol):
    """Told how far a run is. Called from the thread that runs the update; must be quick and must not raise."""

    def stage(self, name: str) -> None:
        """The run enters ``stage``, ``plan``, ``judge``, ``apply``, ``verdict``."""
        ...

    def advance(self, records: int, total: int | None = None) -> None:
        """``records`` are done within the stage, out of ``total`` where that is known."""
        ...


class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str) -> None:
        """Nothing."""

    def advance(self, records: int, total: int | None = None) -> None:
        """Nothing."""
