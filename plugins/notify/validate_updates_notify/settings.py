"""What can be set about telling people: the table ``[plugins.notify]``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from validate_updates import PluginSettings

Text = Annotated[str, Meta(min_length=1)]
Name = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z", extra={"expected": "letters, digits, _ and -"})
]
Secret = Annotated[
    str,
    Meta(
        pattern=r"^env:[A-Za-z_][A-Za-z0-9_]*\Z",
        description="env:NAME: it is a secret, and stands in that environment variable",
        extra={"expected": "env:NAME: it is a secret, and belongs into an environment variable"},
    ),
]

_LOCAL = ("localhost", "127.0.0.1", "::1")


class Event(StrEnum):
    """What there is to tell."""

    REJECTED = "rejected"
    PARTIAL = "partial"
    """Committed, but for records in quarantine."""
    FAILED = "failed"
    ALERT = "alert"
    """A check found something, a warning or worse."""
    RECOVERED = "recovered"
    DECISION = "decision"
    """What a plugin concluded after the run: a canary promoted, a plugin switched off."""


class Shape(StrEnum):
    """What a webhook expects."""

    GENERIC = "generic"
    SLACK = "slack"
    DISCORD = "discord"


class Security(StrEnum):
    """How the way to a mail server is secured."""

    STARTTLS = "starttls"
    TLS = "tls"
    OFF = "off"


ALL = tuple(Event)
Events = Annotated[tuple[Event, ...], Meta(description="what it is told")]
Tasks = Annotated[tuple[Text, ...], Meta(description="of which tasks; all unless set")]
LinkLocal = Annotated[bool, Meta(description="whether its address may be link-local, as those of cloud metadata are")]


class Webhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.notify.webhook.<name>]``."""

    url: Secret
    shape: Shape = Shape.GENERIC
    events: Events = ALL
    tasks: Tasks = ()
    allow_link_local: LinkLocal = False


class Email(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.notify.email.<name>]``."""

    server: Text
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    security: Security = Security.STARTTLS
    user: str = ""
    password: Secret | None = None
    sender: Text
    to: Annotated[tuple[Text, ...], Meta(min_length=1)]
    events: Events = ALL
    tasks: Tasks = ()
    allow_link_local: LinkLocal = False

    def __post_init__(self) -> None:
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password belong together")
        if self.user and self.security is Security.OFF and self.server not in _LOCAL:
            raise ValueError('a password is not sent in the clear: security = "starttls" or "tls"')


class Apprise(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.notify.apprise.<name>]``."""

    url: Secret
    events: Events = ALL
    tasks: Tasks = ()


class LogFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.notify.log.<name>]``."""

    path: Annotated[Text, Meta(extra={"path": True})]
    events: Events = ALL
    tasks: Tasks = ()


class Ping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.notify.ping.<name>]``."""

    url: Secret
    tasks: Tasks = ()
    allow_link_local: LinkLocal = False


class Notify(PluginSettings, frozen=True, kw_only=True):
    """``[plugins.notify]``."""

    repeat_after: Annotated[
        float, Meta(ge=0, le=8760, description="hours after which trouble that goes on is told once more")
    ] = 24.0
    quiet_minutes: Annotated[
        float,
        Meta(ge=0, le=10_080, description="between two messages of a channel; what comes meanwhile is told together"),
    ] = 60.0
    webhook: Annotated[dict[Name, Webhook], Meta(description="tables of their own: url, shape, events, tasks")] = field(
        default_factory=dict
    )
    email: Annotated[
        dict[Name, Email],
        Meta(description="tables: server, port, security, user, password, sender, to, events, tasks"),
    ] = field(default_factory=dict)
    apprise: Annotated[dict[Name, Apprise], Meta(description="tables: url, events, tasks; needs the extra apprise")] = (
        field(default_factory=dict)
    )
    log: Annotated[dict[Name, LogFile], Meta(description="tables: path, events, tasks")] = field(default_factory=dict)
    ping: Annotated[dict[Name, Ping], Meta(description="tables: url, tasks; told when a run begins and ends")] = field(
        default_factory=dict
    )
