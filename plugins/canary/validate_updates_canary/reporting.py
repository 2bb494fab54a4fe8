"""The report of a canary: both sides, the criteria, and what was switched for it."""

from __future__ import annotations

from validate_updates import Answer, ReportContext, Section, Switch
from validate_updates_canary import telling
from validate_updates_canary.asking import told
from validate_updates_canary.criteria import criteria
from validate_updates_canary.looking import Canary, canary
from validate_updates_canary.settings import CanarySettings
from validate_updates_canary.trial import LAST


def report(context: ReportContext, settings: CanarySettings) -> Answer:
    """Of the canary under way, or of the one that has ended in the window."""
    found = canary(context.journal, context.task, context.since, context.until)
    switches = [one for one in context.journal.switches(context.task) if context.since <= one.made_at <= context.until]
    return Answer(
        sections=(_page(found, settings) if found else _none(context), _switches(switches)),
        data={"criteria": tuple(told(found, context.task, context.since, settings)), "switches": switches},
    )


def _page(found: Canary, settings: CanarySettings) -> Section:
    how = found.ended.how if found.ended else ""
    return telling.page(found.trial, found.sides, criteria(found.sides, settings), how)


def _none(context: ReportContext) -> Section:
    last = context.journal.state(context.task).get(LAST)
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
