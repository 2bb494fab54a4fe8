"""What can be set: ``[plugins.congress]``."""

from __future__ import annotations

import os
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from validate_updates import PluginSettings, SettingsError


class Congress(PluginSettings, frozen=True, kw_only=True):
    """Where the meetings are, how patiently they are asked for, and what is odd about one."""

    base_url: Annotated[str, Meta(description="address of the API")] = "https://api.congress.gov/v3"
    key_from: Annotated[str, Meta(min_length=1, description="environment variable that holds the key of the API")] = (
        "CONGRESS_API_KEY"
    )
    congress: Annotated[int, Meta(ge=93, description="number of the Congress whose meetings are fetched")] = 119
    first_days: Annotated[float, Meta(gt=0, description="days that the first run looks back")] = 30.0
    overlap_hours: Annotated[
        float, Meta(ge=0, description="what is read again each time: the index of the API is sometimes late")
    ] = 24.0
    page_size: Annotated[int, Meta(ge=1, le=250, description="meetings of a page of the list")] = 250
    timeout: Annotated[float, Meta(gt=0, description="seconds that an answer may take")] = 30.0
    attempts: Annotated[int, Meta(ge=1, le=10, description="tries of a request, with growing pauses between")] = 4
    first_pause: Annotated[
        float,
        Meta(
            ge=0, le=60, description="seconds of the first of these pauses, at most; each next one may be twice as long"
        ),
    ] = 1.0
    longest_wait: Annotated[
        float, Meta(ge=0, description="seconds to wait when told to; what takes longer is for a later run")
    ] = 300.0
    reserve: Annotated[int, Meta(ge=0, description="requests of the hour's quota that are left to others")] = 100
    give_up_after: Annotated[
        int,
        Meta(ge=10, description="requests in a row that fail, each after all its tries, until the API counts as down"),
    ] = 12
    saved: Annotated[
        str, Meta(description="folder with DAY/meetings.jsonl, for the source congress:saved", extra={"path": True})
    ] = "updates"
    years_ahead: Annotated[float, Meta(gt=0, description="a hearing further ahead than this is odd")] = 2.0
    odd_percent: Annotated[
        float, Meta(ge=0, le=100, description="odd meetings, in per cent, from which the whole update is refused")
    ] = 5.0
    without_committees_percent: Annotated[
        float, Meta(ge=0, le=100, description="hearings without a committee, in per cent, that are no news")
    ] = 10.0

    def __post_init__(self) -> None:
        """A key goes over the wire only where nobody can listen."""
        address = urlsplit(self.base_url)
        if not address.hostname or address.scheme not in {"http", "https"} or address.query or address.username:
            raise ValueError("base_url: expected https://HOST/PATH, and nothing secret in it")
        if address.scheme == "http" and not self.is_local:
            raise ValueError("base_url: expected https, since the key goes with each request")

    @property
    def is_local(self) -> bool:
        """Whether the API is on this machine."""
        return urlsplit(self.base_url).hostname in {"127.0.0.1", "::1", "localhost"}


def key_of(settings: Congress) -> str:
    """The key of the API. Raises ``SettingsError`` where there is none that can be sent."""
    key = os.environ.get(settings.key_from, "").strip()
    if not key:
        raise SettingsError(
            f"the environment variable {settings.key_from} holds no key for the API",
            hint="one is free at https://api.congress.gov/sign-up/",
        )
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(f"what {settings.key_from} holds cannot be a key: it has strange characters")
    return key
