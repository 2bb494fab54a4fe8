"""``runs list`` and ``runs show``: what the journal says. ``runs ack``: what a person says of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime

from validate_updates.errors import UsageError
from validate_updates.times import as_time
from validate_updates_cli.commands.opening import TargetOptions, place_of, reading, settings_of, writing
from validate_updates_cli.output import Shared, answer


def list_runs(shared: Shared, options: TargetOptions, *, limit: int) -> int:
    """The newest runs, of one task if asked."""
    from validate_updates.journal.reading import runs
    from validate_updates.journal.schema import find
    from validate_updates_cli.render.runs import run_list

    place = place_of(settings_of(shared), options)
    with reading(place.url) as (_, connection):
        found = runs(connection, find(connection, place.prefix, place.schema), limit=limit, task=options.task)
    answer(shared, {"runs": list(found)}, lambda look: run_list(found, look, task=options.task))
    return 0


def show_run(shared: Shared, options: TargetOptions, wanted: str) -> int:
    """Everything about one run: by its id, the beginning of it, or ``last``, of the task if one is named."""
    from validate_updates.journal.reading import show
    from validate_updates.journal.schema import find
    from validate_updates_cli.render.runs import run_page

    place = place_of(settings_of(shared), options)
    with reading(place.url) as (_, connection):
        stored = show(connection, find(connection, place.prefix, place.schema), wanted, task=options.task)
    data = {field.name: getattr(stored, field.name) for field in fields(stored)}
    answer(shared, data, lambda look: run_page(stored, str(place.url), look, verbose=shared.verbose))
    return 0


def ack_run(
    shared: Shared,
    options: TargetOptions,
    wanted: str,
    *,
    labels: Sequence[str],
    clear: bool,
    note: str | None,
    until: str | None,
) -> int:
    """Label a run as expected or as an incident, or take the label away."""
    from validate_updates.journal.schema import find
    from validate_updates.past.labels import clear_label, label_run
    from validate_updates_cli.render.runs import label_page

    if len(labels) + clear != 1:
        raise UsageError("what is to be said of the run? one of --expected, --incident and --clear")
    if clear and (note or until):
        raise UsageError("--clear takes the label away, with its note: it goes with neither --note nor --until")
    last = as_time("--until", until)
    place = place_of(settings_of(shared), options)
    with writing(place.url) as (_, connection):
        tables = find(connection, place.prefix, place.schema)
        if tables is None:
            raise UsageError("no run has been written down in this database yet")
        if clear:
            run = clear_label(connection, tables, wanted, task=options.task)
        else:
            now = datetime.now(UTC)
            run = label_run(connection, tables, wanted, labels[0], now=now, note=note, until=last, task=options.task)
    answer(shared, {"run": run}, lambda look: label_page(run, look))
    return 0
