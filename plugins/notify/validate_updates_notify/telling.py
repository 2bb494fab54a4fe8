"""What happens at the end of a run: from what is seen to what is told, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import msgspec

from validate_updates import Finding, Observation, Severity, printable
from validate_updates_notify import delivering
from validate_updates_notify.channels import Channel, channels
from validate_updates_notify.delivering import Limits, Outcome, Send, deliver
from validate_updates_notify.messages import message
from validate_updates_notify.news import News
from validate_updates_notify.outbox import Outbox
from validate_updates_notify.pings import pings
from validate_updates_notify.settings import Notify
from validate_updates_notify.trouble import Open, Run, compared, seen

OPEN: Final = "open"
"""The name under which the troubles of a task are kept."""


def ping_begin(observation: Observation, settings: Notify) -> Iterator[Finding]:
    """Say that the run begins: one try, since it waits."""
    limits = Limits(seconds=delivering.LIMITS.seconds / 2, tries=1, pause=0)
    for name, outcome in deliver(dict(pings(settings, observation, ended=False)), limits).items():
        if not outcome.sent:
            yield _untold(name, outcome)


def tell(observation: Observation, settings: Notify) -> Iterator[Finding]:
    """Tell the channels what there is to tell and may be told now; the rest waits for a later run."""
    sends: dict[str, Send] = dict(pings(settings, observation, ended=True))
    outboxes: dict[str, Outbox] = {}
    counts: dict[str, int] = {}
    if observation.run.kind == "update":  # at a replay, a person sits and watches
        news = _news(observation, settings)
        for channel in channels(settings):
            outbox = Outbox(observation.shared, channel.name)
            lost = outbox.put(observation.run.run_id, _wanted(channel, news, observation.run.task))
            if lost:
                yield _given_up(channel.name, lost)
            waiting = outbox.news()
            quiet = timedelta(minutes=settings.quiet_minutes if channel.quiet else 0)
            if waiting and outbox.may_send(observation.run.as_of, quiet):
                sends[channel.name] = partial(channel.send, message(waiting))
                outboxes[channel.name], counts[channel.name] = outbox, len(waiting)
    for name, outcome in deliver(sends, delivering.LIMITS).items():
        if outcome.sent and name in outboxes:
            outboxes[name].sent(observation.run.as_of)
            yield _told(name, counts[name])
        if outcome.problem:
            yield _untold(name, outcome)


def _news(observation: Observation, settings: Notify) -> list[News]:
    run = Run(task=printable(observation.run.task, 64), run_id=observation.run.run_id, at=observation.run.as_of)
    before = _opened(observation.state.get(OPEN, "{}"))
    after, news = compared(before, seen(observation), run, repeat_after=timedelta(hours=settings.repeat_after))
    if after:
        observation.state[OPEN] = msgspec.json.encode(after).decode()
    else:
        observation.state.pop(OPEN, None)
    return news


def _opened(text: str) -> dict[str, Open]:
    try:
        return msgspec.json.decode(text, type=dict[str, Open])
    except msgspec.DecodeError:  # of an older version: told once more
        return {}


def _wanted(channel: Channel, news: Sequence[News], task: str) -> list[News]:
    if channel.tasks and task not in channel.tasks:
        return []
    return [one for one in news if one.event in channel.events]


def _told(name: str, number: int) -> Finding:
    things = "1 message" if number == 1 else f"{number} messages together"
    return Finding(code="told", severity=Severity.INFO, message=f"{name} was told: {things}", observed=number)


def _untold(name: str, outcome: Outcome) -> Finding:
    what = "was told, but" if outcome.sent else ""
    return Finding(
        code="not_told",
        severity=Severity.WARNING,
        message=" ".join(part for part in (name, what, outcome.problem) if part),
        hint="try it: validate-updates notify test"
        if outcome.sent
        else "it is tried again after the next run; see validate-updates notify test",
    )


def _given_up(name: str, runs: int) -> Finding:
    return Finding(
        code="given_up",
        severity=Severity.WARNING,
        message=f"{name} could not be told for so long that messages of {runs} runs are given up",
        hint="mend the channel: validate-updates notify test",
    )
