"""Entries as a file of records: mended in an editor, and fed back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from validate_updates.journal.texts import MESSAGE_BYTES
from validate_updates.quarantine.reading import Entry, Wanted, pages
from validate_updates.text import counted, printable

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.journal.tables import JournalTables

_NOT_ASCII: Final = re.compile(r"[^ -~]")


@dataclass(slots=True)
class Exported:
    """What was written."""

    records: int = 0
    """Lines that are records, and can be fed back as they are."""
    broken: int = 0
    """Lines that have to be mended before they are records."""
    cut: int = 0
    """Of those, lines of which only the beginning was stored."""
    keyless: tuple[int, ...] = ()
    """Entries whose key could not be read: no record closes them by its key."""
    lost: tuple[int, ...] = ()
    """Entries of which no text was stored: they are not in the file."""

    @property
    def lines(self) -> int:
        """All lines of the file."""
        return self.records + self.broken


def export(
    conn: sa.Connection,
    tables: JournalTables,
    wanted: Wanted,
    *,
    records: TextIO,
    reasons: TextIO | None = None,
    ascii_only: bool = False,
) -> Exported:
    """Write the entries to ``records``, one a line, oldest first; and to ``reasons``, line by line, why they are here.

    A readable record is written as JSON, anything else as the text that came, a line feed in it as a space.
    ``ascii_only``: other characters as their escapes, which JSON reads back as the same; so the lines may be shown.
    """
    done = Exported()
    for page in pages(conn, tables, wanted):
        for entry in page:
            line = line_of(entry)
            if not line.strip(" \t\r"):
                done.lost += (entry.number,)
                continue
            records.write((as_ascii(line) if ascii_only else line) + "\n")
            _count(done, entry)
            if reasons is not None:
                reasons.write(_reason(done.lines, entry))
    return done


def line_of(entry: Entry) -> str:
    """The entry's text on one line."""
    return entry.kept.record.replace("\n", " ")


def as_ascii(line: str) -> str:
    r"""``line`` as visible ASCII: the same to a reader of JSON, harmless to a terminal and to a CI system's log.

    >>> as_ascii('{"a": "é"}')
    '{"a": "\\u00e9"}'
    """
    line = _NOT_ASCII.sub(_escaped, line).replace("##[", "#\\u0023[")
    return f"\\u003a{line[1:]}" if line.startswith("::") else line


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _count(done: Exported, entry: Entry) -> None:
    if entry.is_record:
        done.records += 1
    else:
        done.broken += 1
        done.cut += entry.is_cut
    if entry.kept.key is None:
        done.keyless += (entry.number,)


def _reason(number: int, entry: Entry) -> str:
    kept = entry.kept
    place = f"{printable(kept.file)}:{kept.line}" if kept.line is not None else printable(kept.file)
    about = [f"line {number}", f"entry {entry.number}", printable(kept.code)]
    about += [f"column {printable(kept.column)}"] if kept.column is not None else []
    about += [printable(kept.key)] if kept.key is not None else []
    about += [place] if place else []
    notes = [printable(kept.message, MESSAGE_BYTES)]
    if entry.is_cut:
        notes.append(f"only its first {counted(len(kept.record), 'character')} are here; the rest is in its source")
    elif not entry.is_record:
        notes.append("the line is not a record as it stands")
    return "".join(["  ".join(about), *(f"\n    {note}" for note in notes), "\n"])
