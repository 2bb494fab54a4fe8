"""The paper that people read: lines of a given width, with colours that may be dropped, in UTF-8 or ASCII.

Lines are built as rich ``Text``, never from markup.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from validate_updates_cli.render.look import Look

GAP = 2
"""Columns of white space between two cells of a table."""
NARROWEST = 8
"""Columns to which a cell is cut at most."""


class Page:
    """Lines being written. Every method that takes plain strings trusts them: data go through ``look.text`` first."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.lines: list[Text] = []
        self._console = Console(file=io.StringIO(), width=look.width, color_system=None)

    def blank(self) -> None:
        """One empty line, never two."""
        if self.lines and self.lines[-1].plain:
            self.lines.append(Text())

    def heading(self, title: str) -> None:
        """The title of a part, after an empty line."""
        self.blank()
        self.lines.append(Text(title, style="bold"))

    def put(self, body: Text | str, *, indent: int = 2, lead: Text | str = "") -> None:
        """A paragraph; nothing where it is empty. ``lead`` stands before its first line, the others begin beside it."""
        lead, body = _text(lead), _text(body)
        if not body and not lead:
            return
        hang = indent + lead.cell_len
        wrapped = body.wrap(self._console, max(self.look.width - hang, NARROWEST))
        for number, line in enumerate(wrapped):
            start = Text(" " * indent).append_text(lead) if number == 0 else Text(" " * hang)
            self._add(start.append_text(line))

    def verbatim(self, line: Text | str, *, indent: int = 2) -> None:
        """One line that is never broken, such as a command to copy."""
        self._add(Text(" " * indent).append_text(_text(line)))

    def table(
        self,
        rows: Iterable[Sequence[Text | str]],
        *,
        indent: int = 2,
        right: Iterable[int] = (),
        whole: Iterable[int] = (),
    ) -> None:
        """Aligned columns without any lines. The last one is wrapped, the others are cut where there is no room.

        Only prose is cut. A cell of one word may have to be typed next: a code, a name, the id of a run.
        ``right``: columns that are flush right. ``whole``: columns that are never cut.
        """
        cells = [[_text(cell) for cell in row] for row in rows]
        if not cells:
            return
        widths = self._widths(cells, self.look.width - indent, frozenset(whole))
        for row in cells:
            self._row(row, widths, indent, frozenset(right))

    def _row(self, row: list[Text], widths: list[int], indent: int, right: frozenset[int]) -> None:
        lead = Text()
        for number, cell in enumerate(row[:-1]):
            shown = self._cut(cell, widths[number])
            space = " " * (widths[number] - shown.cell_len)
            lead.append_text(Text(space) + shown if number in right else shown + Text(space)).append(" " * GAP)
        last = row[-1]
        if len(row) - 1 in right:
            lead.append(" " * max(widths[len(row) - 1] - last.cell_len, 0))
        self.put(last, indent=indent, lead=lead)

    def _widths(self, cells: list[list[Text]], room: int, whole: frozenset[int]) -> list[int]:
        """The width of each column; the widest ones shrink until all fit. The last is counted at most half the room."""
        columns = [*zip_longest(*cells, fillvalue=Text())]
        widths = [max(cell.cell_len for cell in column) for column in columns]
        least = [max([NARROWEST, *(cell.cell_len for cell in column if " " not in cell.plain)]) for column in columns]
        last = min(widths[-1], room // 2)
        while len(widths) > 1 and sum(widths[:-1]) + last + GAP * (len(widths) - 1) > room:
            loose = [n for n, width in enumerate(widths[:-1]) if n not in whole and width > least[n]]
            if not loose:
                break
            widths[max(loose, key=widths.__getitem__)] -= 1
        return widths

    def _cut(self, cell: Text, width: int) -> Text:
        if cell.cell_len <= width:
            return cell
        mark = "..." if self.look.ascii else "…"
        shown = cell.copy()
        shown.truncate(width - cell_len(mark))
        return shown.append(mark)

    def _add(self, line: Text) -> None:
        line.rstrip()
        self.lines.append(line)


def _text(value: Text | str) -> Text:
    return value if isinstance(value, Text) else Text(value)


def joined(parts: Iterable[Text | str], separator: str = ", ") -> Text:
    """The parts as one text."""
    return Text(separator).join(_text(part) for part in parts)
