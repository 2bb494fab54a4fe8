"""The look at a canary after each run of its task: it goes on, or ends by its rule."""

from __future__ import annotations

from collections.abc import Iterator

from validate_updates import Finding, Observation, Severity, Switch
from validate_updates_canary import telling
from validate_updates_canary.criteria import Decision, criteria, decide
from validate_updates_canary.looking import newest, sides
from validate_updates_canary.settings import CanarySettings
from validate_updates_canary.trial import TOLD, Ended, Trial, end, load

_CODES = {
    Decision.PROMOTE: "canary_promoted",
    Decision.ABORT: "canary_aborted",
    Decision.UNDECIDED: "canary_undecided",
}
_WORDS = {
    Decision.PROMOTE: "has stood the test: its plugins stay",
    Decision.ABORT: "is aborted: its plugins are taken out again",
    Decision.UNDECIDED: "is not decided",
}


def watch(observation: Observation, settings: CanarySettings) -> Iterator[Finding]:
    """Judge the canary of the run's task, where it has one."""
    trial = load(observation.state)
    if trial is None or observation.result is None or observation.run.kind != "update":
        return
    meddled = _switched_by_others(observation, trial)
    if meddled:
        yield _broken_off(observation, trial, meddled)
        return
    seen = sides(observation.journal, trial)
    judged = criteria(seen, settings)
    decision = decide(judged, over=trial.over(seen.canary.runs, observation.run.as_of))
    if decision is Decision.GO_ON or (decision is Decision.UNDECIDED and TOLD in observation.state):
        return
    said = f"{telling.progress(trial, seen)}: {telling.evidence(judged)}"
    yield _finding(trial, decision, said)
    if decision is Decision.UNDECIDED:
        observation.state[TOLD] = "yes"
    else:
        _end(observation, trial, decision, said)


def _switched_by_others(observation: Observation, trial: Trial) -> list[str]:
    """Plugins on trial that somebody has switched since, on the task of the canary."""
    newest = _newest(observation, trial.task)
    return [name for name in trial.plugins if name not in newest or newest[name].reason != trial.reason]


def _newest(observation: Observation, task: str) -> dict[str, Switch]:
    return {switch.plugin: switch for switch in observation.journal.switches(task)}


def _end(observation: Observation, trial: Trial, decision: Decision, said: str) -> None:
    """Leave each plugin as it is to be; what somebody has switched since stays as it was switched."""
    word = "promoted" if decision is Decision.PROMOTE else "aborted"
    for task, plugin, mode in trial.ending(promoted=decision is Decision.PROMOTE):
        switch = _newest(observation, task).get(plugin)
        if switch is not None and switch.reason == trial.reason:
            observation.journal.switch(task, plugin, mode, f"{telling.title(trial)} {word} by its rule, {said}")
    over = Ended(trial=trial, how=word, at=observation.run.as_of, until=newest(observation.journal))
    end(observation.state, over, f"{telling.title(trial)} {word} by its rule after {observation.run.run_id}, {said}")


def _broken_off(observation: Observation, trial: Trial, meddled: list[str]) -> Finding:
    said = f"somebody has switched {', '.join(meddled)} meanwhile"
    _end(observation, trial, Decision.ABORT, said)
    return Finding(
        code="canary_aborted",
        severity=Severity.WARNING,
        message=f"the {telling.title(trial)} is over: {said}",
        hint=f"validate-updates plugins list --task {trial.task}",
    )


def _finding(trial: Trial, decision: Decision, said: str) -> Finding:
    hints = {Decision.UNDECIDED: f"{telling.by_hand('promote', trial.task)}, or {telling.by_hand('abort', trial.task)}"}
    return Finding(
        code=_CODES[decision],
        severity=Severity.INFO if decision is Decision.PROMOTE else Severity.WARNING,
        message=f"the {telling.title(trial)} {_WORDS[decision]}: {said}",
        hint=hints.get(decision, f"validate-updates canary status {trial.task}"),
    )
