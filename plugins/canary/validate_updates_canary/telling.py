"""A canary for people: both sides, the criteria, and how much they rest on."""

from __future__ import annotations

from validate_updates import Section
from validate_updates_canary.criteria import Criterion, Sides, State
from validate_updates_canary.figures import Figures
from validate_updates_canary.trial import Trial


def title(trial: Trial) -> str:
    """``canary of batch on daily``."""
    return f"canary of {', '.join(trial.plugins)} on {trial.task}"


def by_hand(word: str, task: str) -> str:
    """The command that ends it."""
    return f'validate-updates canary {word} {task} --reason "…"'


def progress(trial: Trial, sides: Sides) -> str:
    """How far it is."""
    until = f", or {trial.hours:g} hours after {trial.started_at:%Y-%m-%d %H:%M} UTC" if trial.hours else ""
    beside = f" and {sides.beside.runs} in shadow on {', '.join(trial.beside)}" if trial.beside else ""
    return f"run {sides.canary.runs} of {trial.runs}{until}{beside}"


def evidence(judged: tuple[Criterion, ...]) -> str:
    """What speaks against it, or what is not known yet; in one sentence."""
    bad = [f"{one.name}: {one.actual}, {one.wanted} wanted" for one in judged if one.state is State.NOT_MET]
    if bad:
        return "; ".join(bad)
    unknown = [f"{one.name} ({one.actual})" for one in judged if one.state is State.NOT_KNOWN]
    return f"too few runs to tell: {', '.join(unknown)}" if unknown else "all criteria are met"


def page(trial: Trial, sides: Sides, judged: tuple[Criterion, ...], how: str = "") -> Section:
    """Both sides, figure by figure, and what follows. ``how`` it ended, if it has."""
    columns = [("enforced", sides.canary), ("before", sides.before), ("in shadow", sides.beside)]
    columns = columns if trial.beside else columns[:2]
    rows = [[cell for _, cell in _cells(one)] for _, one in columns]
    names = [name for name, _ in _cells(sides.canary)]
    named = title(trial)
    return Section(
        title=f"{named[0].upper()}{named[1:]}{f': {how}' if how else ''}",
        header=("", *(name for name, _ in columns)),
        rows=tuple((name, *(row[at] for row in rows)) for at, name in enumerate(names)),
        lines=(
            progress(trial, sides),
            *(f"{one.name}: {one.state}: {one.actual}, wanted {one.wanted}" for one in judged),
            evidence(judged),
        ),
    )


def _cells(one: Figures) -> list[tuple[str, str]]:
    usual = one.usual_seconds
    return [
        ("runs", str(one.runs)),
        ("stood", str(one.stood)),
        ("records read", f"{one.read:,}"),
        ("good records", f"{one.good:,}"),
        ("kept out", f"{one.kept_out:,}"),
        ("batches failed", f"{one.batches_failed:,} of {one.batches:,}"),
        ("with an alert", str(one.alerts)),
        ("rejected", str(one.opposed)),
        ("at stake", f"{one.at_stake:,}"),
        ("errors", str(one.errors)),
        ("seconds a run", "" if usual is None else f"{usual:.2f}"),
    ]
