"""Plugins for people: which there are, and what one of them does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from validate_updates_cli.render.page import Page
from validate_updates_cli.render.words import MESSAGE

if TYPE_CHECKING:
    from validate_updates.choosing import Standing
    from validate_updates.journal.rows import Switch
    from validate_updates.manager import Description, Found
    from validate_updates_cli.render.look import Look


def plugin_list(found: Sequence[Found], look: Look) -> list[Text]:
    """One line a plugin."""
    page = Page(look)
    if not found:
        page.put("No plugins are installed.", indent=0)
        return page.lines
    header = [Text(word, style="dim") for word in ("plugin", "brought by")]
    rows = [[look.text(one.name), look.text(f"{one.distribution} {one.version}")] for one in found]
    page.table([header, *rows], indent=0, whole={0})
    page.heading("Next")
    page.verbatim(f"validate-updates plugins show {look.text(found[0].name)}")
    return page.lines


_MODES: Final = {"enforce": "green", "shadow": "yellow", "off": "red"}


def standing_list(task: str, standing: Sequence[Standing], look: Look) -> list[Text]:
    """One line a plugin of a task: its mode, and who says so."""
    page = Page(look)
    if not standing:
        page.put(f"No plugin takes part in {look.text(task)}.", indent=0)
        return page.lines
    header = [Text(word, style="dim") for word in ("plugin", "mode", "by")]
    page.table([header, *(_standing(one, look) for one in standing)], indent=0, whole={0, 1})
    return page.lines


def _standing(one: Standing, look: Look) -> list[Text | str]:
    said_by = made(one.switch) if one.switch else one.origin
    return [look.text(one.plugin), Text(one.mode, style=_MODES[one.mode]), look.text(said_by, MESSAGE)]


def made(switch: Switch) -> str:
    """Who made a switch, when and why; not sanitised."""
    return f"switch of {switch.made_by}, {switch.made_at:%Y-%m-%d %H:%M} UTC: {switch.reason}"


def switch_page(switch: Switch, mode: str, standing: Sequence[Standing], look: Look) -> list[Text]:
    """What a switch has done, and how the task stands now."""
    page = Page(look)
    now = Text(f"from its next run on {look.text(switch.plugin)} is ").append(mode, style=_MODES[mode])
    page.put(Text(f"{look.text(switch.task)}: ").append_text(now), indent=0)
    page.blank()
    page.lines += standing_list(switch.task, standing, look)
    return page.lines


def plugin_page(description: Description, look: Look) -> list[Text]:
    """All that one plugin declares."""
    page = Page(look)
    info = description.info
    title = Text(look.text(info.name), style="bold").append(
        f"  {look.text(info.distribution)} {look.text(info.version)}"
    )
    page.put(title, indent=0)
    _settings(page, description)
    for heading, rows in _parts(description):
        if rows:
            page.heading(heading)
            page.table([[look.text(cell) for cell in row] for row in rows])
    return page.lines


def _settings(page: Page, description: Description) -> None:
    look = page.look
    if description.settings:
        page.heading(f"Settings [plugins.{look.text(description.info.name)}]")
    for setting in description.settings:
        page.put(f"{look.text(setting.name)} = {look.text(_shown(setting.default))}")
        page.put(Text(look.text(f"{setting.description} ({setting.type})", MESSAGE), style="dim"), indent=6)


def _parts(description: Description) -> list[tuple[str, list[tuple[str, ...]]]]:
    sources = [(f"{description.info.name}:{one.name}", one.summary) for one in description.sources]
    checks = [(one.name, one.moment.value, one.summary) for one in description.validators]
    strategy = [(one.name, one.summary) for one in [description.strategy] if one is not None]
    metrics = [(one.name, one.moment.value, one.summary) for one in description.metrics]
    sections = [(one.name, one.title) for one in description.sections]
    observers = [(one.name, one.occasion.value, one.summary) for one in description.observers]
    backtests = [(one.name, one.summary) for one in description.backtests]
    criteria = [(one.name, one.summary) for one in description.criteria]
    reports = [(one.name, one.summary) for one in description.reports]
    commands = [(one.name, one.summary) for one in description.subcommands]
    return [
        ("Sources", [*sources]),
        ("Checks", [*checks]),
        ("Strategy", [*strategy]),
        ("Metrics", [*metrics]),
        ("Sections", [*sections]),
        ("Observers", [*observers]),
        ("Backtests", [*backtests]),
        ("Criteria", [*criteria]),
        ("Reports", [*reports]),
        ("Commands", [*commands]),
    ]


def _shown(default: Any) -> str:
    from validate_updates.settings.values import as_text

    return as_text(default)


def plugin_fields(description: Description) -> dict[str, Any]:
    """The same as plain data, without what can only be called."""
    strategy = description.strategy
    return {
        "plugin": asdict(description.info),
        "settings": [{**asdict(one), "default": _shown(one.default)} for one in description.settings],
        "sources": [_named(one) for one in description.sources],
        "validators": [_named(one, moment=one.moment.value) for one in description.validators],
        "strategy": _named(strategy) if strategy else None,
        "metrics": [_named(one, moment=one.moment.value) for one in description.metrics],
        "sections": [{"name": one.name, "title": one.title} for one in description.sections],
        "observers": [_named(one, occasion=one.occasion.value) for one in description.observers],
        "backtests": [_named(one) for one in description.backtests],
        "criteria": [_named(one) for one in description.criteria],
        "reports": [_named(one) for one in description.reports],
        "subcommands": [_named(one) for one in description.subcommands],
    }


def _named(one: Any, **more: str) -> dict[str, str]:
    return {"name": one.name, **more, "summary": one.summary}
