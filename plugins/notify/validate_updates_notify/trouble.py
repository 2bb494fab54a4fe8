"""What is wrong after a run, check by check: new, going on, or over. From the last state to the next, and news."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from validate_updates import Finding, Observation, Occasion, RunResult, Severity, UpdateError, Verdict, printable
from validate_updates_notify.news import News, State
from validate_updates_notify.settings import Event

OUTCOME: Final = "outcome"
MOST_CHECKS: Final = 50
"""Troubles of one run that are followed, the worst; all that is told of them must fit into one text to keep."""
OWN: Final = "notify"
"""What this plugin says about its own messages is no trouble of the run."""

_TEXT: Final = 400
"""Characters of a sentence."""
_EVENTS: Final = {
    Verdict.REJECTED: Event.REJECTED,
    Verdict.REFUSED: Event.REJECTED,
    Verdict.ROLLED_BACK: Event.REJECTED,
    Verdict.FAILED: Event.FAILED,
    Verdict.INTERRUPTED: Event.FAILED,
    Verdict.COMMITTED_WITH_QUARANTINE: Event.PARTIAL,
}
_EARLY: Final = 0.99
"""A daily run that starts a moment earlier than yesterday's counts as a day later."""


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Trouble that has been told, and is not known to be over."""

    event: Event
    since: Annotated[datetime, msgspec.Meta(tz=True)]
    told: Annotated[datetime, msgspec.Meta(tz=True)]


Troubles = Mapping[str, Open]
"""By check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is to be seen of a run."""

    wrong: Mapping[str, tuple[Event, str]]
    """Check -> what is wrong, and a sentence."""
    once: tuple[tuple[str, Event, str], ...]
    """What has no end that could be told: a decision, a process found dead. With a name and a sentence."""
    looked: bool
    """Whether the checks have looked at the whole of an update: only then is the silence of one of them an answer."""


def seen(observation: Observation) -> Seen:
    """What is wrong after a run, and what was decided."""
    result = observation.result
    wrong = dict(_outcome(result, observation.error))
    findings = sorted(observation.findings, key=lambda finding: -finding.severity.rank)
    for finding in findings:
        if len(wrong) < MOST_CHECKS and _is_trouble(finding):
            wrong.setdefault(_check(finding), (Event.ALERT, printable(finding.message, _TEXT)))
    dead = result.recovered if result else ()
    ends = [(f"process.{run_id}", Event.FAILED, f"run {run_id} ended without a word") for run_id in dead]
    decided = [(_check(one), Event.DECISION, printable(one.message, _TEXT)) for one in findings if _is_decision(one)]
    looked = observation.error is None and result is not None and result.verdict.stands
    return Seen(wrong=wrong, once=(*ends, *decided), looked=looked)


def _outcome(result: RunResult | None, error: Exception | None) -> Iterator[tuple[str, tuple[Event, str]]]:
    if error is not None:
        yield OUTCOME, (Event.FAILED, broke_off(error))
    elif result is not None and result.verdict in _EVENTS and not result.try_later:
        yield OUTCOME, (_EVENTS[result.verdict], printable(result.reason, _TEXT))


def broke_off(error: Exception | None) -> str:
    """Why a run broke off, in a sentence."""
    text = error.message if isinstance(error, UpdateError) else f"a defect: {type(error).__name__}"
    return printable(text, _TEXT)


def _is_trouble(finding: Finding) -> bool:
    """Not what is told as the outcome, as a decision, or not at all."""
    if finding.severity is Severity.INFO or finding.plugin == OWN:
        return False
    return not _is_decision(finding) and bool(finding.plugin or finding.severity is not Severity.CRITICAL)


def _is_decision(finding: Finding) -> bool:
    return finding.moment == Occasion.RECORDED and finding.code != "observer_failed"


def _check(finding: Finding) -> str:
    parts = (finding.plugin or "engine", finding.code, finding.metric or "")
    return printable(".".join(part for part in parts if part), 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The run that news come from."""

    task: str
    run_id: str
    at: datetime

    def news(self, check: str, event: Event, state: State, text: str, since: datetime | None = None) -> News:
        """One thing to tell of it."""
        return News(
            event=event,
            state=state,
            task=self.task,
            check=check,
            text=text,
            run_id=self.run_id,
            at=self.at,
            since=since or self.at,
        )


def compared(before: Troubles, now: Seen, run: Run, *, repeat_after: timedelta) -> tuple[dict[str, Open], list[News]]:
    """The troubles that are open now, and what is to be told: what is new, what goes on for long, what is over."""
    comparison = _Comparison(before, run, repeat_after * _EARLY)
    for check, (event, text) in now.wrong.items():
        comparison.wrong(check, event, text)
    for check, event, text in now.once:
        comparison.once(check, event, text)
    for check, known in before.items():
        comparison.no_more(check, known, looked=now.looked)
    return comparison.after, comparison.news


class _Comparison:
    def __init__(self, before: Troubles, run: Run, wait: timedelta) -> None:
        self._before = before
        self._run = run
        self._wait = wait
        self._decided: set[str] = set()
        self.after: dict[str, Open] = {}
        self.news: list[News] = []

    def _is_due(self, known: Open) -> bool:
        return self._run.at - known.told >= self._wait

    def wrong(self, check: str, event: Event, text: str) -> None:
        """New, or of another kind than before; else it goes on."""
        at, known = self._run.at, self._before.get(check)
        if known is None or known.event is not event:
            self.after[check] = Open(event=event, since=at, told=at)
            self.news.append(self._run.news(check, event, State.NEW, text))
        elif self._is_due(known):
            self.after[check] = msgspec.structs.replace(known, told=at)
            self.news.append(self._run.news(check, event, State.ONGOING, text, known.since))
        else:
            self.after[check] = known

    def no_more(self, check: str, known: Open, *, looked: bool) -> None:
        """What was there before and is not: over, or not looked at. A decision has no end to tell."""
        if check in self.after:
            return
        if known.event is Event.DECISION and check.rpartition("!")[0] in self._decided:
            return  # another decision took its place
        if not looked:
            self.after[check] = known
        elif known.event is not Event.DECISION:
            text = f"no longer {known.event}" if check == OUTCOME else "no longer found"
            self.news.append(self._run.news(check, Event.RECOVERED, State.RESOLVED, text, known.since))

    def once(self, check: str, event: Event, text: str) -> None:
        """What has no end: told when it comes. A decision that the next run repeats word for word is no news."""
        if event is Event.DECISION:
            name, at = f"{check}!{sha256(text.encode()).hexdigest()[:12]}", self._run.at
            known = self._before.get(name) or self.after.get(name)
            self.after[name] = known or Open(event=event, since=at, told=at)
            self._decided.add(check)
            if known:
                return
        self.news.append(self._run.news(check, event, State.NEW, text))
