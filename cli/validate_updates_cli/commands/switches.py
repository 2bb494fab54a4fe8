"""``plugins enable|disable|shadow|reset``: how a plugin takes part in a task, from its next run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from validate_updates.errors import UsageError
from validate_updates.text import printable
from validate_updates_cli.commands.opening import Place, TargetOptions, place_of, reading, settings_of, writing
from validate_updates_cli.output import Shared, answer

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.choosing import Standing
    from validate_updates.journal.rows import Switch, SwitchMode
    from validate_updates.journal.tables import JournalTables
    from validate_updates.settings import Settings


def switch_plugin(shared: Shared, options: TargetOptions, plugin: str, mode: SwitchMode, reason: str | None) -> int:
    """Enter a switch into the journal of the task's target. Raises ``UsageError`` where it would make no sense."""
    from validate_updates.choosing import named_by_settings, standings
    from validate_updates.journal.rows import Switch
    from validate_updates.journal.schema import prepare
    from validate_updates.journal.switches import enter, in_force, switches, who
    from validate_updates_cli.render.plugins import switch_page

    if options.task is None:
        raise UsageError("for which task? --task NAME")
    if reason is None or not reason.strip():
        raise UsageError("why? --reason TEXT", hint="the journal keeps it, with who and when")
    settings = settings_of(shared)
    place = place_of(settings, options)
    switch = Switch(
        task=options.task, plugin=plugin, mode=mode, reason=reason.strip(), made_at=datetime.now(UTC), made_by=who()
    )
    with writing(place.url) as (_, connection):
        tables = prepare(connection, place.prefix, place.schema)
        _check_task(settings, connection, tables, options.task)
        holding = in_force(switches(connection, tables, options.task))
        _check_plugin(settings, switch, holding)
        enter(connection, tables, switch)
        holding = in_force(switches(connection, tables, options.task))
    standing = standings(*named_by_settings(settings, options.task), holding)
    now = next((one.mode for one in standing if one.plugin == plugin), "off")
    answer(shared, {"switch": asdict(switch), "mode": now}, lambda look: switch_page(switch, now, standing, look))
    return 0


def standings_of(settings: Settings, options: TargetOptions) -> tuple[Standing, ...]:
    """How plugins take part in the task of the options, by the settings and the journal."""
    from validate_updates.choosing import named_by_settings, standings
    from validate_updates.journal.schema import find
    from validate_updates.journal.switches import in_force, switches

    task = options.task or ""
    place = place_of(settings, options)
    with reading(place.url) as (_, connection):
        tables = find(connection, place.prefix, place.schema)
        if tables is None or task not in settings.model.tasks:
            _check_task(settings, connection, tables, task)
        holding = in_force(switches(connection, tables, task))
    return standings(*named_by_settings(settings, task), holding)


def _check_task(settings: Settings, connection: sa.Connection, tables: JournalTables | None, task: str) -> None:
    """A task of the settings, or one that has run: else a misspelt name would switch nothing."""
    from validate_updates.journal.reading import tasks

    known = {*settings.model.tasks, *(tasks(connection, tables) if tables is not None else ())}
    if task not in known:
        named = ", ".join(printable(one, 60) for one in sorted(known))
        raise UsageError(f"there is no task {printable(task, 60)!r}", hint=f"tasks: {named or 'none'}")


def _check_plugin(settings: Settings, switch: Switch, holding: Mapping[str, Switch]) -> None:
    """What the next run would stumble over is refused now; switching off is always possible."""
    from validate_updates.choosing import named_by_settings
    from validate_updates.journal.rows import SwitchMode
    from validate_updates.journal.switches import in_force, switched
    from validate_updates.manager import available, load

    named, _ = named_by_settings(settings, switch.task)
    if switch.mode in {SwitchMode.OFF, SwitchMode.SETTINGS}:
        known = {*(one.name for one in available()), *(one.name for one in named), *holding}
        if switch.plugin not in known:
            hint = f"plugins that exist: {', '.join(sorted(known))}"
            raise UsageError(f"no plugin is called {printable(switch.plugin, 60)!r}", hint=hint)
        return
    others = {name: one for name, one in holding.items() if name != switch.plugin}
    after = switched(named, in_force([*others.values(), switch]).values())
    load(tuple(map(str, after)), settings.plugin_tables, origins=settings.origins)


def switches_of_all(settings: Settings) -> tuple[list[Switch], list[str]]:
    """The switches that hold for the tasks of the settings; and, in words, what could not be read."""
    from validate_updates.errors import UpdateError
    from validate_updates.journal.schema import find
    from validate_updates.journal.switches import in_force, switches

    places: dict[Place, list[str]] = {}
    unread: list[str] = []
    for task in settings.model.tasks:
        try:
            places.setdefault(place_of(settings, TargetOptions(task=task)), []).append(task)
        except UpdateError as error:
            unread.append(f"task {task}: {error.message}")
    holding: list[Switch] = []
    for place, tasks in places.items():
        try:
            with reading(place.url) as (_, connection):
                tables = find(connection, place.prefix, place.schema)
                for task in tasks:
                    holding += in_force(switches(connection, tables, task)).values()
        except UpdateError as error:
            unread.append(f"task {', '.join(tasks)}: {error.message}")
    return holding, unread
