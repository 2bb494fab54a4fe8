"""Plugins switched on, off or into shadow for a task: kept with who did it, when and why, and never overwritten.

Of a plugin in a task the newest switch holds. It wins over the settings, from the next run on.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.journal.rows import Switch, SwitchMode
from validate_updates.journal.texts import MESSAGE_BYTES, stored
from validate_updates.modes import Mode, Selected

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables


def enter(conn: sa.Connection, tables: JournalTables, switch: Switch) -> None:
    """Keep a switch; it holds from the next run of its task."""
    row = {
        "task": stored(switch.task),
        "plugin": stored(switch.plugin),
        "mode": switch.mode,
        "reason": stored(switch.reason, MESSAGE_BYTES),
        "made_at": switch.made_at,
        "made_by": stored(switch.made_by),
    }
    conn.execute(tables.switches.insert(), row)


def switches(conn: sa.Connection, tables: JournalTables | None, task: str) -> Sequence[Switch]:
    """Every switch there has been for a task, oldest first."""
    if tables is None:
        return ()
    ours = tables.switches
    rows = conn.execute(sa.select(ours).where(ours.c.task == stored(task)).order_by(ours.c.switch_no))
    return tuple(_switch(row) for row in rows)


def in_force(made: Iterable[Switch]) -> dict[str, Switch]:
    """By plugin, those that hold: the newest of each, unless that one gave the word back to the settings."""
    newest = {switch.plugin: switch for switch in made}
    return {name: switch for name, switch in newest.items() if switch.mode is not SwitchMode.SETTINGS}


def switched(plugins: Iterable[Selected], holding: Iterable[Switch]) -> tuple[Selected, ...]:
    """The plugins of a task as the switches that hold leave them."""
    left = {one.name: one for one in plugins}
    for switch in holding:
        left.pop(switch.plugin, None)
        if switch.mode is not SwitchMode.OFF:
            left[switch.plugin] = Selected(switch.plugin, Mode(switch.mode))
    return tuple(left.values())


def who() -> str:
    """The user of the operating system; the number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _switch(row: sa.Row[Any]) -> Switch:
    return Switch(
        task=row.task,
        plugin=row.plugin,
        mode=SwitchMode(row.mode),
        reason=row.reason,
        made_at=row.made_at,
        made_by=row.made_by,
    )
