"""``canary start|status|promote|abort``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

from validate_updates import Desk, OpenJournal, Section, SwitchMode, UsageError, as_time
from validate_updates_canary import telling
from validate_updates_canary.criteria import criteria
from validate_updates_canary.looking import newest, sides
from validate_updates_canary.settings import CanarySettings
from validate_updates_canary.trial import (
    KEPT,
    LAST,
    MOST_HOURS,
    PLUGIN,
    Change,
    Ended,
    Trial,
    end,
    forget,
    load,
    save,
)

REPLAYED = 120
"""Runs of the past over which the plugins are tried before anything begins."""
Task = Annotated[str, "the task"]


def start(
    task: Task,
    *,
    plugins: Annotated[str, "the plugins on trial, by commas"] = "",
    runs: Annotated[int, "how many runs it takes"] = 14,
    hours: Annotated[float, "and how long at most; 0: as long as the runs take"] = 0.0,
    as_of: Annotated[str, "counts as now: 2024-05-01T06:00Z"] = "",
    desk: Desk,
) -> Section:
    """Try plugins: enforced on this task, in shadow on the others."""
    names = tuple(dict.fromkeys(part.strip() for part in plugins.split(",") if part.strip()))
    if not names:
        raise UsageError("which plugins are on trial? --plugins A,B", hint="see validate-updates plugins list")
    if PLUGIN in names or runs < 1:
        raise UsageError("a canary is of other plugins, and takes at least one run")
    if not 0 <= hours <= MOST_HOURS:  # what is not a number is in no range
        raise UsageError(f"--hours is from 0 to {MOST_HOURS:,}", hint="0: as long as the runs take")
    beside = desk.beside(task)
    with desk.journal(task) as journal:
        _check(journal, desk, task, names)
    told = list(_backtested(desk, task, names))
    with desk.journal(task, write=True) as journal:
        _check(journal, desk, task, names)  # nobody else has begun one meanwhile
        trial = _trial(
            journal,
            desk,
            task,
            names,
            beside=beside,
            runs=runs,
            hours=hours,
            now=as_time("--as-of", as_of or None) or datetime.now(UTC),
        )
        journal.state(task)[KEPT] = save(trial)
        for where, plugin, mode in trial.beginning():
            journal.switch(where, plugin, mode, trial.reason)
    changes = tuple((where, plugin, str(mode)) for where, plugin, mode in trial.beginning())
    return Section(
        title=f"The {telling.title(trial)} has begun",
        header=("task", "plugin", "from its next run on"),
        rows=changes,
        lines=(*told, f"see how it goes: validate-updates canary status {task}"),
    )


def _check(journal: OpenJournal, desk: Desk, task: str, names: Sequence[str]) -> None:
    running = load(journal.state(task))
    if running is not None:
        raise UsageError(
            f"{task} has a canary already: of {', '.join(running.plugins)}", hint="let it end, or abort it"
        )
    for other in desk.beside(task):
        looking_on = load(journal.state(other))
        if looking_on is not None and task in looking_on.beside:
            raise UsageError(
                f"{task} looks on at the {telling.title(looking_on)}",
                hint=f"let it end, or abort it: {telling.by_hand('abort', other)}",
            )
    modes = {one.plugin: one.mode for one in journal.standings(task)}
    already = [name for name in names if modes.get(name) == "enforce"]
    if already:
        raise UsageError(f"nothing to try: {', '.join(already)} is enforced on {task} already")
    problem = desk.problem(_with(modes, names, "enforce"))
    if problem:
        raise UsageError(f"{task} could not run with {', '.join(names)}: {problem}")


def _with(modes: dict[str, str], names: Sequence[str], mode: str) -> list[str]:
    after = {**modes, **dict.fromkeys(names, mode)}
    return [f"{name}:{one}" for name, one in after.items() if one != "off"]


def _backtested(desk: Desk, task: str, names: Sequence[str]) -> Iterator[str]:
    """What each plugin would have said of the past of the task."""
    for name in names:
        sections = desk.backtests(name, task, REPLAYED)
        for section in sections:
            yield from (f"{name}, over the past of {task}: {line}" for line in section.lines)
        if not sections:
            yield f"{name}, over the past of {task}: it cannot be tried on what is stored"


def _trial(
    journal: OpenJournal,
    desk: Desk,
    task: str,
    names: tuple[str, ...],
    *,
    beside: Sequence[str],
    runs: int,
    hours: float,
    now: datetime,
) -> Trial:
    earlier = {task: _earlier(journal, task, (*names, PLUGIN))}
    elsewhere: list[str] = []
    for other in beside:
        modes = {one.plugin: one.mode for one in journal.standings(other)}
        new = [name for name in names if modes.get(name, "off") == "off"]
        if new:
            earlier[other] = _earlier(journal, other, new)
            elsewhere += [other] if not desk.problem(_with(modes, new, "enforce")) else []
    return Trial(
        task=task,
        plugins=names,
        beside=tuple(name for name in earlier if name != task),
        elsewhere=tuple(elsewhere),
        runs=runs,
        hours=hours,
        started_at=now,
        after=newest(journal),
        earlier=earlier,
    )


def _earlier(journal: OpenJournal, task: str, names: Sequence[str]) -> dict[str, SwitchMode]:
    held = {one.plugin: one.switch.mode for one in journal.standings(task) if one.switch}
    return {name: held.get(name, SwitchMode.SETTINGS) for name in names}


def status(task: Task, *, settings: CanarySettings, desk: Desk) -> Section:
    """Both sides of a canary, and how much they rest on."""
    with desk.journal(task) as journal:
        trial = load(journal.state(task))
        if trial is None:
            last = journal.state(task).get(LAST)
            return Section(title=f"No canary is under way on {task}", lines=(f"the last one: {last}",) if last else ())
        seen = sides(journal, trial)
    return telling.page(trial, seen, criteria(seen, settings))


def promote(task: Task, *, reason: Annotated[str, "why, for the journal"] = "", desk: Desk) -> Section:
    """End a canary: its plugins stay, and are enforced on the other tasks too."""
    return _ended(task, "promoted", reason, desk)


def abort(task: Task, *, reason: Annotated[str, "why, for the journal"] = "", desk: Desk) -> Section:
    """End a canary: everything is as before it."""
    return _ended(task, "aborted", reason, desk)


def _ended(task: str, word: str, reason: str, desk: Desk) -> Section:
    if not reason.strip():
        raise UsageError("why? --reason TEXT", hint="the journal keeps it, with who and when")
    with desk.journal(task, write=True) as journal:
        state = journal.state(task)
        trial = load(state)
        if trial is None and KEPT in state and word == "aborted":
            forget(state, f"a canary that cannot be read aborted: {reason.strip()}")
            return Section(
                title=f"The canary on {task} cannot be read, and is over",
                lines=(f"its switches stay: validate-updates plugins list --task {task}",),
            )
        if trial is None:
            raise UsageError(f"no canary is under way on {task}")
        said = f"{telling.title(trial)} {word}: {reason.strip()}"
        changes = list(_own(journal, trial, promoted=word == "promoted"))
        for where, plugin, mode in changes:
            journal.switch(where, plugin, mode, said)
        end(state, Ended(trial=trial, how=word, at=datetime.now(UTC), until=newest(journal)), said)
    return Section(
        title=f"The {said}",
        header=("task", "plugin", "from its next run on"),
        rows=tuple((where, plugin, str(mode)) for where, plugin, mode in changes),
    )


def _own(journal: OpenJournal, trial: Trial, *, promoted: bool) -> Iterator[Change]:
    """The switches with which it ends; what somebody has switched since stays as it was switched."""
    for where, plugin, mode in trial.ending(promoted=promoted):
        held = {one.plugin: one.switch for one in journal.standings(where)}.get(plugin)
        if held is not None and held.reason == trial.reason:
            yield where, plugin, mode
