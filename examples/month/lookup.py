"""A check that somebody wrote in a hurry: it asks another service about each update, and that service is slow."""

from __future__ import annotations

import time
from collections.abc import Iterable

from validate_updates import Context, Finding, Moment, Validator, hookimpl

SECONDS = 0.7


def look_up(_context: Context) -> Iterable[Finding]:
    """Wait for the answer; there is nothing wrong with it."""
    time.sleep(SECONDS)
    return ()


@hookimpl
def vu_validators() -> Iterable[Validator]:
    """The check."""
    yield Validator(name="addresses", moment=Moment.PLAN, check=look_up, summary="whether the rooms exist")
