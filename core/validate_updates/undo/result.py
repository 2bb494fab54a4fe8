"""What taking back a run comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from validate_updates.errors import ExitCode
from validate_updates.result import CellChange

SAMPLES: Final = 20
"""Conflicts told one by one."""


class Reason(StrEnum):
    """Why a row was left alone."""

    CHANGED = "changed"
    """It is no longer what the run wrote."""
    GONE = "gone"
    """The run changed it, and somebody deleted it since."""
    THERE_AGAIN = "there again"
    """The run deleted it, and somebody has added a row of its key since."""
    REFERRED_TO = "referred to"
    """The run added it, and rows refer to it that the run did not add: they would be deleted, or emptied, with it."""
    REFUSED = "refused"
    """The database does not let it be taken back: other rows refer to it, or are in its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One row that was left as it is."""

    table: str
    key: str
    reason: Reason
    detail: str = ""
    """Why the database refused."""
    cells: tuple[CellChange, ...] = ()
    """Cells that are not what the run wrote: ``old`` is what it wrote, ``new`` what is there now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackResult:
    """One run taken back, or what of it could be."""

    run_id: str | None
    """Of the roll-back itself; None for a dry run, which leaves no entry in the journal."""
    taken_back: str
    """The run that was taken back."""
    task: str
    table: str
    target: str
    """The URL without password and options."""
    restored: int = 0
    """Rows that the run had changed."""
    deleted: int = 0
    """Rows that it had added."""
    reinserted: int = 0
    """Rows that it had deleted."""
    already: int = 0
    """Rows that were as before it already."""
    conflicts: int = 0
    """Rows left as they are. Their entries in the undo log are kept."""
    forceable: int = 0
    """Those of them that ``force`` would take back: nothing but the present values stands in the way."""
    samples: tuple[Conflict, ...] = ()
    """The first of them."""
    altered: int = 0
    """Rows that were written and are not as before all the same: a trigger had its say."""
    recovered: tuple[str, ...] = ()
    """Earlier runs that were found dead and marked interrupted."""
    dry_run: bool = False
    forced: bool = False
    seconds: float = 0.0

    @property
    def taken(self) -> int:
        """Rows that are as before now."""
        return self.restored + self.deleted + self.reinserted + self.already

    @property
    def exit_code(self) -> int:
        """The exit status that tells this outcome to a script."""
        return ExitCode.PARTIAL if self.conflicts else ExitCode.OK
