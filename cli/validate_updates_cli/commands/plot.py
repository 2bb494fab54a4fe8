"""``history plot``: a metric over time, with what a plugin makes of its past, as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from validate_updates.errors import UsageError
from validate_updates.text import counted, printable
from validate_updates_cli.commands.opening import TargetOptions, place_of, reading, settings_of
from validate_updates_cli.output import Shared, answer

BEFORE: Final = 365
"""Runs before the first one shown, for it to be judged by."""


def plot_history(shared: Shared, options: TargetOptions, metric: str, *, output: str, limit: int, plugin: str) -> int:
    """Draw the last ``limit`` runs of a task, each with the range that those before it made to be expected."""
    from validate_updates.journal.schema import find
    from validate_updates.past.looking import tasks_with_history
    from validate_updates.past.plotting import plotted
    from validate_updates.testing.detectors import made_by_plugin
    from validate_updates_cli.charts.files import save
    from validate_updates_cli.render.summary import answer_page

    settings = settings_of(shared)
    foretell = made_by_plugin(plugin, "chart", settings.plugin_tables, origins=settings.origins)
    place = place_of(settings, options)
    with reading(place.url) as (_, connection):
        tables = find(connection, place.prefix, place.schema)
        task = options.task or _only([one.task for one in tasks_with_history(connection, tables)])
        runs = plotted(connection, tables, task, metric, limit + BEFORE)
    save(foretell(metric, [(run.started_at, run.value, run.label) for run in runs], limit), Path(output))
    shown = min(limit, len(runs))
    said = f"{printable(metric)} of {printable(task)}, {counted(shown, 'run')}: {printable(output, 500)}"
    answer(
        shared, {"task": task, "metric": metric, "runs": shown, "output": output}, lambda look: answer_page(said, look)
    )
    return 0


def _only(tasks: Sequence[str]) -> str:
    if len(tasks) != 1:
        known = (
            f"tasks with a history: {', '.join(printable(task) for task in tasks)}" if tasks else "there is none yet"
        )
        raise UsageError("the history of which task? --task NAME", hint=known)
    return tasks[0]
