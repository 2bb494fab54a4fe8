"""``KEY=VALUE``: settings of a plugin that are changed, for a question or for good."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from validate_updates.errors import UsageError
from validate_updates.settings.files import toml_value
from validate_updates.text import printable

if TYPE_CHECKING:
    from validate_updates.settings import Settings

Keys = tuple[str, ...]
"""From a plugin's table to a value."""


def changes_of(texts: Sequence[str]) -> Mapping[Keys, Any]:
    """``KEY=VALUE`` with both as TOML has them: ``calendar.month_ends=2``; what is no value of TOML is a text."""
    changes: dict[Keys, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        node: Any
        try:
            node = tomllib.loads(f"{key} = 0") if equals and "\n" not in key else {}
        except tomllib.TOMLDecodeError:
            node = {}
        path: Keys = ()
        while isinstance(node, dict) and node:
            ((name, node),) = node.items()
            path = (*path, name)
        if not path:
            raise UsageError(f"{printable(text)!r} is no setting", hint="such as false_alarm_rate=0.02")
        changes[path] = toml_value(value.strip())
    return changes


def with_changes(settings: Settings, plugin: str, changes: Mapping[Keys, Any]) -> Settings:
    """The settings with those of the plugin changed."""
    from validate_updates.settings.values import dotted

    tables: dict[str, Any] = dict(settings.plugin_tables)
    origins = dict(settings.origins)
    for path, value in changes.items():
        tables = _placed(tables, (plugin, *path), value)
        origins[dotted(("plugins", plugin, *path))] = "command line"
    return replace(settings, plugin_tables=tables, origins=origins)


def _placed(tree: Mapping[str, Any], path: Keys, value: Any) -> dict[str, Any]:
    key, rest = path[0], path[1:]
    below = tree.get(key)
    inside = _placed(below if isinstance(below, Mapping) else {}, rest, value) if rest else value
    return {**tree, key: inside}
