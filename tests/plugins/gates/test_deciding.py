"""The law: a gate passes exactly if there are criteria and all of them pass."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from validate_updates import Criterion, CriterionState
from validate_updates_gates.deciding import Decision, decide

STATES = st.lists(st.sampled_from(CriterionState), max_size=8)


def criteria(states: list[CriterionState]) -> list[Criterion]:
    return [
        Criterion(name=str(number), target="", actual="", state=state, evidence="")
        for number, state in enumerate(states)
    ]


@given(STATES)
def test_it_passes_exactly_if_all_criteria_pass(states: list[CriterionState]) -> None:
    decision = decide(criteria(states))

    assert (decision is Decision.PASS) == (states != [] and all(state is CriterionState.PASS for state in states))
    assert (decision is Decision.FAIL) == (CriterionState.FAIL in states)


@given(STATES, st.sampled_from([CriterionState.FAIL, CriterionState.UNKNOWN]), st.data())
def test_one_that_does_not_pass_is_enough(
    states: list[CriterionState], one: CriterionState, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(states)))

    assert decide(criteria([*states[:at], one, *states[at:]])) is not Decision.PASS


def test_nothing_asked_is_nothing_shown() -> None:
    assert decide([]) is Decision.NOT_ENOUGH
