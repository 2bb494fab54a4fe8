"""What ``doctor`` found, one line a check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from validate_updates_cli.render.page import Page
from validate_updates_cli.render.words import MESSAGE, plural

if TYPE_CHECKING:
    from validate_updates_cli.commands.doctor import Check
    from validate_updates_cli.render.look import Look

_STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


def checks_page(checks: Sequence[Check], look: Look) -> list[Text]:
    """Each check with what to do about it, and a last line that sums up."""
    page = Page(look)
    width = max(len(check.name) for check in checks)
    for check in checks:
        lead = Text(f"{check.state:<4}", style=_STYLES[check.state]).append(
            f"  {check.name:<{width}}  ", style="default"
        )
        page.put(look.text(check.message, MESSAGE), indent=0, lead=lead)
        if check.todo:
            page.put(look.text(check.todo, MESSAGE), indent=width + 8, lead=f"{look.arrow} ")
    failed = sum(check.state == "fail" for check in checks)
    page.blank()
    if failed:
        page.put(Text(f"{plural(failed, 'thing')} to mend before an update can run", style="red"), indent=0)
    else:
        page.put(Text("nothing keeps an update from running here", style="green"), indent=0)
    return page.lines
