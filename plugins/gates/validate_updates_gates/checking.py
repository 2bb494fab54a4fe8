"""``gate check``: the criteria of a gate, what there is of evidence, and the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Final

from validate_updates import Answer, Criterion, CriterionState, Desk, Section
from validate_updates_gates.case import Case
from validate_updates_gates.deciding import Decision, decide
from validate_updates_gates.live import canary, monitoring
from validate_updates_gates.settings import Gates
from validate_updates_gates.testing import testing
from validate_updates_gates.trial import trial
from validate_updates_gates.validation import validation

GATES: Final[Mapping[str, Callable[[Desk, Case, Gates], Iterator[Criterion]]]] = {
    "testing": testing,
    "validation": validation,
    "trial": trial,
    "canary": canary,
    "monitoring": monitoring,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A gate, judged."""

    gate: str
    case: Case
    criteria: tuple[Criterion, ...]
    left_out: tuple[str, ...]
    """Names of criteria that the settings leave out."""
    decision: Decision


def check(desk: Desk, gate: str, case: Case, settings: Gates) -> Answer:
    """The report of a gate; the exit status is 0 where it passes, else 1."""
    found = checked(desk, gate, case, settings)
    return Answer(
        sections=tuple(_sections(found)), data=_data(found), exit_status=int(found.decision is not Decision.PASS)
    )


def checked(desk: Desk, gate: str, case: Case, settings: Gates) -> Checked:
    """Judge a gate."""
    every = tuple(GATES[gate](desk, case, settings))
    asked = tuple(one for one in every if one.name not in settings.left_out)
    return Checked(
        gate=gate,
        case=case,
        criteria=asked,
        left_out=tuple(one.name for one in every if one.name in settings.left_out),
        decision=decide(asked),
    )


def _sections(found: Checked) -> Iterator[Section]:
    yield Section(
        title=f"gate {found.gate} of {found.case.task}: {found.decision}",
        header=("criterion", "wanted", "is", "verdict"),
        rows=tuple((one.name, one.target, one.actual, one.state.value) for one in found.criteria),
        lines=(f"{found.case.since:%Y-%m-%d %H:%M} to {found.case.until:%Y-%m-%d %H:%M} UTC",),
    )
    yield Section(title="Evidence", lines=tuple(_evidence(found)))
    todo = tuple(dict.fromkeys(one.todo for one in found.criteria if one.todo))
    if todo:
        yield Section(title="To do", lines=todo)


def _evidence(found: Checked) -> Iterator[str]:
    for evidence, same in groupby(found.criteria, key=lambda one: one.evidence):
        yield f"{', '.join(one.name for one in same)}: {evidence}"
    for one in found.criteria:
        if one.runs and one.state is CriterionState.FAIL:
            yield f"{one.name}, see {', '.join(one.runs)}"
    if found.left_out:
        yield f"left out by the settings: {', '.join(found.left_out)}"


def _data(found: Checked) -> dict[str, Any]:
    return {
        "gate": found.gate,
        "task": found.case.task,
        "since": found.case.since,
        "until": found.case.until,
        "decision": found.decision.value,
        "criteria": [asdict(one) for one in found.criteria],
        "left_out": found.left_out,
    }
