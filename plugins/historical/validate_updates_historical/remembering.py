"""What the past foretells, kept for as long as the past stays the same.

A run that was committed, a label, an import: whatever changes the list of earlier runs makes it be learned anew, and so
do other settings and another hour. All that is asked of the journal otherwise is that list. The few latest are kept,
and only within a process: an update that is committed changes the past itself, so the next process would find nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from datetime import datetime
from typing import Final

from msgspec import json

from validate_updates import History
from validate_updates_historical.history_of import Foretold, foretold, past_of
from validate_updates_historical.seasons import Seasons
from validate_updates_historical.settings import Historical

KEPT: Final = 4
"""Pasts that are kept: as many tasks may take turns."""

_known: Final[dict[Hashable, Foretold]] = {}


def remembered(history: History, at: datetime, settings: Historical, seasons: Seasons) -> Foretold:
    """What the past of a task foretells of a run at ``at``."""
    runs = history.runs(settings.window, committed=False)
    # a run's time and numbers never change; ids of runs that were brought in are made of all that is known of them
    past = tuple((run.run_id, run.stood, run.label, run.label_until) for run in runs)
    days = (tuple(seasons.spans.items()), seasons.month_ends)
    key = (past, days, json.encode(settings), at.date(), at.hour)
    found = _known.pop(key, None)
    if found is None:
        found = foretold(past_of(history, settings, runs=runs), at, settings, seasons)
    _known[key] = found
    for oldest in list(_known)[:-KEPT]:
        _known.pop(oldest, None)
    return replace(found, at=at)
