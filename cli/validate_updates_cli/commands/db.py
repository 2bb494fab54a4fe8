"""``db status`` and ``db upgrade``: the journal's own tables."""

from __future__ import annotations

from validate_updates_cli.commands.opening import Place, TargetOptions, place_of, reading, settings_of
from validate_updates_cli.output import Shared, answer


def status(shared: Shared, options: TargetOptions) -> int:
    """Which version the journal has. Raises ``TargetError`` where it is not the one of this program."""
    from validate_updates.journal.schema import HEAD, find

    place = place_of(settings_of(shared), options)
    with reading(place.url) as (_, connection):
        found = find(connection, place.prefix, place.schema)
    if found is None:
        return _say(shared, place, "there is no journal yet; the first run makes it", version=None)
    return _say(shared, place, f"the journal has version {HEAD}, as it should", version=HEAD)


def upgrade(shared: Shared, options: TargetOptions) -> int:
    """Bring the journal to the version of this program, or make it."""
    from validate_updates.journal.schema import HEAD
    from validate_updates.journal.schema import upgrade as upgrade_journal

    place = place_of(settings_of(shared), options)
    with reading(place.url) as (database, _):
        pass  # tells in one line what is wrong with a database that cannot be reached
    steps = upgrade_journal(database.engine, place.prefix, place.schema)
    done = f"brought to version {HEAD} (by {', '.join(steps)})" if steps else f"of version {HEAD} already"
    return _say(shared, place, f"the journal is {done}", version=HEAD)


def _say(shared: Shared, place: Place, text: str, *, version: str | None) -> int:
    from validate_updates_cli.render.summary import answer_page

    answer(shared, {"version": version}, lambda look: answer_page(f"{place.url}: {text}", look))
    return 0
