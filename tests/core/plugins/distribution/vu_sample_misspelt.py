"""A plugin with a hook that does not exist."""

from __future__ import annotations

from validate_updates import SettingsOf, Validator, hookimpl


@hookimpl
def vu_validator(settings: SettingsOf) -> list[Validator]:  # noqa: ARG001
    """The name lacks an s."""
    return []
