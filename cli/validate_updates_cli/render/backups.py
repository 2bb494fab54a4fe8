"""Backups: a list, and what became of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.text import Text

from validate_updates_cli.render.page import Page
from validate_updates_cli.render.words import MESSAGE, number, plural

if TYPE_CHECKING:
    from validate_updates.backups import BackupInfo, Listing, Restored, Retired
    from validate_updates_cli.render.look import Look

SHOWN: Final = 20
"""Tables of a backup, runs that are gone, files left alone."""
_PATH: Final = 500


def backup_list(found: Listing, look: Look, *, verbose: bool) -> list[Text]:
    """One line a backup, the newest first; then what else is in the folder. ``verbose`` adds their tables."""
    page = Page(look)
    if found.backups:
        header = [Text(word, style="dim") for word in ("backup", "made (UTC)", "size", "why")]
        rows = [[look.text(one.name), _minute(one.created_at), size(one.size), one.made_for] for one in found.backups]
        page.table([header, *rows], indent=0, right={2}, whole={0, 1, 2})
    else:
        page.put("No backups yet.", indent=0)
    for one in found.backups if verbose else ():
        page.heading(look.text(one.name))
        _tables(page, one)
    page.blank()
    page.put(f"in {look.text(found.folder, _PATH)}", indent=0)
    if found.others:
        page.heading("Left alone in this folder")
        page.table(
            [look.text(other.name), size(other.size), look.text(other.reason, MESSAGE)]
            for other in found.others[:SHOWN]
        )
        _more(page, len(found.others))
    return page.lines


def made_page(backup: BackupInfo, retired: Retired, look: Look) -> list[Text]:
    """A backup that was just made."""
    page = _headed(look, "BACKED UP", backup)
    _about(page, backup)
    _tables(page, backup)
    page.blank()
    if retired.deleted:
        page.put(f"{plural(len(retired.deleted), 'old backup')} deleted: {_some(retired.deleted, look)}")
    _notes(page, retired.notes)
    return page.lines


def verified_page(backup: BackupInfo, look: Look) -> list[Text]:
    """A backup that can be restored."""
    page = _headed(look, "VERIFIED", backup)
    _about(page, backup)
    _tables(page, backup)
    return page.lines


def restored_page(done: Restored, look: Look, commands: Sequence[str]) -> list[Text]:
    """What was brought back, what went, and how to take it back."""
    page = _headed(look, "RESTORED", done.backup)
    database = look.text(done.backup.database)
    page.put(f"{database} is what it was on {_minute(done.backup.created_at)} UTC (made {done.backup.made_for})")
    _tables(page, done.backup)
    page.blank()
    if done.safety:
        page.put(f"What was there until now is in the backup {look.text(done.safety)}.")
    if done.lost_runs:
        gone = f"{plural(len(done.lost_runs), 'run')} gone from the journal, which went back too"
        page.put(f"{gone}: {_some(done.lost_runs, look)}")
    _notes(page, done.notes)
    page.heading("Next")
    for command in commands:
        page.verbatim(look.text(command, MESSAGE))
    return page.lines


def question(backup: BackupInfo, look: Look) -> str:
    """What a person is asked before a restore."""
    held = ", ".join(f"{look.text(name)} {plural(rows, 'row')}" for name, rows in backup.tables[:SHOWN])
    return (
        f"{look.text(backup.database)} goes back to the backup {look.text(backup.name)},"
        f" made on {_minute(backup.created_at)} UTC {backup.made_for} ({held}).\n"
        "What was written since then leaves the database. A backup of the present is made first."
    )


def size(count: int) -> str:
    """Bytes for people: ``512 B``, ``209.7 MB``."""
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def _headed(look: Look, words: str, backup: BackupInfo) -> Page:
    page = Page(look)
    line = Text(f"{'+' if look.ascii else '✔'} {words}", style="bold green")
    page.put(line.append("  ", style="default").append(look.text(backup.name), style="bold default"), indent=0)
    return page


def _about(page: Page, backup: BackupInfo) -> None:
    look = page.look
    page.put(f"{look.text(backup.database)}, {_minute(backup.created_at)} UTC, {backup.made_for}; {size(backup.size)}")
    if backup.orphans:
        page.put(f"{plural(backup.orphans, 'row')} with foreign keys that point nowhere, as in the database")
    page.put(f"in {look.text(backup.folder, _PATH)}")


def _tables(page: Page, backup: BackupInfo) -> None:
    rows = [[page.look.text(name), plural(count, "row")] for name, count in backup.tables[:SHOWN]]
    page.table(rows, indent=4, right={1})
    _more(page, len(backup.tables))


def _more(page: Page, count: int) -> None:
    if count > SHOWN:
        page.put(f"and {number(count - SHOWN)} more")


def _notes(page: Page, notes: Sequence[str]) -> None:
    for note in notes:
        page.put(page.look.text(note, MESSAGE), lead=Text("! ", style="yellow"))


def _some(names: Sequence[str], look: Look) -> str:
    shown = ", ".join(look.text(name) for name in names[-SHOWN:])
    return f"{shown} and {number(len(names) - SHOWN)} earlier" if len(names) > SHOWN else shown


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
