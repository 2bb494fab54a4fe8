"""Sections as Markdown, for files and messages. What comes from a record is text that means nothing to Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from validate_updates.text import LIMIT, printable

if TYPE_CHECKING:
    from validate_updates.result import Section

SENTENCE: Final = 500
"""Characters of a sentence; most are far shorter."""
ROWS: Final = 20
"""Rows and lines of a section where it is one of many."""
_ACTIVE: Final = re.compile(r"([\\`*_{}\[\]<>()#|~$&@:!])")


def as_markdown(sections: Iterable[Section]) -> str:
    """A document of sections, whole."""
    return "\n".join(line for section in sections for line in section_lines(section, whole=True)) + "\n"


def prose(value: object, limit: int = SENTENCE) -> str:
    """A sentence that may hold values of records, as text that means nothing to Markdown."""
    escaped = _ACTIVE.sub(r"\\\1", printable(value, limit))
    return re.sub(r"(?i)\bwww\.", lambda match: f"{match[0][:-1]}\\.", escaped)


def code(value: object, limit: int = LIMIT) -> str:
    """A value as a code span, also inside a table."""
    text = printable(value, limit)
    if not text.strip():
        return "` `"
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def section_lines(section: Section, *, whole: bool = False) -> Iterator[str]:
    """The lines of a section; the first of its rows, its drawing and its lines unless it is to be whole."""
    rows, limit = (None, SENTENCE) if whole else (ROWS, LIMIT)
    if section.title:
        yield f"### {prose(section.title)}"
        yield ""
    if section.rows:
        header = section.header or ("",) * len(section.rows[0])
        yield from table(
            map(prose, header), ([code(cell, limit) if cell else "" for cell in row] for row in section.rows[:rows])
        )
    if section.drawing:  # indented, which nothing in a line can end
        yield from ("", *(f"    {printable(line)}" for line in section.drawing[:rows]), "")
    for line in section.lines[:rows]:
        yield f"{prose(line)}\n"


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The lines of a table, and an empty one."""
    titles = list(header)
    yield _row(titles)
    yield _row("---" for _ in titles)
    for row in rows:
        yield _row(row)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
