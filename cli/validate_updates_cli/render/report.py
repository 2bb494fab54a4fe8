"""Reports of tasks, in the forms in which they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from validate_updates.markdown import as_markdown, prose
from validate_updates.result import SCHEMA_VERSION
from validate_updates_cli.render.json import as_json
from validate_updates_cli.render.page import Page
from validate_updates_cli.render.summary import answer_pages
from validate_updates_cli.render.words import MESSAGE, plural

if TYPE_CHECKING:
    from validate_updates.declarations import Report
    from validate_updates.manager import Owned
    from validate_updates.reporting import Told
    from validate_updates_cli.render.look import Look


def report_list(known: Sequence[Owned[Report]], look: Look) -> list[Text]:
    """One line a report."""
    page = Page(look)
    if not known:
        page.put("No installed plugin has a report.", indent=0)
        return page.lines
    page.table([[look.text(one.item.name), look.text(one.item.summary)] for one in known], indent=0, whole={0})
    return page.lines


def title(told: Told) -> str:
    """``daily report of hearings``; not sanitised."""
    return f"{told.report} report of {told.task}"


def window(told: Told) -> str:
    """What it is about."""
    if told.run_id:
        return f"run {told.run_id}"
    if told.nothing_new:
        return f"nothing new since the last report, up to {told.until:%Y-%m-%d %H:%M} UTC"
    if not told.runs:
        return f"no run from {told.since:%Y-%m-%d %H:%M} to {told.until:%Y-%m-%d %H:%M} UTC"
    return f"{plural(told.runs, 'run')} from {told.since:%Y-%m-%d %H:%M} to {told.until:%Y-%m-%d %H:%M} UTC"


def report_page(told: Sequence[Told], look: Look) -> list[Text]:
    """For people."""
    page = Page(look)
    for one in told:
        page.blank()
        page.put(Text(look.text(title(one)), style="bold"), indent=0)
        page.put(look.text(window(one)), indent=0)
        for reason in one.missing:
            page.put(Text(look.text(f"not told: {reason}", MESSAGE), style="yellow"), indent=0)
        if one.sections:
            page.blank()
            page.lines += answer_pages(one.sections, look)
    return page.lines


def report_markdown(told: Sequence[Told]) -> str:
    """The same as Markdown."""
    return "".join("\n".join([*_head(one), as_markdown(one.sections)]) for one in told)


def _head(told: Told) -> Iterator[str]:
    yield f"## {prose(title(told))}"
    yield ""
    yield prose(window(told))
    yield ""
    for reason in told.missing:
        yield f"not told: {prose(reason)}\n"


def report_json(name: str, told: Sequence[Told]) -> str:
    """One object: see docs/reports.md."""
    return as_json({"schema_version": SCHEMA_VERSION, "report": name, "tasks": [_fields(one) for one in told]})


def _fields(told: Told) -> dict[str, Any]:
    return {
        "task": told.task,
        "since": told.since,
        "until": told.until,
        "run_id": told.run_id,
        "runs": told.runs,
        "nothing_new": told.nothing_new,
        "sections": [asdict(section) for section in told.sections],
        "data": told.data,
        "missing": told.missing,
    }
