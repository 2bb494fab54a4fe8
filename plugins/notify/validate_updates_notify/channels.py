"""The channels of the settings: what each is told, and how it sends.

What the ways out need is imported when something is sent: most runs have nothing to tell.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import msgspec

from validate_updates_notify.delivering import Undelivered
from validate_updates_notify.messages import Message, body
from validate_updates_notify.revealing import revealed
from validate_updates_notify.settings import Apprise, Email, Event, LogFile, Notify, Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to tell people."""

    name: str
    """``webhook.ops``: kind and name, as in the settings."""
    events: tuple[Event, ...]
    tasks: tuple[str, ...]
    """None means all."""
    quiet: bool
    """Whether it is kept from being told too often."""
    send: Callable[[Message, float], str]
    """Within so many seconds; what is not quite right. Raises :class:`Undelivered`."""


def channels(settings: Notify) -> Iterator[Channel]:
    """All of them, sorted by kind and name."""
    for name, apprise in sorted(settings.apprise.items()):
        yield _channel(f"apprise.{name}", apprise, partial(_over_apprise, apprise))
    for name, email in sorted(settings.email.items()):
        yield _channel(f"email.{name}", email, partial(_by_mail, email))
    for name, log in sorted(settings.log.items()):
        yield _channel(f"log.{name}", log, partial(_into_file, log), quiet=False)
    for name, webhook in sorted(settings.webhook.items()):
        yield _channel(f"webhook.{name}", webhook, partial(_to_webhook, webhook))


def _channel(
    name: str,
    settings: Webhook | Email | Apprise | LogFile,
    send: Callable[[Message, float], str],
    *,
    quiet: bool = True,
) -> Channel:
    return Channel(name=name, events=settings.events, tasks=settings.tasks, quiet=quiet, send=send)


def _by_mail(settings: Email, message: Message, seconds: float) -> str:
    from validate_updates_notify.mail import send_mail

    return send_mail(settings, message, seconds=seconds)


def _to_webhook(settings: Webhook, message: Message, seconds: float) -> str:
    from validate_updates_notify.web import address_of

    address_of(settings).post(msgspec.json.encode(body(message, settings.shape)), "application/json", seconds=seconds)
    return ""


def _into_file(settings: LogFile, message: Message, seconds: float) -> str:  # noqa: ARG001  # a file takes no time
    lines = [
        f"{one.at:%Y-%m-%dT%H:%M:%SZ} {one.task} {one.event} {one.state} {one.check}: {one.text}\n"
        for one in message.news
    ]
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(settings.path, flags, 0o600), "a", encoding="utf-8") as file:  # noqa: PTH123  # of a descriptor
            file.writelines(lines or [f"{message.title}\n"])
    except OSError as error:
        raise Undelivered(f"cannot be written: {error.strerror}") from None
    return ""


def _over_apprise(settings: Apprise, message: Message, seconds: float) -> str:  # noqa: ARG001  # it has limits of its own
    url = revealed(settings.url)
    try:
        import apprise
    except ImportError:
        raise Undelivered("needs apprise: pip install 'validate-updates[apprise]'") from None
    sender = apprise.Apprise()
    if not sender.add(url):
        raise Undelivered("has an address that apprise does not know")
    text = "\n".join(message.lines) or message.title
    if not sender.notify(title=message.title, body=text, body_format=apprise.NotifyFormat.TEXT):
        raise Undelivered("was not told by apprise", again=True)
    return ""
