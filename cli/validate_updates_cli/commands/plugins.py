"""``plugins list`` and ``plugins show``, and the commands that plugins bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from validate_updates_cli.commands.opening import settings_of
from validate_updates_cli.output import Shared, answer


def list_plugins(shared: Shared) -> int:
    """The installed plugins. None of them is imported, so that a broken one cannot hide the others."""
    from validate_updates.manager import available
    from validate_updates_cli.render.plugins import plugin_list

    found = available()
    answer(shared, {"plugins": [asdict(one) for one in found]}, lambda look: plugin_list(found, look))
    return 0


def show_plugin(shared: Shared, name: str) -> int:
    """What one plugin declares under the settings that hold here."""
    from validate_updates.manager import describe
    from validate_updates_cli.render.plugins import plugin_fields, plugin_page

    settings = settings_of(shared)
    description = describe(name, settings.plugin_tables, origins=settings.origins)
    answer(shared, plugin_fields(description), lambda look: plugin_page(description, look))
    return 0


def call_subcommand(shared: Shared, function: Callable[..., Any], arguments: dict[str, Any]) -> int:
    """Run a plugin's command and show what it returns: a section, text, or nothing."""
    from validate_updates_cli.render.summary import answer_page

    returned = function(**arguments)
    answer(shared, {"answer": returned}, lambda look: answer_page(returned, look))
    return 0
