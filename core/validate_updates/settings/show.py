"""Settings for people to look at: every value with its origin, and what will go wrong when they are used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from validate_updates.errors import UsageError
from validate_updates.settings.jobs import Flags, job_for
from validate_updates.settings.load import Settings, every_value
from validate_updates.settings.paths import STDIN, exists
from validate_updates.settings.values import as_text, dotted
from validate_updates.sources.named import plugin_source
from validate_updates.text import printable

WIDTH: Final = 500
"""Characters of a value shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting."""

    path: str
    """``tasks.daily.wait``."""
    value_text: str
    """As TOML writes it, secrets masked; ``not set`` where it has no value."""
    origin: str
    """See :attr:`Settings.origins`."""


def show(settings: Settings) -> Sequence[Entry]:
    """Every setting, defaults included, and every key of the plugins' tables that was given."""
    found = (*every_value(settings.model), *every_value(settings.plugin_tables, ("plugins",)))
    return [Entry(dotted(path), as_text(value, path, WIDTH), settings.origins[dotted(path)]) for path, value in found]


def check(settings: Settings) -> list[str]:
    """What a run of each task would stumble over at once, one line each; the database is not asked."""
    return [f"task {name}: {problem}" for name in settings.model.tasks for problem in _problems(settings, name)]


def _problems(settings: Settings, task: str) -> Iterator[str]:
    try:
        job = job_for(settings, task, Flags())
    except UsageError as error:
        yield error.message
        return
    for source in (job.source,) if isinstance(job.source, str) else job.source:
        if source != STDIN and not plugin_source(source) and not exists(source):
            yield f"{settings.where(dotted(('tasks', task, 'source')))}: there is no {printable(source)}"
