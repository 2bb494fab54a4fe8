"""An update that may not stand, as the steps tell each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.findings import Finding


class Rejected(Exception):  # an outcome, not a fault
    """Why, and what it makes of the run."""

    def __init__(self, reason: str, verdict: Verdict = Verdict.REJECTED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.verdict = verdict


def because(findings: Sequence[Finding]) -> str:
    """The reason, from the findings that decide."""
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{findings[0].message}{more}" if findings else "the strategy refused the update"
