"""Secrets, which the settings only name."""

from __future__ import annotations

import os

from validate_updates_notify.delivering import Undelivered


def revealed(reference: str) -> str:
    """What ``env:NAME`` stands for. Raises :class:`Undelivered` where there is no such variable, or nothing in it."""
    name = reference.removeprefix("env:")
    value = os.environ.get(name, "").strip()
    if not value:
        raise Undelivered(f"needs the environment variable {name}, which is not set")
    return value
