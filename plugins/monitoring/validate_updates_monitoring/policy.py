"""What is done about what is wrong, by the settings: decided here, done by the observer, shown by ``--what-if``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from validate_updates import RunRow, SwitchMode
from validate_updates_monitoring.settings import Monitoring
from validate_updates_monitoring.severity import Level
from validate_updates_monitoring.troubles import PLUGIN, Trouble, enforced

if TYPE_CHECKING:
    from validate_updates import JournalView


MOST_TOLD: Final = 5
"""Things that are wrong with a run and told in one sentence; the findings of the run have them all."""
CODE: Final = {level: f"severity_{level:d}" for level in Level}
"""Of the finding that tells of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """To all that is wrong of one severity about one run."""

    level: Level
    run: RunRow
    troubles: tuple[Trouble, ...]
    switch_off: tuple[str, ...] = ()
    """Plugins of the run's task."""
    take_back: bool = False

    @property
    def because(self) -> str:
        """What is wrong, with the evidence."""
        said = [f"{one.what}: {one.evidence}" for one in self.troubles[:MOST_TOLD]]
        left = len(self.troubles) - MOST_TOLD
        return "; ".join([*said, f"and {left} more"] if left > 0 else said)

    @property
    def reason(self) -> str:
        """For the journal, by which an incident's report finds it."""
        return f"severity {int(self.level)} in run {self.run.run_id}: {self.because}"


def responses(journal: JournalView, found: Sequence[Trouble], settings: Monitoring) -> Sequence[Response]:
    """What the policy does, the worst first. A plugin that is off already is not switched off once more."""
    done: set[tuple[str, str]] = set()
    made: list[Response] = []
    for (level, _), same in _grouped(found).items():
        run = same[0].run
        off = [
            name
            for name in _to_switch(level, same, settings)
            if (run.task, name) not in done and _is_on(journal, run, name)
        ]
        done.update((run.task, name) for name in off)
        made.append(
            Response(
                level=level,
                run=run,
                troubles=tuple(same),
                switch_off=tuple(off),
                take_back=level is Level.ONE and settings.severity_1.auto_rollback and _can_be_taken_back(same),
            )
        )
    return made


def _grouped(found: Sequence[Trouble]) -> Mapping[tuple[Level, str], list[Trouble]]:
    groups: dict[tuple[Level, str], list[Trouble]] = {}
    for one in sorted(found, key=lambda trouble: trouble.level):
        groups.setdefault((one.level, one.run.run_id), []).append(one)
    return groups


def _to_switch(level: Level, same: Sequence[Trouble], settings: Monitoring) -> Sequence[str]:
    if level is Level.THREE:
        return ()
    named = settings.severity_1.disable if level is Level.ONE else ()
    at_fault = (name for one in same for name in one.at_fault)
    took_part = enforced(same[0].run)
    return [name for name in dict.fromkeys((*named, *at_fault)) if name in took_part and name != PLUGIN]


def _is_on(journal: JournalView, run: RunRow, plugin: str) -> bool:
    newest = {switch.plugin: switch.mode for switch in journal.switches(run.task)}
    return newest.get(plugin) is not SwitchMode.OFF


def _can_be_taken_back(same: Sequence[Trouble]) -> bool:
    counts = same[0].run.counts
    wrote = counts.inserted + counts.updated + counts.deleted
    return same[0].run.state.stands and bool(wrote) and any(one.spoilt for one in same)


def what_to_type(response: Response) -> str:
    """The command that comes next."""
    run, task = response.run, response.run.task
    if response.level is Level.ONE:
        return f"validate-updates monitoring incident {run.run_id} --task {task}"
    if response.level is Level.TWO:
        return f"validate-updates plugins list --task {task}"
    return next(_tuning(response))


def _tuning(response: Response) -> Iterator[str]:
    run, task = response.run, response.run.task
    for one in response.troubles:
        if one.what == "batches failed":
            yield f"validate-updates quarantine list --run {run.run_id} --task {task}"
        elif one.what == "slowdown":
            yield f"validate-updates runs show {run.run_id} --task {task} --verbose"
        elif "historical" in one.at_fault:
            yield f"validate-updates thresholds suggest --task {task}"
        else:
            yield f"validate-updates plugins show {', '.join(one.at_fault)}"
