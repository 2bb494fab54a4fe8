"""What the reader of a page can take, and the one door through which data get on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from validate_updates.text import LIMIT, printable

_PLAIN: Final = str.maketrans(dict(zip("▁▂▃▄▅▆▇█├─┤·●•░", "_.-=+*#@|-|.ox:", strict=True)) | {"…": "..."})
"""Drawn characters of plugins and ours, for a terminal that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the reader's terminal, log or CI system can take."""

    width: int = 80
    ascii: bool = False
    """No characters beyond ASCII."""
    workflow: bool = False
    """The lines are read by a CI system that obeys ``::command::`` and ``##[command]``."""

    @property
    def arrow(self) -> str:
        """From old to new."""
        return "->" if self.ascii else "→"

    def text(self, value: object, limit: int = LIMIT) -> str:
        """``value`` as one line of harmless text that this reader can show."""
        text = printable(value, limit)
        if self.workflow:
            text = text.replace("::", ":\\x3a").replace("##[", "##\\x5b")
        if self.ascii:
            text = text.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")
        return text
