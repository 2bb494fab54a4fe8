"""What a run comes to: its result, its counts and its verdict. One documented, versioned shape for all readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from validate_updates.chart import Chart
from validate_updates.errors import ExitCode
from validate_updates.findings import Finding, Severity
from validate_updates.modes import Mode

SCHEMA_VERSION: Final = 1
"""Of the JSON form of :class:`RunResult`. Raised when a field changes its meaning or goes, not by a new field."""


class Verdict(StrEnum):
    """How an update ended."""

    COMMITTED = "committed"
    COMMITTED_WITH_QUARANTINE = "committed with quarantine"
    REJECTED = "rejected"
    """Judged and rolled back; the target is as before."""
    REFUSED = "refused"
    """Did not start."""
    FAILED = "failed"
    """Could not be done; rolled back."""
    INTERRUPTED = "interrupted"
    ROLLED_BACK = "rolled back"
    """It was committed, and right afterwards taken back, since a plugin asked for that."""

    @property
    def stands(self) -> bool:
        """Whether the target has what the update wrote."""
        return self in {Verdict.COMMITTED, Verdict.COMMITTED_WITH_QUARANTINE}


EXIT_CODES: Final = {
    Verdict.COMMITTED: ExitCode.OK,
    Verdict.COMMITTED_WITH_QUARANTINE: ExitCode.PARTIAL,
    Verdict.REJECTED: ExitCode.REJECTED,
    Verdict.REFUSED: ExitCode.REJECTED,
    Verdict.FAILED: ExitCode.FAILED,
    Verdict.INTERRUPTED: ExitCode.FAILED,
    Verdict.ROLLED_BACK: ExitCode.REJECTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Records by what became of them. ``read`` is always the sum of the parts; :attr:`add_up` says so."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    """Records that a later record of the same key in the same source replaced."""
    quarantined: int = 0
    rolled_back: int = 0
    """Records that would have been written and were not, because the update did not stand."""
    deleted: int = 0
    """Rows of the target that went because the source no longer has them. Not a part of ``read``."""

    @property
    def parts(self) -> int:
        """The sum that ``read`` must equal."""
        kept = self.inserted + self.updated + self.unchanged
        return kept + self.duplicates + self.quarantined + self.rolled_back

    @property
    def add_up(self) -> bool:
        """Whether every record read is accounted for."""
        return self.read == self.parts

    @property
    def taken_back(self) -> Counts:
        """The same of an update that was taken back: what it wrote counts as rolled back."""
        written = self.inserted + self.updated
        return replace(self, inserted=0, updated=0, deleted=0, rolled_back=self.rolled_back + written)


class Publish(StrEnum):
    """When others see what an update writes."""

    AUDITED = "audited"
    """All of it at once, at the end, when the verdict is known."""
    PROGRESSIVE = "progressive"
    """Groups of batches as they succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One validator's part in the verdict."""

    plugin: str
    validator: str
    moment: str
    summary: str
    outcome: str
    """``passed``, ``found`` (with findings), ``failed`` (the check itself) or ``not checked``."""
    findings: int = 0
    seconds: float = 0.0
    mode: Mode = Mode.ENFORCE
    """Of its plugin. What it found in ``shadow`` decided nothing."""

    def and_then(self, later: Judged) -> Judged:
        """Together with a later call of the same validator: the worse outcome, all findings, all seconds."""
        worse = max(self.outcome, later.outcome, key=_OUTCOMES.index)
        return replace(
            self, outcome=worse, findings=self.findings + later.findings, seconds=self.seconds + later.seconds
        )


