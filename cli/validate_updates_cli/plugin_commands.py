"""Commands that plugins bring: ``validate-updates <plugin> <command>``, loaded only when one is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from typer.core import TyperCommand

from validate_updates.errors import UsageError
from validate_updates_cli.output import PANEL, Shared
from validate_updates_cli.translate import new_app, with_options

if TYPE_CHECKING:
    from validate_updates.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where the answer of a plugin's command goes besides the terminal."""

    report_to: Annotated[
        list[str] | None,
        typer.Option(
            "--report", metavar="KIND=PATH", help="Write it to a file: json or markdown.", rich_help_panel=PANEL
        ),
    ] = None


NOWHERE = Written()


def group_of(name: str, arguments: Sequence[str]) -> Any:
    """The group of the plugin called ``name``, under the settings that the command line's ``arguments`` name.

    None where no such plugin is installed. Raises what loading it raises, and ``UsageError`` where it brings none.
    """
    from validate_updates.desk import SettingsDesk
    from validate_updates.manager import available, load
    from validate_updates.settings import load_settings

    if name not in {found.name for found in available()}:
        return None
    settings = load_settings(config_in(arguments))
    loaded = load((name,), settings.plugin_tables, origins=settings.origins)
    commands, desk = [owned.item for owned in loaded.subcommands()], SettingsDesk(settings, name)
    if not commands:
        raise UsageError(f"the plugin {name} brings no commands", hint=f"see validate-updates plugins show {name}")
    group = new_app(name=name, help=f"Commands of the plugin {name}.")
    group.callback()(_nothing)  # a group it stays, with one command too
    for command in commands:
        # Its parameters may be of any type, which typer converts.
        group.command(command.name, help=command.summary, cls=TyperCommand)(
            with_options(_called(command.function, desk))
        )
    return typer.main.get_command(group)


def _nothing() -> None:
    pass


def _called(function: Callable[..., Any], desk: Desk) -> Callable[..., int]:
    """``function`` with the shared options beside its own, the desk where it asks for it, and what it returns shown."""
    from validate_updates.desk import Desk

    own = inspect.signature(function, eval_str=True)
    at_desk = {name: desk for name, one in own.parameters.items() if one.annotation is Desk}

    @functools.wraps(function)
    def call(*, shared: Shared, written: Written = NOWHERE, **values: Any) -> int:
        from validate_updates_cli.commands.plugins import call_subcommand

        return call_subcommand(shared, function, {**values, **at_desk}, written.report_to or ())

    groups = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        for name, kind in (("written", Written), ("shared", Shared))
        if name != "written" or "report" not in own.parameters  # then --report is the command's own
    ]
    options = [_explained(one) for name, one in own.parameters.items() if name not in at_desk]
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in options]
    call.__signature__ = own.replace(parameters=[*parameters, *groups])  # type: ignore[attr-defined]  # inspect reads it
    return call


def _explained(own: inspect.Parameter) -> inspect.Parameter:
    """A parameter whose annotation holds a text, such as ``Annotated[str, "the task"]``: it becomes its help."""
    text = next((note for note in getattr(own.annotation, "__metadata__", ()) if isinstance(note, str)), None)
    if text is None:
        return own
    kind = typer.Argument if own.default is inspect.Parameter.empty else typer.Option
    return own.replace(annotation=Annotated[get_args(own.annotation)[0], kind(help=text)])


def config_in(arguments: Sequence[str]) -> Path | None:
    """The path after ``--config``: needed before the command, whose options would say it, can be made."""
    for number, argument in enumerate(arguments):
        if argument == "--config" and number + 1 < len(arguments):
            return Path(arguments[number + 1])
        if argument.startswith("--config="):
            return Path(argument.partition("=")[2])
    return None
