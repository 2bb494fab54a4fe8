"""What there is to tell, as values that can be kept until they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from validate_updates_notify.settings import Event


class State(StrEnum):
    """Of the trouble that a message is about."""

    NEW = "new"
    ONGOING = "ongoing"
    RESOLVED = "resolved"


class News(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell. Its texts are safe to show."""

    event: Event
    state: State
    task: str
    check: str
    """Whose trouble: ``outcome``, or ``plugin.code`` of a finding."""
    text: str
    """One sentence."""
    run_id: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    since: Annotated[datetime, msgspec.Meta(tz=True)]
    """When the trouble began."""


def packed(news: Sequence[News]) -> str:
    """As text to keep."""
    return msgspec.json.encode(news).decode()


def unpacked(text: str) -> list[News]:
    """What :func:`packed` made; nothing of what is none, such as an older version's."""
    try:
        return msgspec.json.decode(text, type=list[News])
    except msgspec.DecodeError:
        return []
