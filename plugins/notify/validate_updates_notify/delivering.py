"""Getting messages out: a few tries, a time limit that holds, and an outcome instead of an exception."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final


class Undelivered(Exception):
    """A try that failed; the text says how, and holds nothing of the address."""

    def __init__(self, what: str, *, again: bool = False) -> None:
        super().__init__(what)
        self.again = again
        """Whether another try may help."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long may be tried."""

    seconds: float = 10.0
    """For one try."""
    tries: int = 3
    pause: float = 1.0
    """Seconds between two tries."""

    @property
    def whole(self) -> float:
        """Seconds for all of it; a try may overrun its limit by what a slow name server takes."""
        return self.tries * self.seconds + (self.tries - 1) * self.pause + 1.0


LIMITS: Final = Limits()

Send = Callable[[float], str]
"""Sends within so many seconds; what is not quite right all the same. Raises :class:`Undelivered`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message."""

    sent: bool
    problem: str = ""
    """After the channel's name: ``answered 500``."""


def deliver(sends: Mapping[str, Send], limits: Limits) -> dict[str, Outcome]:
    """Send all at the same time; what became of each."""
    couriers = {name: _Courier(send, limits) for name, send in sends.items()}
    for courier in couriers.values():
        courier.start()
    deadline = monotonic() + limits.whole
    for courier in couriers.values():
        courier.done.wait(max(deadline - monotonic(), 0))
    return {name: courier.outcome for name, courier in couriers.items()}


class _Courier(threading.Thread):
    """A thread that ends with the program, if it must: a name server can keep it longer than any limit of ours."""

    def __init__(self, send: Send, limits: Limits) -> None:
        super().__init__(name="validate-updates-notify", daemon=True)
        self._send = send
        self._limits = limits
        self.done = threading.Event()
        self.outcome = Outcome(sent=False, problem=f"did not end within {limits.whole:g} s")

    def run(self) -> None:
        self.outcome = self._tried()
        self.done.set()

    def _tried(self) -> Outcome:
        pause = threading.Event()
        number = 1
        while True:
            try:
                return Outcome(sent=True, problem=self._send(self._limits.seconds))
            except Undelivered as undelivered:
                if not undelivered.again or number >= self._limits.tries:
                    tries = f" ({number} tries)" if number > 1 else ""
                    return Outcome(sent=False, problem=f"{undelivered}{tries}")
            except Exception as error:  # noqa: BLE001  # its text may hold the address, which is a secret
                return Outcome(sent=False, problem=f"could not be used [{type(error).__name__}]")
            pause.wait(self._limits.pause)
            number += 1
