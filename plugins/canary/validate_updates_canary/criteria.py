"""The criteria of a canary, each with what it asks for and what the runs say; and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import comb

from validate_updates import counted, grown
from validate_updates_canary.figures import Figures
from validate_updates_canary.settings import CanarySettings

CHANCE = 0.05
"""How rare a rate must be under the one that is allowed, before chance does not explain it."""


class State(StrEnum):
    """Of a criterion."""

    MET = "met"
    NOT_MET = "not met"
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One of them."""

    name: str
    wanted: str
    actual: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The runs that are compared."""

    canary: Figures
    """Of the task, since the plugins are enforced there."""
    before: Figures
    """Of the task, as many before that."""
    beside: Figures
    """Of the other tasks, where the plugins are in shadow."""


def criteria(sides: Sides, settings: CanarySettings) -> tuple[Criterion, ...]:
    """All of them."""
    return (
        _errors(sides, settings),
        _data_loss(sides, settings),
        _slowdown(sides, settings),
        _false_alarms(sides, settings),
    )


def _errors(sides: Sides, settings: CanarySettings) -> Criterion:
    errors, runs = sides.canary.errors + sides.beside.errors, sides.canary.runs + sides.beside.runs
    return _counted("errors", errors, settings.errors, runs, sides)


def _data_loss(sides: Sides, settings: CanarySettings) -> Criterion:
    return _counted("data loss", sides.canary.losses, settings.data_loss, sides.canary.runs, sides)


def _counted(name: str, found: int, borne: int, runs: int, sides: Sides) -> Criterion:
    state = State.NOT_MET if found > borne else State.MET if sides.canary.runs else State.NOT_KNOWN
    return Criterion(name, str(borne), f"{found} in {counted(runs, 'run')}", state)


def _slowdown(sides: Sides, settings: CanarySettings) -> Criterion:
    wanted = f"under {settings.slowdown:g} %"
    now, before = sides.canary.usual_seconds, sides.before.usual_seconds
    fewest = min(len(sides.canary.seconds), len(sides.before.seconds))
    if now is None or before is None or fewest < settings.least_runs:
        few = f"{counted(len(sides.canary.seconds), 'run')} to compare with {len(sides.before.seconds)}"
        return Criterion("slowdown", wanted, few, State.NOT_KNOWN)
    growth = grown(sides.canary.records, sides.before.records)
    fair = before * growth.times
    slower = (now / fair - 1) * 100 if fair else 0.0
    said = f"{now:.2f} s a run, {before:.2f} s before{growth.words} ({slower:+.0f} %)"
    bad = slower >= settings.slowdown and now - fair >= settings.least_seconds
    return Criterion("slowdown", wanted, said, State.NOT_MET if bad else State.MET)


def _false_alarms(sides: Sides, settings: CanarySettings) -> Criterion:
    alarms, runs = sides.canary.false_alarms + sides.beside.false_alarms, sides.canary.runs + sides.beside.runs
    wanted, allowed = f"under {settings.false_alarms:g} %", settings.false_alarms / 100
    said = f"{alarms} in {counted(runs, 'run')}"
    if runs:
        said += f" ({alarms / runs * 100:.0f} %; up to {at_most(alarms, runs) * 100:.0f} % cannot be ruled out)"
    if runs < settings.least_runs:
        return Criterion("false alarms", wanted, said, State.NOT_KNOWN)
    if alarms == 0 or alarms / runs < allowed:
        return Criterion("false alarms", wanted, said, State.MET)
    by_chance = chance_of(alarms, runs, allowed)
    return Criterion("false alarms", wanted, said, State.NOT_MET if by_chance < CHANCE else State.NOT_KNOWN)


def chance_of(events: int, runs: int, rate: float) -> float:
    """How likely so many events, or more, are in so many runs, where each has this chance."""
    return sum(comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(events, runs + 1))


def at_most(events: int, runs: int) -> float:
    """The highest rate under which so few events are not rarer than chance allows (Clopper and Pearson, one-sided)."""
    low, high = events / runs, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if 1 - chance_of(events + 1, runs, middle) > CHANCE:
            low = middle
        else:
            high = middle
    return high


class Decision(StrEnum):
    """What is to become of a canary."""

    GO_ON = "go on"
    PROMOTE = "promote"
    ABORT = "abort"
    UNDECIDED = "undecided"
    """Its time is up, and the runs do not say enough."""


def decide(judged: tuple[Criterion, ...], *, over: bool) -> Decision:
    """What follows. What is not met ends a canary at once; what is not known, never."""
    states = {one.state for one in judged}
    if State.NOT_MET in states:
        return Decision.ABORT
    if not over:
        return Decision.GO_ON
    return Decision.UNDECIDED if State.NOT_KNOWN in states else Decision.PROMOTE
