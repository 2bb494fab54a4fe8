"""A canary for people: both sides, the criteria, and how much they rest on."""

from __future__ import annotations

from validate_updates import Section
from validate_updates_canary.criteria import Criterion, Sides, State
from validate_updates_canary.figures import Figures
from validate_updates_canary.trial import Trial


def title(trial: Trial) -> str:
    """``canary of batch on daily``."""
    return f"canary of {', '.join(trial.plugins)} on {trial.task}"


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


def page(trial: Trial, sides: Sides, judged: tuple[Criterion, ...]) -> Section:
    """Both sides, figure by figure, and what follows."""
    columns = [(f"{trial.task}, enforced", sides.canary), (f"{trial.task}, before", sides.before)]
    if trial.beside:
        columns.append((f"{', '.join(trial.beside)}, in shadow", sides.beside))
    rows = [[cell for _, cell in _cells(one)] for _, one in columns]
    names = [name for name, _ in _cells(sides.canary)]
    return Section(
        title=title(trial).capitalize(),
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
        ("that stood", str(one.stood)),
        ("good records committed", f"{one.good:,} of {one.read:,} read"),
        ("records kept out", f"{one.kept_out:,}"),
        ("batches failed", f"{one.batches_failed:,} of {one.batches:,}"),
        ("runs with an alert", str(one.alerts)),
        ("rejected, or would have been", f"{one.opposed} ({one.at_stake:,} records stand that would not)"),
        ("errors", str(one.errors)),
        ("seconds a run", "" if usual is None else f"{usual:.2f}"),
    ]
