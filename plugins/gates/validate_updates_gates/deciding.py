"""What criteria come to: a gate opens only where each of them is met."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from validate_updates import Criterion, CriterionState


class Decision(StrEnum):
    """Of a gate."""

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "fail"
    NOT_ENOUGH = "not enough evidence"


def decide(criteria: Collection[Criterion]) -> Decision:
    """Pass exactly if there are criteria and all of them pass; fail where one fails."""
    states = {one.state for one in criteria}
    if CriterionState.FAIL in states:
        return Decision.FAIL
    return Decision.PASS if states == {CriterionState.PASS} else Decision.NOT_ENOUGH


def judged(
    name: str,
    target: str,
    actual: str,
    *,
    met: bool | None,
    evidence: str,
    todo: str = "",
    runs: tuple[str, ...] = (),
) -> Criterion:
    """A criterion that is met, or not; None is not known. ``todo`` is told only then."""
    states = {True: CriterionState.PASS, False: CriterionState.FAIL, None: CriterionState.UNKNOWN}
    return Criterion(
        name=name,
        target=target,
        actual=actual,
        state=states[met],
        evidence=evidence,
        todo=todo if met is None else "",
        runs=runs,
    )
