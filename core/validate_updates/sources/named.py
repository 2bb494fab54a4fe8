"""The names of plugins' sources: ``plugin:source``, where a path might stand."""

from __future__ import annotations

import re
from typing import Any, Final

_NAME: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*):([A-Za-z_][A-Za-z0-9_-]*)")


def plugin_source(spec: Any) -> tuple[str, str] | None:
    """Plugin and source that ``spec`` names; None where it is anything else.

    A name has neither a slash nor a suffix, so that ``./a:b`` and ``a:b.jsonl`` are files.
    """
    alone = spec[0] if isinstance(spec, (list, tuple)) and len(spec) == 1 else spec
    found = _NAME.fullmatch(alone) if isinstance(alone, str) else None
    return (found[1], found[2]) if found else None
