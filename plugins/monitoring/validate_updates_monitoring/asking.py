"""The criteria of success for those who judge a task as a whole, such as a gate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from validate_updates import Criterion, CriterionState, OpenJournal
from validate_updates_monitoring import criteria as live
from validate_updates_monitoring.figures import figures
from validate_updates_monitoring.settings import Monitoring

_STATES: Final = {live.State.PASS: CriterionState.PASS, live.State.FAIL: CriterionState.FAIL}
_DAY: Final = timedelta(days=1)


def asked(
    journal: OpenJournal, task: str, since: datetime, until: datetime, *, settings: Monitoring
) -> Iterator[Criterion]:
    """The criteria of a task over a window."""
    found = figures(journal, task, now=until, days=(until - since) / _DAY, watched=settings.watched)
    for one in live.criteria(found, settings):
        yield Criterion(
            name=one.name,
            target=one.target,
            actual=one.actual,
            state=_STATES.get(one.state, CriterionState.UNKNOWN),
            evidence=one.evidence,
            todo=_todo(one, task, settings),
            runs=one.runs,
        )


def _todo(one: live.Criterion, task: str, settings: Monitoring) -> str:
    if one.state is live.State.UNANSWERED:
        return f"say what they were: validate-updates runs ack {one.runs[0]} --expected|--incident"
    if one.state is live.State.UNKNOWN:
        sides = "with, and as many without" if one.name == "overhead" else "in the window"
        return f"validate-updates run {task}: it takes {settings.least_runs} runs {sides}"
    return ""
