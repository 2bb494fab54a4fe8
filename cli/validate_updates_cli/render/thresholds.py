"""Settings of a plugin, for people: what they are; and of changed ones what they were, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.text import Text

from validate_updates.settings.values import as_text
from validate_updates_cli.render.page import Page

if TYPE_CHECKING:
    from validate_updates_cli.commands.setting import Changed
    from validate_updates_cli.render.look import Look


def changed_page(changes: Sequence[Changed], look: Look, *, dry_run: bool) -> Iterable[Text]:
    """Each setting, old and new, under its file."""
    page = Page(look)
    for file, inside in groupby(changes, key=lambda one: one.file):
        page.heading(look.text(file, 500))
        page.table(
            [look.text(one.setting, 200), look.text(one.old, 200), look.arrow, look.text(one.new, 200)]
            for one in inside
        )
    if dry_run:
        page.blank()
        page.put("dry run: nothing was written", indent=0)
    return page.lines


def settings_page(plugin: str, settings: Sequence[Mapping[str, Any]], look: Look) -> Iterable[Text]:
    """Each setting as it could stand in the file, and below it what it is for."""
    page = Page(look)
    page.heading(f"Settings: [plugins.{plugin}]")
    for one in settings:
        name = one["name"]
        page.put(look.text(f"{name} = {as_text(one['value'], ('plugins', plugin, name), 500)}", 600))
        page.put(Text(look.text(one["description"], 200), style="dim"), indent=4)
    return page.lines
