"""What an observer sees: the run, what it came to, the journal, and what the observer's plugin keeps between runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from validate_updates.context import RunInfo
from validate_updates.declarations import Occasion
from validate_updates.journal.view import JournalView

if TYPE_CHECKING:
    from validate_updates.findings import Finding
    from validate_updates.result import RunResult


class ObservedJournal(JournalView, Protocol):
    """The journal, until the observer's call ends; the observed run is in it. What is asked for is done after the call.

    What is switched, the journal keeps as done by the observer's plugin.
    """

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
    journal: ObservedJournal
    """Empty where the database cannot be reached."""
    state: dict[str, str]
    """What this plugin keeps for the run's task, by name. Set and delete in it: it is written to the journal's database
    after the call, however that ended."""
    shared: dict[str, str]
    """The same for all tasks together."""
