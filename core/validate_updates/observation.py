"""What an observer sees: the run, what it came to, the journal, and what the observer's plugin keeps between runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from validate_updates.context import RunInfo
from validate_updates.declarations import Occasion

if TYPE_CHECKING:
    from validate_updates.findings import Finding
    from validate_updates.journal.rows import JudgedRun, RunRow, StoredRun, Switch, SwitchMode
    from validate_updates.result import RunResult


class JournalView(Protocol):
    """The journal: runs and switches of all tasks. The access ends with the observer's call."""

    def runs(
        self,
        *,
        task: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> Sequence[RunRow]:
        """The newest runs first, also the observed one; of one task, or begun since or until a moment, if asked."""
        ...

    def run(self, run_id: str) -> StoredRun:
        """Everything about one run: findings, metrics, batches. Raises ``UsageError`` where there is no such run."""
        ...

    def judged(self, run_ids: Sequence[str]) -> Sequence[JudgedRun]:
        """What was measured and said of several runs, in a few queries; those that are not there are left out."""
        ...

    def switches(self, task: str) -> Sequence[Switch]:
        """Every switch of a plugin in a task that there has been, oldest first; of each plugin the newest holds."""
        ...

    def switch(self, task: str, plugin: str, mode: SwitchMode, reason: str) -> None:
        """Say how a plugin takes part in the updates of a task, from its next run on. Written after the call.

        The journal keeps the observer's plugin as the one who did it.
        """
        ...

    def take_back(self, run_id: str, reason: str) -> None:
        """Ask for a run to be taken back after the call, under the lock, as ``rollback`` does it. At ``recorded`` only.

        What came of it is a finding: ``run_taken_back``; ``run_taken_back_in_part`` where others have changed rows
        since; ``run_not_taken_back`` where another run holds the lock, or nothing of it can be. The journal keeps the
        plugin and the reason. Where it is the observed run, that has the verdict ``rolled back``.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What an observer is called with."""

    occasion: Occasion
    run: RunInfo
    result: RunResult | None
    """What the run came to; None at ``begin``, and where it broke off before it was entered in the journal."""
    findings: tuple[Finding, ...]
    """Those of the result, and what observers of earlier occasions found."""
    error: Exception | None
    """What the caller gets in place of the result, where the run broke off: the target cannot be reached, the settings
    make no job, the outcome cannot be told, a defect. Look at it before the result."""
    journal: JournalView
    """Empty where the database cannot be reached."""
    state: dict[str, str]
    """What this plugin keeps for the run's task, by name. Set and delete in it: it is written to the journal's database
    after the call, however that ended."""
    shared: dict[str, str]
    """The same for all tasks together."""
