"""How much a plugin may decide: ``batch``, ``historical:shadow``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from validate_updates.errors import PluginError
from validate_updates.text import printable


class Mode(StrEnum):
    """Of a plugin that takes part."""

    ENFORCE = "enforce"
    SHADOW = "shadow"
    """It is asked, what it says is kept, and decides nothing."""


SIGN: Final = ":"
"""Between the name of a plugin and its mode."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A plugin that is to take part."""

    name: str
    mode: Mode = Mode.ENFORCE

    def __str__(self) -> str:
        return self.name if self.mode is Mode.ENFORCE else f"{self.name}{SIGN}{self.mode}"


def selected(texts: Iterable[str]) -> tuple[Selected, ...]:
    """The plugins that the texts name. Raises ``PluginError`` for a mode that there is not."""
    return tuple(_selected(text) for text in texts)


def _selected(text: str) -> Selected:
    name, sign, mode = text.rpartition(SIGN)
    if not sign:
        return Selected(text)
    if mode not in set(Mode):
        from validate_updates.settings.schema import did_you_mean

        guess = did_you_mean(mode, list(Mode))
        raise PluginError(
            f"plugin '{printable(name, 60)}' cannot run in the mode '{printable(mode, 60)}'{guess}",
            hint=f"{printable(name, 60)}, or {printable(name, 60)}{SIGN}shadow; leave it out to switch it off",
        )
    return Selected(name.strip(), Mode(mode))
