"""What to do about what was seen, each with the command to type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from validate_updates import ReportContext, Waiting
from validate_updates_reports.figures import Figures
from validate_updates_reports.tallies import Tally
from validate_updates_reports.words import counted, percent

FALSE_ALARMS: Final = 5.0
"""Per cent of the updates about which a check may be wrong."""


def suggestions(
    context: ReportContext, found: Figures, checks: Sequence[Tally], waiting: Sequence[Waiting]
) -> tuple[str, ...]:
    """The most pressing first."""
    return tuple(_suggested(context.task, found, checks, waiting))


def _suggested(task: str, found: Figures, checks: Sequence[Tally], waiting: Sequence[Waiting]) -> Iterator[str]:
    if not found.runs:
        yield f"no update has ended: see whether it could run: validate-updates doctor --task {task}"
        return
    if found.unaccounted:
        yield f"records are unaccounted for: validate-updates runs show {found.unaccounted[0].run_id}"
    if found.broken:
        yield f"{counted(len(found.broken), 'run')} broke off: validate-updates runs show {found.broken[0].run_id}"
    if found.unanswered:
        many = counted(len(found.unanswered), "alert")
        yield f"without an answer: {many}: validate-updates runs ack {found.unanswered[0].run_id} --expected|--incident"
    for one in checks:
        if one.false_alarms * 100 > FALSE_ALARMS * one.asked:
            share = percent(one.false_alarms, one.asked)
            yield f"{one.check} was wrong about {share} of the updates: {_mend(one, task)}"
    if waiting:
        most = waiting[0]
        yield (
            f"in quarantine for {most.code}: {counted(most.records, 'record')}: "
            f"validate-updates quarantine list --task {task} --code {most.code}"
        )
    if found.writing and not any(run.backup for run in found.writing):
        yield f"no run has made a backup: validate-updates backup create --task {task}"


def _mend(one: Tally, task: str) -> str:
    plugin = one.check.partition(".")[0]
    if plugin == "historical":
        return f"validate-updates thresholds suggest --task {task}"
    return f'validate-updates plugins shadow {plugin} --task {task} --reason "false alarms"'
