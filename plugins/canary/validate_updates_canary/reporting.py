"""The report of a canary: both sides, the criteria, and what was switched for it."""

from __future__ import annotations

from validate_updates import Answer, ReportContext, Section, Switch
from validate_updates_canary import telling
from validate_updates_canary.asking import asked
from validate_updates_canary.criteria import criteria
from validate_updates_canary.looking import Until, sides
from validate_updates_canary.settings import CanarySettings
from validate_updates_canary.trial import LAST, load, load_ended


def report(context: ReportContext, settings: CanarySettings) -> Answer:
    """Of the canary under way, or of the one that has ended in the window."""
    judged = tuple(asked(context.journal, context.task, context.since, context.until, settings=settings))
    switches = [one for one in context.journal.switches(context.task) if context.since <= one.made_at <= context.until]
    return Answer(
        sections=(_sides(context, settings), _switches(switches)),
        data={"criteria": judged, "switches": switches},
    )


def _sides(context: ReportContext, settings: CanarySettings) -> Section:
    state = context.journal.state(context.task)
    trial, ended = load(state), load_ended(state)
    if trial is not None and trial.started_at <= context.until:
        seen = sides(context.journal, trial, Until(context.until, None))
        return telling.page(trial, seen, criteria(seen, settings))
    if ended is not None and context.since <= ended.at <= context.until:
        seen = sides(context.journal, ended.trial, Until(ended.at, ended.until))
        return telling.page(ended.trial, seen, criteria(seen, settings), ended.how)
    last = state.get(LAST)
    said = (f"the last one: {last}",) if last else ()
    begin = f"begin one: validate-updates canary start {context.task} --plugins A,B --runs 14"
    return Section(title=f"No canary on {context.task} in this time", lines=(*said, begin))


def _switches(made: list[Switch]) -> Section:
    return Section(
        title="How plugins were switched",
        header=("when", "plugin", "to", "by") if made else (),
        rows=tuple((f"{one.made_at:%Y-%m-%d %H:%M}", one.plugin, one.mode.value, one.made_by) for one in made),
        lines=tuple(dict.fromkeys(f"{one.plugin}: {one.reason}" for one in made)) or ("not at all",),
    )
