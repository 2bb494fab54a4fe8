"""``runs explain``: what a plugin makes of a run beside its past, asked of the journal at leisure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates.errors import UsageError
from validate_updates_cli.commands.opening import TargetOptions, place_of, reading, settings_of
from validate_updates_cli.commands.thresholds import PLUGIN
from validate_updates_cli.output import Shared, answer

if TYPE_CHECKING:
    from validate_updates.context import EarlierRun
    from validate_updates.journal.rows import RunRow
    from validate_updates.result import Section


def explain_run(shared: Shared, options: TargetOptions, wanted: str) -> int:
    """Each number of a run beside what the runs before it made to be expected, whether it raised an alert or not."""
    from validate_updates.journal.history import JournalHistory
    from validate_updates.journal.reading import show
    from validate_updates.journal.schema import find
    from validate_updates.testing.detectors import made_by_plugin
    from validate_updates_cli.render.summary import answer_page

    settings = settings_of(shared)
    explain = made_by_plugin(PLUGIN, "explainer", settings.plugin_tables, origins=settings.origins)
    place = place_of(settings, options)
    with reading(place.url) as (_, connection):
        tables = find(connection, place.prefix, place.schema)
        stored = show(connection, tables, wanted, task=options.task)
        if tables is None or not stored.metrics:
            raise UsageError(f"run {stored.run.run_id} has no metrics: it ended before anything was measured")
        history = JournalHistory(
            connection, tables, task=stored.run.task, except_run=stored.run.run_id, asked_by=PLUGIN
        )
        section: Section = explain(history, _earlier(stored.run), stored.metrics)
    data = {"run": stored.run.run_id, "explanation": section}
    answer(shared, data, lambda look: answer_page(section, look))
    return 0


def _earlier(run: RunRow) -> EarlierRun:
    from validate_updates.context import EarlierRun

    return EarlierRun(
        run_id=run.run_id,
        state=run.state,
        started_at=run.started_at,
        seconds=run.seconds or 0.0,
        counts=run.counts,
        kind=run.kind,
        label=run.label,
        label_until=run.label_until,
    )
