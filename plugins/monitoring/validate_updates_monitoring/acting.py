"""The policy in force: after each run of a task that has ``monitoring`` among its plugins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from validate_updates import Finding, JudgedRun, Observation, RunState, Severity, SwitchMode, write_whole
from validate_updates_monitoring.incident import report, report_path
from validate_updates_monitoring.policy import CODE, Response, responses, what_to_type
from validate_updates_monitoring.settings import Monitoring
from validate_updates_monitoring.severity import Level
from validate_updates_monitoring.troubles import PLUGIN, Trouble, troubles

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLD: Final = "told"
"""Under which it is kept what was told of many runs, so that it is told once."""
SINCE: Final = "since."
"""And after which run a plugin was switched off: what came before is dealt with."""
_SEVERITIES: Final = {Level.ONE: Severity.CRITICAL, Level.TWO: Severity.WARNING, Level.THREE: Severity.WARNING}


def act(observation: Observation, settings: Monitoring) -> Iterator[Finding]:
    """Do what the policy says of the run, and say what was done."""
    one = _observed(observation)
    if one is None or observation.run.kind != "update":
        return
    found = troubles(observation.journal, one, settings, since(observation.state))
    fresh, _ = told_apart(found, observation.state)
    _keep_told(observation.state, found)
    for response in responses(observation.journal, fresh, settings):
        for plugin in response.switch_off:
            observation.journal.switch(response.run.task, plugin, SwitchMode.OFF, response.reason)
            if response.run.task == observation.run.task:
                observation.state[f"{SINCE}{plugin}"] = str(one.run.run_no)
        if response.take_back:
            observation.journal.take_back(response.run.run_id, response.reason)
        yield finding(response, settings)


def _observed(observation: Observation) -> JudgedRun | None:
    """The run as the journal has it; None where it did not come so far."""
    found = observation.journal.judged([observation.run.run_id])
    return found[0] if found and found[0].run.state is not RunState.RUNNING else None


def since(state: Mapping[str, str]) -> dict[str, int]:
    """Plugin -> number of the run after which it was switched off."""
    kept = ((name.removeprefix(SINCE), text) for name, text in state.items() if name.startswith(SINCE))
    return {plugin: int(text) for plugin, text in kept if text.isdecimal()}


def told_apart(found: Sequence[Trouble], state: Mapping[str, str]) -> tuple[Sequence[Trouble], Sequence[Trouble]]:
    """What is new, and what was told after an earlier run and goes on."""
    told = set(state.get(TOLD, "").splitlines())
    return [one for one in found if one.name not in told], [one for one in found if one.name in told]


def _keep_told(state: dict[str, str], found: Sequence[Trouble]) -> None:
    lasting = [trouble.name for trouble in found if trouble.lasting]
    if lasting:
        state[TOLD] = "\n".join(lasting)
    else:
        state.pop(TOLD, None)


def finding(response: Response, settings: Monitoring) -> Finding:
    """What was done, and why; with the command to type next."""
    done = "; ".join(actions(response, settings)) or "nothing is switched"
    return Finding(
        code=CODE[response.level],
        severity=_SEVERITIES[response.level],
        message=f"severity {int(response.level)}: {response.because}. {done[0].upper()}{done[1:]}",
        hint=what_to_type(response),
        runs=(response.run.run_id,),
    )


def actions(response: Response, settings: Monitoring) -> Iterator[str]:
    """What is done, in words."""
    if response.switch_off:
        yield f"from the next run of {response.run.task} on, off: {', '.join(response.switch_off)}"
    if response.take_back:
        yield f"run {response.run.run_id} is taken back"
    if response.level is Level.ONE and settings.incidents:
        yield f"reported in {report_path(settings, response.run.run_id)}"


def write_reports(observation: Observation, settings: Monitoring) -> Iterator[Finding]:
    """Write a file for each incident, when all that was done about it is in the journal."""
    for one in observation.findings:
        if one.plugin == PLUGIN and one.code == CODE[Level.ONE] and settings.incidents:
            for run_id in one.runs:
                path = report_path(settings, run_id)
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(path, report(observation.journal, run_id), mode=0o600)
                except OSError as error:
                    yield Finding(
                        code="incident_not_written",
                        severity=Severity.WARNING,
                        message=f"the report {path} could not be written: {error.strerror}",
                        hint=f"validate-updates monitoring incident {run_id} --task {observation.run.task}",
                    )
                else:
                    yield Finding(code="incident_reported", severity=Severity.INFO, message=f"the report is {path}")
