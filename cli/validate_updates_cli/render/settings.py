"""Settings for people: each value, where it came from, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from validate_updates_cli.render.page import Page
from validate_updates_cli.render.words import plural

if TYPE_CHECKING:
    from validate_updates.settings import Entry
    from validate_updates_cli.render.look import Look


def settings_page(entries: Sequence[Entry], files: Sequence[str], look: Look, *, origin: bool) -> list[Text]:
    """One line a setting."""
    page = Page(look)
    named = ", ".join(look.text(file) for file in files) or "no file; defaults and environment alone"
    page.put(Text(f"# from {named}", style="dim"), indent=0)
    rows: list[list[Text | str]] = []
    for entry in entries:
        value = Text(look.text(entry.value_text, 500))
        if origin:  # with the value: a column of its own leaves the values no room
            between = "  " if entry.origin == "default" else "\n"
            value.append(f"{between}# {look.text(entry.origin)}", style="dim")
        rows.append([look.text(entry.path), value])
    page.table(rows, indent=0, whole={0})
    return page.lines


def problems_page(problems: Sequence[str], tasks: int, look: Look) -> list[Text]:
    """One paragraph a problem, or one line where there is none."""
    page = Page(look)
    for problem in problems:
        page.put(look.text(problem, 1000), indent=0, lead=Text("x " if look.ascii else "✖ ", style="red"))
    if not problems:
        sign = "+" if look.ascii else "✔"
        page.put(Text(f"{sign} the settings are sound: {plural(tasks, 'task')}", style="green"), indent=0)
    return page.lines
