"""``runs list`` and ``runs show``: what the journal says."""

from __future__ import annotations

from dataclasses import fields

from validate_updates_cli.commands.opening import TargetOptions, place_of, reading, settings_of
from validate_updates_cli.output import Shared, answer


def list_runs(shared: Shared, options: TargetOptions, *, limit: int) -> int:
    """The newest runs, of one task if asked."""
    from validate_updates.journal.reading import runs
    from validate_updates.journal.schema import find
    from validate_updates_cli.render.runs import run_list

    place = place_of(settings_of(shared), options)
    with reading(place.url) as (_, connection):
        found = runs(connection, find(connection, place.prefix, place.schema), limit=limit, task=options.task)
    answer(shared, {"runs": list(found)}, lambda look: run_list(found, look))
    return 0


def show_run(shared: Shared, options: TargetOptions, wanted: str) -> int:
    """Everything about one run: by its id, the beginning of it, or ``last``."""
    from validate_updates.journal.reading import show
    from validate_updates.journal.schema import find
    from validate_updates_cli.render.runs import run_page

    place = place_of(settings_of(shared), options)
    with reading(place.url) as (_, connection):
        stored = show(connection, find(connection, place.prefix, place.schema), wanted)
    data = {field.name: getattr(stored, field.name) for field in fields(stored)}
    answer(shared, data, lambda look: run_page(stored, str(place.url), look, verbose=shared.verbose))
    return 0
