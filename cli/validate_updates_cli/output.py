"""What a command was asked for, in the form that was asked for; and the options of every command that say so."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from validate_updates_cli.render.look import Look
from validate_updates_cli.streams import wants_color, write
from validate_updates_cli.translate import one_of

if TYPE_CHECKING:
    from rich.text import Text

PANEL = "Output and settings"
WIDEST = 120
"""Columns; longer lines are hard to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Options of every command."""

    FORMS: ClassVar[tuple[str, ...]] = ("text", "json")

    config: Annotated[
        str | None,
        typer.Option("--config", metavar="PATH", help="Settings file; else looked for here.", rich_help_panel=PANEL),
    ] = None
    form: Annotated[
        str,
        typer.Option("--format", metavar="text|json", help="What stdout carries.", rich_help_panel=PANEL),
    ] = "text"
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say it in one line.", rich_help_panel=PANEL)] = False
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Every detail.", rich_help_panel=PANEL)] = False
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.", rich_help_panel=PANEL)] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.", rich_help_panel=PANEL)] = False

    def __post_init__(self) -> None:
        one_of("--format", self.form, self.FORMS)

    @property
    def json(self) -> bool:
        """Whether stdout carries JSON."""
        return self.form == "json"


def answer(shared: Shared, data: Mapping[str, Any], page: Callable[[Look], Iterable[Text]]) -> None:
    """What a command was asked for, on stdout: ``data`` as one JSON object, or the ``page`` for people."""
    if shared.json:
        from validate_updates_cli.render.json import answer_json

        write(answer_json(data))
    else:
        show(page(look()), shared)


def look() -> Look:
    """What stdout can take."""
    return Look(
        width=min(shutil.get_terminal_size((80, 24)).columns, WIDEST),
        ascii=not _is_utf8(sys.stdout),
        workflow=os.environ.get("GITHUB_ACTIONS") == "true",
    )


def show(lines: Iterable[Text], shared: Shared) -> None:
    """Lines for people, on stdout."""
    from rich.console import Console

    color = not shared.no_color and wants_color(sys.stdout)
    paper = Console(
        file=io.StringIO(),
        width=WIDEST,
        force_terminal=color,
        no_color=not color,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    with paper.capture() as text:
        for line in lines:
            paper.print(line, soft_wrap=True)
    write(text.get())


def _is_utf8(stream: Any) -> bool:
    try:
        return codecs.lookup(stream.encoding or "ascii").name == "utf-8"
    except LookupError:
        return False
