"""Which plugins take part in an update, and how: what the job names, as the switches in the journal leave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from validate_updates import remarks
from validate_updates.journal.schema import find
from validate_updates.journal.switches import in_force, switched, switches
from validate_updates.modes import selected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import sqlalchemy as sa

    from validate_updates.findings import Finding
    from validate_updates.job import Job
    from validate_updates.journal.rows import Switch
    from validate_updates.modes import Selected
    from validate_updates.settings import Settings


@dataclass(frozen=True, slots=True)
class Choice:
    """The plugins of one run."""

    plugins: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    """Why they are others than the settings say, or than the switches do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a plugin takes part in the updates of a task, and who says so."""

    plugin: str
    mode: str
    """``enforce``, ``shadow`` or ``off``."""
    origin: str
    """The place of the settings that names it; empty where a switch says so."""
    switch: Switch | None = None


def standings(named: Sequence[Selected], origin: str, holding: Mapping[str, Switch]) -> tuple[Standing, ...]:
    """Each plugin that the settings name or a switch is about, by name."""
    by_settings = {one.name: Standing(plugin=one.name, mode=one.mode, origin=origin) for one in named}
    by_switch = {
        name: Standing(plugin=name, mode=switch.mode, origin="", switch=switch) for name, switch in holding.items()
    }
    return tuple(one for _, one in sorted({**by_settings, **by_switch}.items()))


def named_by_settings(settings: Settings, task: str) -> tuple[tuple[Selected, ...], str]:
    """The plugins that the settings name for a task, and where they do. Of one that is no task there, none."""
    known = settings.model.tasks.get(task)
    if known is None:
        return (), ""
    if known.plugins is None:
        return selected(settings.model.default_plugins), settings.where("default_plugins")
    return selected(known.plugins), settings.where(f"tasks.{task}.plugins")


def as_named(job: Job, extra: Iterable[str] = ()) -> Choice:
    """The plugins that the job names, and those of the names ``extra``: giving one as an object selects it."""
    named = {one.name: one for one in selected(job.plugins)}
    return Choice((*job.plugins, *(name for name in extra if name not in named)))


def choose(job: Job, connection: sa.Connection, extra: Iterable[str] = ()) -> Choice:
    """The same as the switches in the journal leave it. Raises ``PluginError``."""
    choice = as_named(job, extra)
    named = selected(choice.plugins)
    tables = find(connection, job.journal_prefix, job.schema)
    holding = [
        switch
        for switch in in_force(switches(connection, tables, job.task or job.table)).values()
        if set(switched(named, [switch])) != set(named)
    ]
    if not job.switches:
        return Choice(choice.plugins, tuple(map(remarks.overruled, holding)))
    return Choice(tuple(map(str, switched(named, holding))), tuple(map(remarks.switched, holding)))
