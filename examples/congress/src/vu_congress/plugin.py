"""The hooks, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from validate_updates import Moment, PluginSettings, RecordSource, SettingsOf, Validator, hookimpl
from vu_congress import checks
from vu_congress.settings import Congress


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """See :mod:`vu_congress.settings`."""
    return Congress


@hookimpl
def vu_sources(settings: SettingsOf) -> Iterator[RecordSource]:
    """Meetings from the API, or from files."""
    from vu_congress.fetching import fetch
    from vu_congress.saved import read_saved

    mine = settings[Congress]
    yield RecordSource(
        name="meetings", summary="committee meetings that changed, from the API", read=partial(fetch, mine)
    )
    yield RecordSource(name="saved", summary="the same from files, DAY/meetings.jsonl", read=partial(read_saved, mine))


@hookimpl
def vu_validators(settings: SettingsOf) -> Iterator[Validator]:
    """What is odd about hearings."""
    mine = settings[Congress]
    for name, check, moment, summary in (
        ("chambers", checks.chambers, Moment.PLAN, "House, Senate, Joint or NoChamber"),
        ("types", checks.types, Moment.PLAN, "Hearing, Meeting or Markup"),
        ("statuses", checks.statuses, Moment.PLAN, "Scheduled, Canceled, Postponed or Rescheduled"),
        ("congress_numbers", checks.congress_numbers, Moment.PLAN, "the Congress of the hearing's year"),
        ("far_ahead", checks.far_ahead, Moment.PLAN, "hearings years ahead"),
        ("without_committees", checks.without_committees, Moment.RESULT, "hearings that no committee holds"),
    ):
        yield Validator(name=name, moment=moment, check=partial(check, settings=mine), summary=summary)
