"""A plugin that works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from validate_updates import (
    Context,
    Finding,
    Moment,
    PluginSettings,
    SettingsOf,
    Severity,
    Validator,
    hookimpl,
)


class Limits(PluginSettings, frozen=True):
    """How much is too much."""

    most: Annotated[int, Meta(ge=1, description="most records an update may add")] = 1000


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """The limits."""
    return Limits


@hookimpl
def vu_validators(settings: SettingsOf) -> Iterator[Validator]:
    """One check."""
    most = settings[Limits].most

    def too_many(context: Context) -> Iterator[Finding]:
        if context.counts.inserted > most:
            yield Finding(code="too_many", severity=Severity.CRITICAL, message=f"more than {most} records are new")

    yield Validator(name="too_many", moment=Moment.PLAN, check=too_many, summary="records added")
