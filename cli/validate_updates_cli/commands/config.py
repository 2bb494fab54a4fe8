"""``config show`` and ``config check``: the settings as they hold, and what will go wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from validate_updates.errors import ExitCode, UsageError
from validate_updates.text import printable
from validate_updates_cli.commands.opening import settings_of
from validate_updates_cli.output import Shared, answer
from validate_updates_cli.streams import complain

if TYPE_CHECKING:
    from validate_updates.settings import Entry, Settings


def show_settings(shared: Shared, *, origin: bool) -> int:
    """Every setting; with ``origin`` also where it came from. Secrets are masked."""
    from validate_updates.settings import show
    from validate_updates_cli.render.settings import settings_page

    settings = settings_of(shared)
    entries = [*show(settings), *(_switched(settings) if origin else ())]
    files = [str(path) for path in settings.files]
    data = {"files": files, "settings": [asdict(entry) for entry in entries]}
    answer(shared, data, lambda look: settings_page(entries, files, look, origin=origin))
    return 0


def _switched(settings: Settings) -> Iterator[Entry]:
    """What switches in the journals say otherwise."""
    from validate_updates.settings import Entry
    from validate_updates_cli.commands.switches import switches_of_all
    from validate_updates_cli.render.plugins import made

    holding, unread = switches_of_all(settings)
    for switch in holding:
        yield Entry(f"tasks.{switch.task}.plugins: {switch.plugin}", switch.mode, made(switch))
    for reason in unread:
        complain(f"its switches are not known: {printable(reason, 300)}")


def check_settings(shared: Shared) -> int:
    """What a run of each task would stumble over at once; exit code 2 where there is anything."""
    from validate_updates_cli.render.settings import problems_page

    settings = settings_of(shared)
    found = problems(settings)
    answer(shared, {"problems": found}, lambda look: problems_page(found, len(settings.model.tasks), look))
    return int(ExitCode.USAGE) if found else 0


def problems(settings: Settings) -> list[str]:
    """One line for each problem of a task, of its plugins or of their settings. No database is asked."""
    from validate_updates.manager import load
    from validate_updates.settings import check
    from validate_updates.sources import plugin_source

    found = list(check(settings))
    default = settings.model.default_plugins
    used = {
        (default if task.plugins is None else task.plugins, plugin_source(task.source) or ())
        for task in settings.model.tasks.values()
    }
    for names, source in sorted({(default, ()), *used}):
        try:
            plugins = load(names, settings.plugin_tables, origins=settings.origins)
            if source:
                plugins.source(*source)
        except UsageError as error:
            found.append(f"{error.message}{f' ({error.hint})' if error.hint else ''}")
    return list(dict.fromkeys(found))
