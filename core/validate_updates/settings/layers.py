"""Layers of settings laid over each other key by key, remembering where each value came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from validate_updates.settings.values import Keys, dotted


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings."""

    tree: dict[str, Any]
    origins: Mapping[Keys, str]
    """What to call the place a value came from. Holds for everything below the path; ``()`` is the whole layer."""

    def origin(self, path: Keys) -> str:
        """Where the value at ``path`` came from."""
        return self.origins[self._named(path)]

    def where(self, path: Keys) -> str:
        """The value's place in a message: ``file: path of keys``, or the variable alone where it is one."""
        named = self._named(path)
        return f"{self.origins[named]}: {dotted(path[len(named) :])}".removesuffix(": ")

    def _named(self, path: Keys) -> Keys:
        """The path nearest above that has a name; or, for a table made of variables, the first below."""
        above = (path[:length] for length in range(len(path), -1, -1))
        below = (other for other in self.origins if other[: len(path)] == path)
        return next(other for other in chain(above, below) if other in self.origins)


def lay_over(layers: Sequence[Layer]) -> Layer:
    """The layers as one, the strongest last; its origins are those of each single value."""
    tree: dict[str, Any] = {}
    origins: dict[Keys, str] = {}
    for layer in layers:
        tree = _merged(_without_their_passwords(tree, layer.tree), layer.tree)
        origins.update((path, layer.origin(path)) for path, _ in values(layer.tree))
    kept = {path for path, _ in values(tree)}
    return Layer(tree, {path: origin for path, origin in origins.items() if path in kept})


def values(tree: Mapping[str, Any], path: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Every value of ``tree`` that is not a table, and every empty table, with its path."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from values(value, (*path, key))
        else:
            yield (*path, key), value


def _merged(weak: dict[str, Any], strong: dict[str, Any]) -> dict[str, Any]:
    merged = dict(weak)
    for key, value in strong.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def _without_their_passwords(weak: dict[str, Any], strong: dict[str, Any]) -> dict[str, Any]:
    """``weak`` without password files of targets that ``strong`` replaces: a password goes to its own database only."""
    kept = {key: value for key, value in weak.items() if key != "password_file" or "target" not in strong}
    if "tasks" in kept:
        stronger = strong.get("tasks", {})
        kept["tasks"] = {
            name: _without_their_passwords(task, stronger.get(name, {})) for name, task in kept["tasks"].items()
        }
    return kept
