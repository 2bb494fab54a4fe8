"""What there is to say about a roll-back: one sentence, and findings for the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from validate_updates.findings import Finding, Severity
from validate_updates.text import counted, printable
from validate_updates.undo.restoring import ALREADY
from validate_updates.undo.result import Reason
from validate_updates.undo.steps import Step

if TYPE_CHECKING:
    from validate_updates.undo.result import Conflict

_WORDS: Final = {Step.UPDATE: "restored", Step.DELETE: "removed", Step.INSERT: "put back", ALREADY: "as before already"}
_WHY: Final = {
    Reason.CHANGED: "was changed since",
    Reason.GONE: "was deleted since",
    Reason.THERE_AGAIN: "has been added again since",
    Reason.REFERRED_TO: "is referred to by rows that came later, and would take them with it",
    Reason.REFUSED: "cannot be taken back",
}


def said(run_id: str, numbers: Mapping[str, int], conflicts: int) -> str:
    """What was done, as one sentence."""
    parts = [f"{numbers[state]} {word}" for state, word in _WORDS.items() if numbers[state]]
    left = f"; {counted(conflicts, 'row')} left as they are" if conflicts else ""
    return f"run {run_id} taken back: {', '.join(parts) or 'nothing'}{left}"


def why(conflict: Conflict) -> str:
    """Why a row was left as it is."""
    return f"{_WHY[conflict.reason]}{f': {conflict.detail}' if conflict.detail else ''}"


def findings(run_id: str, samples: Sequence[Conflict], conflicts: int, altered: int) -> tuple[Finding, ...]:
    """For the journal: each conflict that is told, and what there is beyond."""
    found = [_of(run_id, conflict) for conflict in samples]
    if conflicts > len(samples):
        found.append(_more(run_id, conflicts - len(samples)))
    if altered:
        found.append(_altered(altered))
    return tuple(found)


def _of(run_id: str, conflict: Conflict) -> Finding:
    force = f"to overwrite it: validate-updates rollback {run_id} --force"
    return Finding(
        code="rollback_conflict",
        severity=Severity.WARNING,
        message=f"the row {conflict.key} {why(conflict)}",
        table=conflict.table,
        key=conflict.key,
        observed=str(conflict.reason),
        samples=tuple(
            f"{cell.column}: the run left {printable(cell.old)}, now {printable(cell.new)}" for cell in conflict.cells
        ),
        hint="mend the rows that stand in its way, then roll back again" if conflict.detail else force,
    )


def _more(run_id: str, number: int) -> Finding:
    return Finding(
        code="rollback_conflict",
        severity=Severity.WARNING,
        message=f"{counted(number, 'row')} more left as they are",
        observed=number,
        hint=f"the undo log has them: update_undo where run_id = '{run_id}'",
    )


def _altered(number: int) -> Finding:
    return Finding(
        code="rollback_not_exact",
        severity=Severity.WARNING,
        message=f"{counted(number, 'row')} taken back are not as before: a trigger had its say",
        observed=number,
        hint="look at the triggers of the table",
    )
