"""What the policy would do now, with the evidence: ``monitor --what-if``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from validate_updates import Answer, Desk, OpenJournal, RunRow, Section
from validate_updates_monitoring.acting import actions, since, told_apart
from validate_updates_monitoring.policy import Response, responses, what_to_type
from validate_updates_monitoring.settings import Monitoring
from validate_updates_monitoring.troubles import PLUGIN, Trouble, enforced, troubles

_LOOKED_AT = 200
"""The newest entries of a task, among which its last update is looked for."""


def previews(desk: Desk, settings: Monitoring, tasks: Sequence[str], now: datetime) -> Answer:
    """Of each task. The journals are read, and nothing is written."""
    sections: list[Section] = []
    data: list[dict[str, Any]] = []
    for task in tasks:
        with desk.journal(task) as journal:
            run = _last(journal, task, now)
            fresh, known = _troubles(journal, run, settings) if run else ((), ())
            would = responses(journal, fresh, settings)
            in_force = any(one.plugin == PLUGIN and one.mode == "enforce" for one in journal.standings(task))
        sections.append(_page(task, run, would, known, settings, in_force=in_force))
        data.append(
            {
                "task": task,
                "run_id": run.run_id if run else None,
                "in_force": in_force,
                "would": [_as_data(one, settings) for one in would],
                "told_before": [_of_trouble(one) for one in known],
            }
        )
    return Answer(sections=tuple(sections), data={"tasks": data})


def _last(journal: OpenJournal, task: str, now: datetime) -> RunRow | None:
    """The last update that came to an end."""
    runs = journal.runs(task=task, until=now, limit=_LOOKED_AT)
    return next((one for one in runs if one.is_ended_update), None)


def _troubles(journal: OpenJournal, run: RunRow, settings: Monitoring) -> tuple[Sequence[Trouble], Sequence[Trouble]]:
    (one,) = journal.judged([run.run_id])
    kept = journal.state(run.task)
    return told_apart(troubles(journal, one, settings, since(kept)), kept)


def _page(
    task: str,
    run: RunRow | None,
    would: Sequence[Response],
    known: Sequence[Trouble],
    settings: Monitoring,
    *,
    in_force: bool,
) -> Section:
    if run is None:
        return Section(title=f"{task}: no update to look at", lines=())
    enable = f'validate-updates plugins enable {PLUGIN} --task {task} --reason "…"'
    about = f"after run {run.run_id}, with {', '.join(enforced(run)) or 'no plugins'}"
    return Section(
        title=f"{task}: what the policy would do",
        header=("severity", "because", "would be done", "then type") if would else (),
        rows=tuple(
            (str(int(one.level)), one.because, "; ".join(actions(one, settings)) or "nothing", what_to_type(one))
            for one in would
        ),
        lines=(
            about if would else f"nothing, {about}",
            *(f"told before, and goes on: {one.what}: {one.evidence}" for one in known),
            "nothing was done now",
            *(() if in_force else (f"the policy is not in force on {task}: {enable}",)),
        ),
    )


def _as_data(one: Response, settings: Monitoring) -> dict[str, Any]:
    return {
        "severity": int(one.level),
        "run_id": one.run.run_id,
        "because": [_of_trouble(trouble) for trouble in one.troubles],
        "switch_off": one.switch_off,
        "take_back": one.take_back,
        "report": one.level == 1 and bool(settings.incidents),
        "then": what_to_type(one),
    }


def _of_trouble(one: Trouble) -> dict[str, Any]:
    return {"what": one.what, "evidence": one.evidence, "at_fault": one.at_fault}
