"""From functions to commands: the few things that typer does not do by itself.

Groups of options are dataclasses, written once and used by several commands. Values arrive as the text that was typed,
so that typer does not load the library with which it converts them: that would double the time to start.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from types import MethodType
from typing import Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from validate_updates.errors import UsageError

Function = Callable[..., int]


def with_options(function: Function) -> Function:
    """``function`` with each parameter that is a dataclass replaced by options, one for each of its fields."""
    own = inspect.signature(function, eval_str=True)
    groups: dict[str, Any] = {
        name: one.annotation for name, one in own.parameters.items() if is_dataclass(one.annotation)
    }
    plain = [one for name, one in own.parameters.items() if name not in groups]

    @functools.wraps(function)
    def call(**values: Any) -> int:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        return function(**values)

    options = [parameter for group in groups.values() for parameter in _parameters(group)]
    call.__signature__ = own.replace(parameters=[*plain, *options])  # type: ignore[attr-defined]  # what inspect reads
    return call


@functools.cache  # a group belongs to many commands, and reading annotations is most of what these cost at the start
def _parameters(group: Any) -> tuple[inspect.Parameter, ...]:
    hints = get_type_hints(group, include_extras=True)
    return tuple(
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    )


def _as_typed(parameter: Any, context: Any, value: Any) -> Any:
    """In place of a parameter's conversion: text stays text."""
    many = parameter.multiple or parameter.nargs == -1
    if value is None and many:
        value = ()
    if parameter.required and not value and not context.resilient_parsing:
        name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar
        raise UsageError(f"{name} is missing", hint=f"see {context.command_path} --help")
    return parameter.callback(context, parameter, value) if parameter.callback else value


class _Plain:
    """Parameters taken as typed; help without frames, its options under their panels' names."""

    def get_params(self, ctx: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of the class that this is mixed into
        for parameter in parameters:
            parameter.process_value = MethodType(_as_typed, parameter)
        return parameters

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                panels.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(record)
        for title, records in panels.items():
            with formatter.section(title):
                formatter.write_dl(records)


class PlainCommand(_Plain, TyperCommand):
    """A command whose values arrive as typed."""


class PlainGroup(_Plain, TyperGroup):
    """A group of commands."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Its options, then its commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def new_app(*, name: str | None = None, help: str = "", cls: type[TyperGroup] = PlainGroup) -> typer.Typer:  # noqa: A002  # typer's word
    """An empty group: no frames, no tracebacks of typer's own, no completion to install."""
    return typer.Typer(
        name=name,
        help=help,
        cls=cls,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        pretty_exceptions_show_locals=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def add(app: typer.Typer, name: str, function: Function) -> None:
    """Make ``function`` the command ``name``; its docstring is the help."""
    app.command(name, cls=PlainCommand)(with_options(function))


def as_number(option: str, text: str | None, kind: type[int | float] = int, *, least: int = 0) -> Any:
    """The number that was typed; None where nothing was."""
    if text is None:
        return None
    try:
        number = kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise UsageError(f"{option} {text!r} is not {what}") from None
    if not least <= number < float("inf"):
        raise UsageError(f"{option} {text} must be {least} or more")
    return number


def one_of(option: str, text: str, known: Sequence[str]) -> str:
    """``text``, which is one of ``known``."""
    if text not in known:
        raise UsageError(f"{option} {text!r} is not known", hint=f"one of {', '.join(known)}")
    return text
