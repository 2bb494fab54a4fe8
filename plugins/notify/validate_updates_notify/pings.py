"""Pings in the manner of healthchecks: one when a run begins, one when it ends, with its exit status."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from validate_updates import ExitCode, Observation, UpdateError, printable
from validate_updates_notify.trouble import broke_off

if TYPE_CHECKING:
    from validate_updates_notify.delivering import Send
    from validate_updates_notify.settings import Notify, Ping


def pings(settings: Notify, observation: Observation, *, ended: bool) -> Iterator[tuple[str, Send]]:
    """What to send for a run, by name."""
    path, body = (str(exit_status(observation)), _summary(observation)) if ended else ("start", "")
    for name, ping in sorted(settings.ping.items()):
        if not ping.tasks or observation.run.task in ping.tasks:
            run = uuid5(NAMESPACE_URL, f"validate-updates:{observation.run.run_id}")  # tells runs that overlap apart
            yield f"ping.{name}", partial(post, ping, path, body, query=f"rid={run}")


def post(settings: Ping, path: str, body: str, seconds: float, *, query: str = "") -> str:
    """Send a text to the address, with more path at its end."""
    from validate_updates_notify.web import address_of

    address_of(settings).below(path, query).post(body.encode(), "text/plain; charset=utf-8", seconds=seconds)
    return ""


def exit_status(observation: Observation) -> int:
    """The exit status that the command will have."""
    error, result = observation.error, observation.result
    if isinstance(error, UpdateError):
        return int(error.exit_code)
    return int(ExitCode.DEFECT if error is not None or result is None else result.exit_code)


def _summary(observation: Observation) -> str:
    error, result = observation.error, observation.result
    if error is not None or result is None:
        return f"{observation.run.task}: {broke_off(error)}"
    counts = result.counts
    return (
        f"{result.task}: {result.verdict}\n{printable(result.reason, 400)}\n"
        f"{counts.read} read, {counts.inserted} added, {counts.updated} changed, {counts.unchanged} unchanged, "
        f"{counts.quarantined} kept out, {counts.rolled_back} rolled back, in {result.seconds:.1f} s\n"
        f"run {result.run_id}"
    )
