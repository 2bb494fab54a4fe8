"""``validate-updates notify test``: a message to every channel, and what became of it."""

from __future__ import annotations

from functools import partial

from validate_updates import RunError, Section, UsageError
from validate_updates_notify import delivering
from validate_updates_notify.channels import channels
from validate_updates_notify.delivering import Send, deliver
from validate_updates_notify.messages import Message
from validate_updates_notify.pings import post
from validate_updates_notify.settings import Notify


def try_out(settings: Notify) -> Section:
    """Send a message to every channel. Raises ``RunError`` where one of them cannot be told."""
    message = Message(title="validate-updates: a test", lines=("If you read this, messages arrive here.",))
    sends: dict[str, Send] = {one.name: partial(one.send, message) for one in channels(settings)}
    # A note to the log of a check starts and ends nothing.
    sends |= {
        f"ping.{name}": partial(post, ping, "log", "validate-updates: a test")
        for name, ping in sorted(settings.ping.items())
    }
    if not sends:
        raise UsageError(
            "there is nobody to tell: the settings have no channel",
            hint='such as [plugins.notify.webhook.ops] url = "env:OPS_WEBHOOK"',
        )
    outcomes = deliver(sends, delivering.LIMITS)
    failed = [f"{name} {outcome.problem}" for name, outcome in outcomes.items() if outcome.problem]
    if failed:
        well = len(outcomes) - len(failed)
        raise RunError("; ".join(failed), hint=f"told: {well} of {len(outcomes)} channels")
    return Section(title="Told", rows=tuple((name, "told") for name in outcomes))
