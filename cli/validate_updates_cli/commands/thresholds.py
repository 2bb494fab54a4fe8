"""``thresholds show|backtest|suggest``: what the past makes to be expected, under these settings and others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from validate_updates.errors import UsageError
from validate_updates_cli.commands.changes import changes_of, with_changes
from validate_updates_cli.commands.opening import TargetOptions, place_of, reading, settings_of
from validate_updates_cli.output import Shared, answer

if TYPE_CHECKING:
    from validate_updates.context import History
    from validate_updates.result import Section
    from validate_updates.settings import Settings

PLUGIN: Final = "historical"
"""The plugin that is asked."""


def show_thresholds(shared: Shared, options: TargetOptions, changes: Sequence[str]) -> int:
    """What is expected of a run now, and the settings that it follows from."""
    from validate_updates_cli.render.summary import answer_page
    from validate_updates_cli.render.thresholds import settings_page

    settings = with_changes(settings_of(shared), PLUGIN, changes_of(changes))
    at = datetime.now(UTC)
    with _history(settings, options) as history:
        section: Section = _made("thresholds", settings)(history, at)
    used = _settings(settings)
    answer(
        shared,
        {"at": at, "expected": section, "settings": used},
        lambda look: [*answer_page(section, look), *settings_page(PLUGIN, used, look)],
    )
    return 0


def _settings(settings: Settings) -> list[dict[str, Any]]:
    """Each setting of the plugin as it holds: its name, its value as plain data, and what it is for."""
    import msgspec

    from validate_updates.manager import load_one
    from validate_updates.plugin_settings import describe_settings

    used = load_one(PLUGIN, settings.plugin_tables, origins=settings.origins).settled[0].item
    values = msgspec.to_builtins(used)
    return [
        {"name": one.name, "value": values[one.name], "description": one.description}
        for one in describe_settings(type(used))
    ]


def backtest(shared: Shared, options: TargetOptions, changes: Sequence[str], *, runs: int) -> int:
    """Which of the last runs would raise an alert under changed settings."""
    return _judged_again(shared, options, changes, runs, "backtest")


def suggest(shared: Shared, options: TargetOptions, changes: Sequence[str], *, runs: int) -> int:
    """The false-alarm rate that fits the history."""
    return _judged_again(shared, options, changes, runs, "suggestion")


def _judged_again(shared: Shared, options: TargetOptions, changes: Sequence[str], runs: int, what: str) -> int:
    settings = with_changes(settings_of(shared), PLUGIN, changes_of(changes))
    with _history(settings, options) as history:
        found = _made(what, settings)(history, runs)
    _answer(shared, {what: found}, [found.section])
    return 0


def _made(what: str, settings: Settings) -> Any:
    from validate_updates.testing.detectors import made_by_plugin

    return made_by_plugin(PLUGIN, what, settings.plugin_tables, origins=settings.origins)


@contextmanager
def _history(settings: Settings, options: TargetOptions) -> Iterator[History]:
    """The history of the task that is meant: the one named, or the only one that has any."""
    from validate_updates.journal.history import JournalHistory
    from validate_updates.journal.schema import find
    from validate_updates.past.looking import tasks_with_history

    place = place_of(settings, options)
    with reading(place.url) as (_, connection):
        tables = find(connection, place.prefix, place.schema)
        tasks = [one.task for one in tasks_with_history(connection, tables, options.task)]
        if tables is None or len(tasks) != 1:
            known = (
                f"tasks with a history: {', '.join(tasks)}" if tasks else "it has none yet: validate-updates history"
            )
            raise UsageError("the history of which task? --task NAME" if tasks else "there is no history", hint=known)
        yield JournalHistory(connection, tables, task=tasks[0], except_run="", asked_by=PLUGIN)


def _answer(shared: Shared, data: Mapping[str, Any], sections: Sequence[Section]) -> None:
    from validate_updates_cli.render.summary import answer_pages

    answer(shared, data, lambda look: answer_pages(sections, look))