_OUTCOMES = ("passed", "not checked", "found", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """One cell of a changed row, as text."""

    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row of the plan, sampled for people."""

    action: str
    """``insert``, ``update`` or ``delete``."""
    key: str
    cells: tuple[CellChange, ...] = ()
    table: str = ""
    """Of a child's row; empty for the table that the records are of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOut:
    """One record in quarantine, with the reason."""

    code: str
    message: str
    key: str | None = None
    column: str | None = None
    file: str = ""
    line: int | None = None
    offset: int | None = None
    """Bytes from the start of the (decompressed) file."""
    record: str = ""
    """The record as it came, bounded."""
    constraint: str = ""
    batch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubledBatch:
    """A batch that records were kept out of."""

    number: int
    records: int
    """Positions of the plan in it."""
    applied: int
    kept_out: int
    reason: str
    """Why the first of them was kept out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report as data: rows of cells, under an optional header, a drawing, and free lines."""

    title: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()
    drawing: tuple[str, ...] = ()
    """Lines that are shown as they are, in letters of one width: made of text, at most 76 columns wide."""
    charts: tuple[Chart, ...] = ()
    """Metrics over time: drawn on a page, beside what the rows say of them; elsewhere left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a plugin's command answers where one section does not say it all."""

    sections: tuple[Section, ...]
    """For people."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """For programs: with ``--format json``, in place of the sections; in a report beside them."""
    exit_status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """A plugin that took part."""

    name: str
    distribution: str
    version: str
    mode: Mode = Mode.ENFORCE


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Everything there is to say about one run. The JSON form holds the same fields, and ``schema_version``."""

    run_id: str
    task: str
    verdict: Verdict
    reason: str
    """One sentence: why this verdict."""
    counts: Counts
    source: str
    target: str
    """The URL without password and options."""
    table: str
    key: tuple[str, ...] = ()
    strategy: str = "all_or_nothing"
    publish: Publish = Publish.AUDITED
    dry_run: bool = False
    started_at: datetime
    seconds: float = 0.0
    timings: tuple[tuple[str, float], ...] = ()
    """Stages of the run in order, with seconds."""
    findings: tuple[Finding, ...] = ()
    shadow: tuple[Finding, ...] = ()
    """What plugins in shadow would have said. It decided nothing."""
    judged: tuple[Judged, ...] = ()
    changes: tuple[Change, ...] = ()
    """A sample of what changes; never all of it."""
    kept_out: tuple[KeptOut, ...] = ()
    """A sample of what is in quarantine."""
    metrics: dict[str, float] = field(default_factory=dict)
    plugins: tuple[PluginInfo, ...] = ()
    backup: str | None = None
    """Name of the verified backup made before the first row was written."""
    troubled_batches: tuple[TroubledBatch, ...] = ()
    """The first batches that records were kept out of."""
    sections: tuple[Section, ...] = ()
    rows_before: int | None = None
    rows_after: int | None = None
    rows_left: int = 0
    """Of a run that was taken back: rows that stay as it left them, since others have changed them or hold them."""
    recovered: tuple[str, ...] = ()
    """Earlier runs that this one found dead and marked interrupted."""
    next_steps: tuple[str, ...] = ()
    """Commands to type next, most useful first."""
    signum: int | None = None
    """The signal that interrupted the run."""
    try_later: bool = False
    """The run failed for something that passes by itself, such as a quota: the same command will do later."""
    schema_version: int = SCHEMA_VERSION

    @property
    def exit_code(self) -> int:
        """The exit status that tells this outcome to a script."""
        if self.signum is not None:
            return 128 + self.signum
        if self.try_later:
            return ExitCode.TRY_LATER
        if self.rows_left:
            return ExitCode.UNCERTAIN
        return EXIT_CODES[self.verdict]

    @property
    def opposed_in_shadow(self) -> tuple[str, ...]:
        """Names of the plugins in shadow that would have decided against the update, or against records of it."""
        return tuple(sorted({one.plugin for one in self.shadow if one.severity is Severity.CRITICAL}))

    def worst(self) -> Severity | None:
        """The highest severity among the findings."""
        return max((finding.severity for finding in self.findings), key=lambda s: s.rank, default=None)
