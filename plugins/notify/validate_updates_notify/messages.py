"""From news to a message, and to the shapes in which channels want it. Bounded, and nothing in it is markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import msgspec

from validate_updates_notify.news import News, State
from validate_updates_notify.settings import Event, Shape

MOST_NEWS: Final = 20
"""Told one by one in a message; the rest are counted."""
MOST_TEXT: Final = 1940
"""Characters of a message as text, about: Discord takes 2,000."""
_SPARE: Final = 300
"""Of them for the title, and for the command that shows more."""

_WORDS: Final = {
    Event.REJECTED: "rejected",
    Event.PARTIAL: "committed in part",
    Event.FAILED: "failed",
    Event.ALERT: "alert",
    Event.RECOVERED: "recovered",
    Event.DECISION: "decided",
}
_MARKS: Final = {Event.RECOVERED: "✔", Event.DECISION: "•"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a channel sends."""

    title: str
    lines: tuple[str, ...]
    news: tuple[News, ...] = ()

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join((self.title, *self.lines))


def message(news: Sequence[News]) -> Message:
    """One message about one run, or a digest of several: as much as there is room for, and the number of the rest."""
    shown = list(_fitting(news))
    dated = len({one.run_id for one in news}) > 1
    lines = [line for _, told in groupby(shown, key=_run_of) for line in _of_run(list(told), dated=dated)]
    if len(shown) < len(news):
        lines.insert(len(lines) - 1, f"… and {len(news) - len(shown)} more")
    return Message(title=_title(news), lines=tuple(lines), news=tuple(shown))


def _run_of(news: News) -> str:
    return news.run_id


def _fitting(news: Sequence[News]) -> Iterator[News]:
    room = MOST_TEXT - _SPARE
    for number, one in enumerate(news):
        room -= len(_line(one, dated=True)) + (_SPARE if number and one.run_id != news[number - 1].run_id else 0)
        if number == MOST_NEWS or (number and room < 0):
            return
        yield one


def _title(news: Sequence[News]) -> str:
    tasks = sorted({one.task for one in news})
    words = list(dict.fromkeys(_WORDS[one.event] for one in news))
    if len({one.run_id for one in news}) == 1:
        return f"{tasks[0]}: {', '.join(words)}"
    return f"{', '.join(tasks[:3])}{' …' if len(tasks) > 3 else ''}: {len(news)} messages"


def _of_run(news: Sequence[News], *, dated: bool) -> Iterator[str]:
    said: list[str] = []
    for one in news:
        if one.event is not Event.ALERT or not any(one.text in text for text in said):  # the outcome may say it already
            yield _line(one, dated=dated)
        said.append(one.text)
    yield f"  validate-updates runs show {news[0].run_id}"


def _line(one: News, *, dated: bool) -> str:
    when = f"{one.at:%Y-%m-%d %H:%M} UTC  " if dated else ""
    still = " (still)" if one.state is State.ONGOING else ""
    since = f" since {one.since:%Y-%m-%d %H:%M} UTC" if one.state is not State.NEW else ""
    check = "" if one.check == "outcome" else f" [{one.check}]"
    return f"{_MARKS.get(one.event, '✖')} {when}{one.task} {_WORDS[one.event]}{still}{since}{check}: {one.text}"


def body(message: Message, shape: Shape) -> dict[str, Any]:
    """The JSON that a webhook of this shape takes. No text in it can ping a person, or hide a link behind words."""
    if shape is Shape.SLACK:
        text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return {"text": text, "mrkdwn": False}
    if shape is Shape.DISCORD:  # in a block of code nothing is markup but the backticks that would end it
        return {"content": "```\n{}\n```".format(message.text.replace("`", "'")), "allowed_mentions": {"parse": []}}
    return {
        "schema_version": 1,
        "title": message.title,
        "text": message.text,
        "messages": msgspec.to_builtins(message.news),
    }
