"""The criteria of a canary, under way or over, for those who judge a task as a whole, such as a gate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from validate_updates import Criterion, CriterionState, OpenJournal, counted
from validate_updates_canary import criteria as own
from validate_updates_canary.looking import Canary, canary
from validate_updates_canary.settings import CanarySettings
from validate_updates_canary.trial import Ended, Trial

_STATES: Final = {
    own.State.MET: CriterionState.PASS,
    own.State.NOT_MET: CriterionState.FAIL,
    own.State.NOT_KNOWN: CriterionState.UNKNOWN,
}


def asked(
    journal: OpenJournal, task: str, since: datetime, until: datetime, *, settings: CanarySettings
) -> Iterator[Criterion]:
    """The criteria of the canary of a task within a window."""
    yield from told(canary(journal, task, since, until), task, since, settings)


def told(found: Canary | None, task: str, since: datetime, settings: CanarySettings) -> Iterator[Criterion]:
    """The criteria of a canary; where there is none, what to do for there to be one."""
    if found is None:
        yield Criterion(
            name="canary",
            target="one that is over, and not aborted",
            actual="none",
            state=CriterionState.UNKNOWN,
            evidence=f"no canary is under way on {task}, and none has ended since {since:%Y-%m-%d}",
            todo=f"validate-updates canary start {task} --plugins A,B --runs 14",
        )
        return
    trial, seen = found.trial, found.sides
    shadow = counted(seen.beside.runs, "run")
    yield _outcome(trial, found.ended)
    yield _runs(trial, seen.canary.runs, found.moment)
    for one in own.criteria(seen, settings):
        yield Criterion(
            name=one.name,
            target=one.wanted,
            actual=one.actual,
            state=_STATES[one.state],
            evidence=f"{counted(seen.canary.runs, 'run')} on {trial.task}, {shadow} in shadow",
            todo=_more(trial) if one.state is own.State.NOT_KNOWN else "",
        )


def _outcome(trial: Trial, ended: Ended | None) -> Criterion:
    return Criterion(
        name="canary",
        target="not aborted",
        actual=ended.how if ended else "under way",
        state=CriterionState.FAIL if ended and ended.how == "aborted" else CriterionState.PASS,
        evidence=f"{', '.join(trial.plugins)}, begun {trial.started_at:%Y-%m-%d %H:%M} UTC",
    )


def _runs(trial: Trial, runs: int, moment: datetime) -> Criterion:
    over = trial.over(runs, moment)
    return Criterion(
        name="runs",
        target=f"{trial.runs}, or {trial.hours:g} hours" if trial.hours else str(trial.runs),
        actual=str(runs),
        state=CriterionState.PASS if over else CriterionState.UNKNOWN,
        evidence=f"enforced on {trial.task}",
        todo="" if over else _more(trial),
    )


def _more(trial: Trial) -> str:
    return f"validate-updates run {trial.task}, then see validate-updates canary status {trial.task}"
