"""Settings that were changed, for people: what they were, what they are, where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from validate_updates_cli.render.page import Page

if TYPE_CHECKING:
    from rich.text import Text

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
