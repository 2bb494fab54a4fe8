"""A canary under way: which plugins are on trial, where, since when, and what was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec

from validate_updates import SwitchMode

KEPT = "canary"
"""Under which name a canary is kept for its task."""
LAST = "last"
"""And how the one before it ended."""
ENDED = "ended"
"""And what it was, for those who judge it afterwards."""
TOLD = "told"
"""Under which that somebody was told that a canary is not decided: once is enough."""
PLUGIN = "canary"
MOST_HOURS: Final = 87_600
"""Ten years."""

Change = tuple[str, str, SwitchMode]
"""Task, plugin, and how it takes part from now on."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One canary."""

    task: str
    plugins: tuple[str, ...]
    """Those on trial."""
    beside: tuple[str, ...] = ()
    """The tasks in which they are in shadow for its sake."""
    elsewhere: tuple[str, ...] = ()
    """Of these, the ones in which they could be enforced too."""
    runs: int
    hours: Annotated[float, msgspec.Meta(ge=0, le=MOST_HOURS)] = 0.0
    """0: until so many runs are done, however long that takes."""
    started_at: datetime
    after: int
    """Number of the newest run of all, when it began."""
    earlier: dict[str, dict[str, SwitchMode]]
    """Task -> plugin -> the switch that held before; ``settings`` where none did."""

    @property
    def reason(self) -> str:
        """What the journal says of its switches, and by which they are known again."""
        named = ", ".join(self.plugins)
        return f"canary of {named} on {self.task}, begun {self.started_at:%Y-%m-%d %H:%M:%S} UTC"

    def over(self, runs: int, now: datetime) -> bool:
        """Whether its time is up."""
        return runs >= self.runs or (self.hours > 0 and now - self.started_at >= timedelta(hours=self.hours))

    def beginning(self) -> Iterator[Change]:
        """The switches with which it begins. The canary itself takes part, to look at each run."""
        for plugin in (*self.plugins, PLUGIN):
            yield self.task, plugin, SwitchMode.ENFORCE
        for task in self.beside:
            for plugin in self.earlier[task]:
                yield task, plugin, SwitchMode.SHADOW

    def ending(self, *, promoted: bool) -> Iterator[Change]:
        """The switches with which it ends."""
        for task, earlier in self.earlier.items():
            for plugin, mode in earlier.items():
                stays = promoted and plugin != PLUGIN and task in {self.task, *self.elsewhere}
                yield task, plugin, SwitchMode.ENFORCE if stays else mode


def load(state: Mapping[str, str]) -> Trial | None:
    """The canary that is kept for a task; None too where it cannot be read, which ``abort`` clears away."""
    text = state.get(KEPT)
    try:
        return msgspec.json.decode(text, type=Trial) if text else None
    except msgspec.DecodeError:
        return None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A canary that is over."""

    trial: Trial
    how: str
    """``promoted`` or ``aborted``."""
    at: datetime
    until: int
    """Number of the newest run of all, when it ended."""


def load_ended(state: Mapping[str, str]) -> Ended | None:
    """The last canary of a task that ended; None too where it cannot be read."""
    text = state.get(ENDED)
    try:
        return msgspec.json.decode(text, type=Ended) if text else None
    except msgspec.DecodeError:
        return None


def end(state: dict[str, str], ended: Ended, said: str) -> None:
    """The canary of a task is over; what it was stays known."""
    forget(state, said)
    state[ENDED] = msgspec.json.encode(ended).decode()


def forget(state: dict[str, str], said: str) -> None:
    """No canary is kept for a task any more."""
    for name in (KEPT, TOLD):
        state.pop(name, None)
    state[LAST] = said


def save(trial: Trial) -> str:
    """A canary as it is kept."""
    return msgspec.json.encode(trial).decode()
