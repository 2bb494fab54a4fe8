"""Entries of the quarantine for people: a list, the page of one, what an export wrote."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from validate_updates.sources.strict_json import BadRecord, parse_record, unparsed
from validate_updates_cli.render.page import Page
from validate_updates_cli.render.words import LONGEST, MESSAGE, ROWS, number, place, plural

if TYPE_CHECKING:
    from validate_updates.quarantine.export import Exported
    from validate_updates.quarantine.reading import Entry
    from validate_updates_cli.render.look import Look

_STYLES: Final = {"open": "yellow", "replayed": "green", "discarded": "dim", "superseded": "dim"}
_CELL: Final = 200
"""Characters of a value shown."""
_NAMED: Final = 20
"""Numbers of entries that a command names."""


def entry_list(
    entries: Sequence[Entry],
    total: int,
    not_stored: Mapping[str, int],
    where: str,
    look: Look,
    *,
    chosen: bool,
) -> list[Text]:
    """Two lines an entry. ``where``: the options by which the next command finds the same database.

    ``chosen``: not all were asked for, so that there may be others where there are none.
    """
    page = Page(look)
    if not entries:
        page.put("Nothing in quarantine is as asked for." if chosen else "Nothing is in quarantine.", indent=0)
    else:
        page.heading(f"Quarantine: {plural(total, 'record')}")
    for entry in entries:
        _entry(page, entry)
    if total > len(entries) and entries:
        page.put(f"and {number(total - len(entries))} more: --limit {total}")
    for run, missing in not_stored.items():
        page.blank()
        words = f"{plural(missing, 'record')} more than the quarantine takes from a run: only in its source"
        page.put(Text(f"run {look.text(run)} kept out {words}", style="yellow"))
    if any(entry.state == "open" for entry in entries):
        page.heading("Next")
        for command in ("export mend.jsonl", "replay"):
            page.verbatim(look.text(f"validate-updates quarantine {command}{where}", MESSAGE))
    return page.lines


def _entry(page: Page, entry: Entry) -> None:
    look, kept = page.look, entry.kept
    line = Text(f"{entry.number:>5}  ").append(look.text(kept.code), style="yellow")
    where = look.text(place(kept))
    line.append(f"  {where}" if where else "").append(f"  run {look.text(entry.run_id)}", style="dim")
    if entry.state != "open":
        line.append(f"  {entry.state}", style=_STYLES[entry.state])
    page.put(line, indent=0)
    key = f"{look.text(kept.key)}: " if kept.key else ""
    page.put(f"{key}{look.text(kept.message, MESSAGE)}", indent=7)


def entry_page(entry: Entry, look: Look) -> list[Text]:
    """Everything about one entry, its record member by member where it can be read."""
    page, kept = Page(look), entry.kept
    page.put(Text(f"Entry {entry.number}: ").append(entry.state, style=_STYLES[entry.state]), indent=0)
    page.put(look.text(kept.message, MESSAGE))
    page.blank()
    rows = [
        ("reason", look.text(kept.code)),
        ("table", look.text(entry.table)),
        ("key", look.text(kept.key) if kept.key is not None else ""),
        ("column", look.text(kept.column) if kept.column is not None else ""),
        ("constraint", look.text(kept.constraint)),
        ("from", look.text(place(kept))),
        ("byte offset", number(kept.offset) if kept.offset is not None else ""),
        ("run", look.text(entry.run_id)),
        ("batch", number(kept.batch) if kept.batch is not None else ""),
        ("since", f"{entry.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("closed", _closed(entry, look)),
    ]
    page.table([(Text(name, style="dim"), value) for name, value in rows if value])
    _record(page, entry)
    return page.lines


def _closed(entry: Entry, look: Look) -> str:
    if entry.closed_at is None:
        return ""
    by = f" by run {look.text(entry.closed_by)}" if entry.closed_by else ""
    note = f": {look.text(entry.note, MESSAGE)}" if entry.note else ""
    return f"{entry.closed_at:%Y-%m-%d %H:%M:%S} UTC, {entry.state}{by}{note}"


def _record(page: Page, entry: Entry) -> None:
    look, text = page.look, entry.kept.record
    try:
        members = parse_record(text.encode())
    except BadRecord as bad:
        page.heading("Text, as it came")
        page.put(look.text(text, LONGEST) or "none was stored")
        why = "only its beginning was stored" if entry.is_cut else f"not a record: {bad.message}"
        page.put(Text(look.text(why, MESSAGE), style="yellow"))
        return
    page.heading("Record")
    page.table([row for name, value in members.items() for row in _member(look, entry, name, value)])


def _member(look: Look, entry: Entry, name: str, value: object) -> Iterator[tuple[Text, Text]]:
    """The member as the record has it; of its children, a line each of the first ones."""
    at_fault = "red" if name == entry.kept.column else ""
    lines = value if isinstance(value, list) and any(isinstance(one, dict) for one in value) else [value]
    label = look.text(name)
    for one in lines[:ROWS]:
        yield Text(label, style=at_fault), _value(look, one, at_fault)
        label = ""
    if len(lines) > ROWS:
        yield Text(), Text(f"and {number(len(lines) - ROWS)} more", style="dim")


def _value(look: Look, value: object, style: str) -> Text:
    if value is None:
        return Text("null", style="dim italic")
    if isinstance(value, str):
        return Text(look.text(value, _CELL) or "''", style=style)
    return Text(look.text(unparsed(value), MESSAGE), style=style)


def export_page(done: Exported, file: str, reasons: str, where: str, look: Look) -> list[Text]:
    """What is in the file, and how it is fed back."""
    page = Page(look)
    page.put(f"{plural(done.lines, 'record')} in {look.text(file)}, the reasons in {look.text(reasons)}", indent=0)
    if done.broken:
        page.put(f"{number(done.broken)} of them cannot be read as they are: mend them first")
    if done.cut:
        page.put(Text(f"{number(done.cut)} of these were cut: the whole is only in the source", style="yellow"))
    if done.lost:
        lost = ", ".join(map(str, done.lost[:_NAMED]))
        page.put(Text(f"without a text, and so left out: {lost}", style="yellow"))
    if done.lines:
        page.heading("Next")
        numbers = "".join(f"{one} " for one in done.keyless) if len(done.keyless) <= _NAMED else ""
        command = f"validate-updates quarantine replay {numbers}--from {shlex.quote(file)}{where}"
        page.verbatim(look.text(command, MESSAGE))
    return page.lines
