"""``report``: what the installed plugins tell of tasks over a while, on stdout or in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from validate_updates.errors import RunError, UpdateError, UsageError
from validate_updates.files import write_whole
from validate_updates.text import printable
from validate_updates.times import as_time
from validate_updates_cli.commands.opening import settings_of
from validate_updates_cli.output import PANEL, Shared, answer, look, show
from validate_updates_cli.streams import complain, write
from validate_updates_cli.translate import as_number

if TYPE_CHECKING:
    from validate_updates.reporting import Reports, Told, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What a report is about, and where it goes."""

    task: Annotated[str | None, typer.Option("--task", metavar="NAME", help="One task; else all of the settings.")] = (
        None
    )
    days: Annotated[str | None, typer.Option("--days", metavar="N", help="How far back; else as its name says.")] = None
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="Counts as now: 2024-05-01T06:00Z.")] = (
        None
    )
    since_last: Annotated[
        bool, typer.Option("--since-last", help="What is new since the last such report of the task.")
    ] = False
    output: Annotated[str | None, typer.Option("--output", metavar="FILE", help="Write it there.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportShared(Shared):
    """Options of every command, with more formats."""

    FORMS: ClassVar[tuple[str, ...]] = ("text", "markdown", "json", "html")

    form: Annotated[
        str, typer.Option("--format", metavar="text|markdown|json|html", help="Its form.", rich_help_panel=PANEL)
    ] = "text"


def list_reports(shared: Shared) -> int:
    """The reports there are."""
    from validate_updates.reporting import reports
    from validate_updates_cli.render.report import report_list

    found = reports(settings_of(shared))
    known = [(name, found.parts(name)[0]) for name in found.names]
    data = [{"name": name, "summary": owned.item.summary, "plugin": owned.plugin} for name, owned in known]
    answer(shared, {"reports": data}, lambda look: report_list([owned for _, owned in known], look))
    return 0


def show_report(shared: ReportShared, options: ReportOptions, name: str, run_id: str | None) -> int:
    """Tell a report of one task, or of all."""
    from validate_updates.reporting import Window, remember, reports

    window = Window(
        until=as_time("--as-of", options.as_of) or datetime.now(UTC),
        days=as_number("--days", options.days, float),
        run_id=run_id,
        since_last=options.since_last,
    )
    found = reports(settings_of(shared))
    told, troubles = _told(found, name, options.task, window)
    _hand_out(shared, options, name, told)
    if window.since_last:
        for one in told:
            remember(found, one)
    return max(*(one.exit_status for one in told), *(error.exit_code for error in troubles), 0)


def _told(found: Reports, name: str, task: str | None, window: Window) -> tuple[list[Told], list[UpdateError]]:
    """The report of each task; of several, one that cannot be told is no reason not to tell the others.

    A run that is named is of one of them, and the others have nothing to say.
    """
    from validate_updates.reporting import LAST, told

    found.parts(name)  # a name that is none is said before anything is opened
    tasks = (task,) if task else tuple(found.settings.model.tasks)
    if not tasks:
        raise UsageError("the settings have no task to report on", hint="set one up: validate-updates init")
    given: list[Told] = []
    troubles: dict[str, UpdateError] = {}
    for one in tasks:
        try:
            given.append(told(found, name, one, window))
        except UpdateError as error:
            troubles[one] = error
    if given and window.run_id not in {None, LAST}:
        return given, []
    thrown = None if given else troubles.pop(tasks[-1])
    for one, trouble in troubles.items():
        complain(f"warning: no report of {printable(one)}: {printable(trouble.message, 500)}")
    if thrown:
        raise thrown
    return given, list(troubles.values())


def _hand_out(shared: ReportShared, options: ReportOptions, name: str, told: Sequence[Told]) -> None:
    """To stdout, or to the file."""
    from validate_updates_cli.render.report import report_json, report_markdown, report_page
    from validate_updates_cli.render.report_html import report_html

    if options.output is None and shared.form == "text":
        show(report_page(told, look()), shared)
        return
    made = {
        "text": lambda: "".join(f"{line.plain}\n" for line in report_page(told, look())),
        "markdown": lambda: report_markdown(told),
        "json": lambda: report_json(name, told),
        "html": lambda: report_html(name, told),
    }[shared.form]()
    if options.output is None:
        write(made)
        return
    try:
        write_whole(Path(options.output), made)
    except OSError as error:
        raise RunError(
            f"the report cannot be written to {printable(options.output, 500)}: {error.strerror}",
            hint="check the folder: --output",
        ) from error
