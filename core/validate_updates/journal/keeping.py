"""What plugins keep between runs: short texts by name, for a task or for none. Works within the open transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.journal.texts import RECORD_BYTES, stored

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables


def kept_by(conn: sa.Connection, tables: JournalTables, plugin: str) -> dict[str, dict[str, str]]:
    """Task -> name -> text; what belongs to no task is under the empty name."""
    states = tables.states
    found: dict[str, dict[str, str]] = {}
    query = sa.select(states.c.task, states.c.name, states.c.value).where(states.c.plugin == stored(plugin))
    for task, name, text in conn.execute(query):
        found.setdefault(task, {})[name] = text
    return found


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    """What is to be kept anew, by name; None for what is gone."""
    changed: dict[str, str | None] = {name: text for name, text in after.items() if before.get(name) != text}
    return changed | {name: None for name in before if name not in after}


def keep(
    conn: sa.Connection,
    tables: JournalTables,
    plugin: str,
    task: str,
    changed: Mapping[str, str | None],
    *,
    now: datetime,
) -> None:
    """Keep texts by name for a task; None lets go of one."""
    if not changed:
        return
    states = tables.states
    named = {stored(name): text for name, text in changed.items()}  # of names that are stored alike the last counts
    ours = (states.c.plugin == stored(plugin)) & (states.c.task == stored(task))
    conn.execute(states.delete().where(ours, states.c.name.in_(named)))
    rows = [
        {
            "plugin": stored(plugin),
            "task": stored(task),
            "name": name,
            "value": stored(text, 4 * RECORD_BYTES),
            "changed_at": now,
        }
        for name, text in named.items()
        if text is not None
    ]
    if rows:
        conn.execute(states.insert(), rows)
