"""``plugins``: which there are, what they declare, how they take part in a task; and the commands that they bring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from validate_updates.result import Answer, Section
from validate_updates_cli.commands.opening import TargetOptions, settings_of
from validate_updates_cli.output import Shared, answer


def list_plugins(shared: Shared, options: TargetOptions) -> int:
    """The installed plugins; or those of a task, each with its mode and where that comes from.

    None of them is imported, so that a broken one cannot hide the others.
    """
    from validate_updates.manager import available
    from validate_updates_cli.render.plugins import plugin_list, standing_list

    if options.task is not None:
        from validate_updates_cli.commands.switches import standings_of

        task, standing = options.task, standings_of(settings_of(shared), options)
        data = {"task": task, "plugins": [asdict(one) for one in standing]}
        answer(shared, data, lambda look: standing_list(task, standing, look))
        return 0
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


def call_subcommand(
    shared: Shared, function: Callable[..., Any], arguments: dict[str, Any], written: Sequence[str] = ()
) -> int:
    """Run a plugin's command and show what it returns: a section, text, nothing, or an answer of several parts.

    ``written`` are texts like ``markdown=PATH``: files to write it to.
    """
    from validate_updates_cli.render.summary import answer_page, answer_pages
    from validate_updates_cli.reports import OF_ANSWERS, open_reports, write_answer

    reports = open_reports(written, OF_ANSWERS)
    returned = function(**arguments)
    if isinstance(returned, Answer):
        answer(shared, returned.data, lambda look: answer_pages(returned.sections, look))
        write_answer(returned.data, returned.sections, reports)
        return returned.exit_status
    data = {"answer": returned}
    answer(shared, data, lambda look: answer_page(returned, look))
    write_answer(data, [returned if isinstance(returned, Section) else _of_text(returned)], reports)
    return 0


def _of_text(returned: object) -> Section:
    return Section(title="", lines=() if returned is None else tuple(str(returned).split("\n")))
