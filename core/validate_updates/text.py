"""The one sanitiser between stored data and anything a person or a log reads.

Record values may hold escape codes that rewrite a terminal, right-to-left marks that hide what a line says, or line
breaks that forge a log entry. Stored data stay as they are; what is shown goes through :func:`printable`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

LIMIT = 120
"""Characters of a value shown unless a caller says otherwise."""

# Control, format (bidi marks, zero-width), surrogate, private use, unassigned, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(value: object, limit: int = LIMIT) -> str:
    r"""``value`` as one line of harmless text of at most ``limit`` characters.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    text = value if isinstance(value, str) else str(value)
    cut = len(text) > limit
    if cut:
        text = text[: max(limit - 1, 0)]
    if not text.isprintable():
        text = "".join(_escape(char) if unicodedata.category(char) in _HIDDEN else char for char in text)
        if len(text) > limit:
            cut, text = True, text[: max(limit - 1, 0)]
    return text + "…" if cut else text


def key_text(names: Iterable[str], values: Iterable[object]) -> str:
    """A record's key as people read it: ``event_id=337243``."""
    return ", ".join(f"{name}={printable(value, 80)}" for name, value in zip(names, values, strict=True))


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 record``, ``2 records``."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


BARS: Final = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float]) -> str:
    """Finite values as bars, one character each, from the lowest of them to the highest."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = high / 2 - low / 2  # halves, whose difference is a number also where that of the values is too large
    if span <= 0:
        return BARS[3] * len(values)
    return "".join(BARS[round((value / 2 - low / 2) / span * (len(BARS) - 1))] for value in values)


def _escape(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
