"""What the journal holds, as values: the states of things, and rows as they are read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from validate_updates.declarations import Moment
from validate_updates.findings import Finding, Severity
from validate_updates.result import Counts, Judged, KeptOut, PluginInfo


class RunState(StrEnum):
    """Of a run. But for the first and the last these are the verdicts."""

    RUNNING = "running"
    COMMITTED = "committed"
    COMMITTED_WITH_QUARANTINE = "committed with quarantine"
    REJECTED = "rejected"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    ROLLED_BACK = "rolled back"
    """It stood, and was taken back later."""

    @property
    def stands(self) -> bool:
        """Whether the target has what the run wrote."""
        return self in STOOD


STOOD: Final = (RunState.COMMITTED, RunState.COMMITTED_WITH_QUARANTINE)
"""States of a run that stands."""


class RunKind(StrEnum):
    """What a run was made for."""

    UPDATE = "update"
    REPLAY = "replay"
    """Records from the quarantine, tried again."""
    ROLLBACK = "rollback"
    """Taking back an earlier run."""
    RESTORE = "restore"
    """Bringing back a backup."""
    IMPORT = "import"
    """Not done by this program: history brought in from elsewhere."""


class BatchState(StrEnum):
    """Of a batch in the ledger."""

    COMMITTED = "committed"
    FAILED = "failed"
    UNDONE = "undone"


class EntryState(StrEnum):
    """Of a record in quarantine."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    """A newer good record of the same key came."""


class SwitchMode(StrEnum):
    """What a switch says of a plugin."""

    ENFORCE = "enforce"
    SHADOW = "shadow"
    OFF = "off"
    SETTINGS = "settings"
    """What the settings say, again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run, without its findings."""

    run_no: int
    """Tells the order of runs; times do not."""
    run_id: str
    kind: RunKind
    parent: str | None
    task: str
    table: str
    key: tuple[str, ...]
    source: str
    state: RunState
    reason: str
    error_code: str | None
    dry_run: bool
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    strategy: str
    plugins: tuple[PluginInfo, ...]
    tool_version: str
    counts: Counts
    rows_before: int | None
    rows_after: int | None
    backup: str | None
    label: str | None
    note: str | None
    label_until: datetime | None

    @property
    def is_ended_update(self) -> bool:
        """Whether it is an update that came to an end: no dry run, no replay, nothing taken back or brought in."""
        return self.kind is RunKind.UPDATE and self.state is not RunState.RUNNING and not self.dry_run

    @property
    def fates(self) -> Counts:
        """What became of the records in the end: of a run that was rolled back, none is written."""
        return self.counts.taken_back if self.state is RunState.ROLLED_BACK else self.counts


_MOMENTS: Final = frozenset(moment.value for moment in Moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """A run with what was measured and said of it: without its batches and the records that it kept out."""

    run: RunRow
    findings: tuple[Finding, ...]
    shadow: tuple[Finding, ...]
    """What plugins in shadow would have said."""
    metrics: Mapping[str, float]
    timings: tuple[tuple[str, float], ...]
    judged: tuple[Judged, ...]

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What the checks of plugins found that is a warning or worse; not what observers and we ourselves say."""
        return tuple(
            one for one in self.findings if one.severity is not Severity.INFO and one.plugin and one.moment in _MOMENTS
        )

    @property
    def accounted_for(self) -> bool:
        """Whether every record read is in a count, and, where the run stands, every row of the table too.

        Rows that were made since records refer to them are no records of their own, and are counted as a metric.
        """
        run, counts = self.run, self.run.counts
        if not counts.add_up:
            return False
        if not run.state.stands or run.rows_before is None or run.rows_after is None:
            return True
        return run.rows_after == run.rows_before + counts.inserted + self._made - counts.deleted

    @property
    def _made(self) -> int:
        """Rows of the table of the records. Metrics name it without the schema, which the run has before it."""
        names = (self.run.table, self.run.table.partition(".")[2])
        return next(
            (int(self.metrics[made]) for name in names if (made := f"tables.{name}.created") in self.metrics), 0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """One batch in the ledger."""

    batch_no: int
    """From 1."""
    state: BatchState
    applied: int = 0
    quarantined: int = 0
    unchanged: int = 0
    payload_sha256: str | None = None
    attempts: int = 1
    committed_at: datetime | None = None
    first_key: str | None = None
    last_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun(JudgedRun):
    """Everything that the journal says about one run."""

    batches: tuple[BatchRow, ...]
    kept_out: tuple[KeptOut, ...]
    """The first of the records that it put into quarantine."""
    kept_out_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Open entries of the quarantine that have the same reason."""

    code: str
    records: int
    since: datetime
    """When the oldest of them came in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A person, or a plugin by its rule, said in which mode a plugin runs in the updates of a task."""

    task: str
    plugin: str
    mode: SwitchMode
    reason: str
    made_at: datetime
    made_by: str
    """The user of the operating system; or the plugin that did it by its rule."""
