"""Names chosen by patterns like those of a shell: ``records.*``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable


def names_like(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name fits one of the patterns, in which ``*`` is any text and ``?`` a character."""
    expressions = [re.escape(one).replace(r"\*", ".*").replace(r"\?", ".") for one in patterns]
    fits = re.compile("|".join(expressions) if expressions else r"(?!)", re.DOTALL).fullmatch
    return lambda name: fits(name) is not None
