"""Proposed rules as TOML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from validate_updates_rules.proposals import Proposals, Setting


def as_toml(found: Proposals) -> str:
    """Tables to paste into the settings, with what is checked anyway as a comment."""
    lines = [f"# Rules that the {found.rows} rows of {_one_line(found.table)} keep."]
    if found.checked_anyway:
        lines.append("# Checked without a rule, as constraints of the table:")
        lines += [f"#   {_one_line(said)}" for said in found.checked_anyway]
    for rule in found.rules:
        lines += ["", "[[plugins.rules.rules]]", *(f"{name} = {_value(value)}" for name, value in rule.items())]
    if not found.rules:
        lines.append("# There is nothing to propose: too few rows, or no column that keeps a rule.")
    return "\n".join(lines)


def _value(value: Setting) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        # A basic string of TOML takes JSON's escapes, but not its surrogates.
        return "".join(map(_shown, json.dumps(value, ensure_ascii=False)))
    return f"[{', '.join(map(_value, value))}]"


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x1_0000 else f"\\U{ord(char):08x}"


def _one_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)
