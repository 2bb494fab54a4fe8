"""``thresholds set``: settings of a plugin, written into the file in which they belong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from validate_updates_cli.commands.changes import Keys, changes_of, with_changes
from validate_updates_cli.commands.opening import settings_of
from validate_updates_cli.output import Shared, answer

if TYPE_CHECKING:
    from pathlib import Path

    from validate_updates.settings import Settings


@dataclass(frozen=True, slots=True)
class Changed:
    """A setting that is written anew."""

    setting: str
    old: str
    new: str
    file: str


def set_thresholds(shared: Shared, texts: Sequence[str], *, plugin: str, dry_run: bool) -> int:
    """Write settings of a plugin, once it has found nothing wrong in them."""
    from validate_updates.manager import describe
    from validate_updates.settings.editing import edited, write
    from validate_updates.settings.values import as_text, dotted
    from validate_updates_cli.render.thresholds import changed_page

    settings = settings_of(shared)
    changes = changes_of(texts)
    changed = with_changes(settings, plugin, changes)
    known = describe(plugin, changed.plugin_tables, origins=changed.origins)
    files = _by_file(settings, plugin, changes)
    edits = [edited(file, values) for file, values in files.items()]
    for edit in edits:
        if not dry_run and edit.after != edit.before:
            write(edit)
    defaults = {one.name: one.default for one in known.settings}
    told = [
        Changed(dotted(path), as_text(_old(settings, path, defaults), path, 200), as_text(value, path, 200), str(file))
        for file, values in files.items()
        for path, value in values.items()
    ]
    data = {"changes": [asdict(one) for one in told], "dry_run": dry_run}
    answer(shared, data, lambda look: changed_page(told, look, dry_run=dry_run))
    return 0


def _by_file(settings: Settings, plugin: str, changes: Mapping[Keys, Any]) -> dict[Path, dict[Keys, Any]]:
    from validate_updates.settings.editing import file_of

    files: dict[Path, dict[Keys, Any]] = {}
    for path, value in changes.items():
        full = ("plugins", plugin, *path)
        files.setdefault(file_of(settings, full), {})[full] = value
    return files


def _old(settings: Settings, path: Keys, defaults: Mapping[str, Any]) -> Any:
    """The value as it holds now; None where there is none."""
    _, plugin, *keys = path
    value: Any = {**defaults, **settings.plugin_tables.get(plugin, {})}
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
    return value
