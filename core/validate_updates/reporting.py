"""Reports: what the installed plugins tell of a task over a while, found, asked and put together.

A report belongs to one plugin, and others may add to it. Whoever shows it decides how.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from validate_updates.errors import PluginError, UpdateError, UsageError
from validate_updates.journal.rows import RunKind, RunRow, RunState
from validate_updates.times import check_window

if TYPE_CHECKING:
    from validate_updates.declarations import Report
    from validate_updates.desk import OpenJournal
    from validate_updates.journal.rows import StoredRun
    from validate_updates.manager import Owned
    from validate_updates.result import Answer, Section
    from validate_updates.settings import Settings

MOST_RUNS: Final = 10_000
"""Of a window, the newest: a month of one every five minutes."""
LAST: Final = "last"
"""Stands for the newest run of the task."""
_OURS: Final = ""
"""What is kept between reports belongs to no plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """What the function of a report is called with."""

    task: str
    journal: OpenJournal
    """To be read; ``journal.state(task)`` is what the plugin keeps."""
    since: datetime
    until: datetime
    """The end of the window; counts as now."""
    runs: tuple[RunRow, ...]
    """What has ended in the window, newest first: updates, replays, roll-backs; no dry runs, nothing imported."""
    run: StoredRun | None = None
    """The run that it is asked about, where it may be and was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a report is about, as it was asked for."""

    until: datetime
    days: float | None = None
    """How far back; None: as far as the report does."""
    run_id: str | None = None
    since_last: bool = False
    """From where the last such report of the task ended, if there was one."""

    def __post_init__(self) -> None:
        """Raises ``UsageError`` where that is no window."""
        check_window(1.0 if self.days is None else self.days, self.until)
        if self.run_id is not None and self.since_last:
            raise UsageError("a report about one run has no window: leave out --since-last, or the run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A report of one task."""

    report: str
    task: str
    since: datetime
    until: datetime
    run_id: str | None
    runs: int
    newest: int
    """Number of the newest run in it; 0 where there is none."""
    sections: tuple[Section, ...]
    nothing_new: bool
    """It was to be told since the last one, and nothing has ended since: there are no sections."""
    data: Mapping[str, Mapping[str, Any]]
    """Plugin -> what it gives to programs."""
    missing: tuple[str, ...] = ()
    """Why parts of it are not there, and which plugins cannot be asked, so that nobody knows whether they have any."""
    exit_status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The reports of all installed plugins."""

    settings: Settings
    declared: tuple[Owned[Report], ...]
    faults: Mapping[str, UpdateError]
    """Plugin -> why it cannot be asked."""

    @property
    def names(self) -> tuple[str, ...]:
        """What can be asked for."""
        return tuple(sorted({owned.item.name for owned in self.declared if not owned.item.extends}))

    def parts(self, name: str) -> tuple[Owned[Report], ...]:
        """The report of that name, and after it what is added to it. Raises ``UsageError`` where there is none."""
        from validate_updates.settings.schema import did_you_mean
        from validate_updates.text import printable

        named = [owned for owned in self.declared if owned.item.name == name]
        own = [owned for owned in named if not owned.item.extends]
        if len(own) > 1:
            raise PluginError(
                f"two plugins tell the report {name!r}: {' and '.join(owned.plugin for owned in own)}",
                hint="uninstall one of them",
            )
        if not own and self.faults:
            raise next(iter(self.faults.values()))
        if not own:
            raise UsageError(
                f"there is no report {printable(name, 60)!r}{did_you_mean(name, self.names)}",
                hint=f"reports: {', '.join(self.names) or 'none'}",
            )
        return (*own, *(owned for owned in named if owned.item.extends))


def reports(settings: Settings) -> Reports:
    """What the installed plugins declare. One that cannot be loaded hides no other."""
    from validate_updates.manager import available, load_one

    declared: list[Owned[Report]] = []
    faults: dict[str, UpdateError] = {}
    for name in dict.fromkeys(found.name for found in available()):
        try:
            declared += load_one(name, settings.plugin_tables, origins=settings.origins).reports()
        except UsageError as error:
            faults[name] = error
    return Reports(settings=settings, declared=tuple(declared), faults=faults)


def told(found: Reports, name: str, task: str, window: Window) -> Told:
    """A report of a task. Of one that another plugin adds to, a part that cannot be told is left out, and why is said.

    Raises ``UsageError`` where there is no such report, task, journal or run of it, and ``PluginError`` where the
    plugin that it belongs to fails.
    """
    from validate_updates.desk import SettingsDesk
    from validate_updates.result import Answer

    own, *more = found.parts(name)
    if window.run_id is not None and not own.item.of_run:
        raise UsageError(f"the report {name} is not about one run", hint="leave the run out; --days says how far back")
    after = _told_before(found, name, task) if window.since_last else 0
    with SettingsDesk(found.settings, own.plugin).journal(task) as journal:
        context = _context(journal, task, window, days=own.item.days, after=after)
        nothing_new = bool(after) and not context.runs
        answers = {own.plugin: Answer(sections=()) if nothing_new else _answer(own, context)}
    missing = [f"the plugin {plugin} cannot be asked: {error.message}" for plugin, error in found.faults.items()]
    for owned in more:
        try:
            answers[owned.plugin] = Answer(sections=()) if nothing_new else _added(found, owned, context)
        except PluginError as error:
            missing.append(error.message)
    return Told(
        report=name,
        task=task,
        since=context.since,
        until=context.until,
        run_id=context.run.run.run_id if context.run else None,
        runs=len(context.runs),
        newest=max((run.run_no for run in context.runs), default=0),
        sections=tuple(section for answer in answers.values() for section in answer.sections),
        nothing_new=nothing_new,
        data={plugin: answer.data for plugin, answer in answers.items()},
        missing=tuple(missing),
        exit_status=max(answer.exit_status for answer in answers.values()),
    )


def remember(found: Reports, given: Told) -> None:
    """Keep up to where the report has told, for the next one with ``since_last``."""
    from validate_updates.desk import SettingsDesk

    if given.newest:
        with SettingsDesk(found.settings, _OURS).journal(given.task, write=True) as journal:
            journal.state(given.task)[_kept(given.report)] = str(given.newest)


def _added(found: Reports, owned: Owned[Report], context: ReportContext) -> Answer:
    """What a plugin adds to another's report about the same runs; the journal is as it sees it itself."""
    from validate_updates.desk import SettingsDesk

    with SettingsDesk(found.settings, owned.plugin).journal(context.task) as journal:
        return _answer(owned, replace(context, journal=journal))


def _answer(owned: Owned[Report], context: ReportContext) -> Answer:
    from validate_updates.answers import read_report
    from validate_updates.desk import asked

    build = partial(owned.item.build, context)
    return asked(f"the report {owned.plugin}.{owned.item.name}", lambda: read_report(build()), owned.item)


def _context(journal: OpenJournal, task: str, window: Window, *, days: float, after: int) -> ReportContext:
    since = window.until - timedelta(days=window.days or days)
    begun = None if after else since
    runs = tuple(_ended(journal.runs(task=task, since=begun, until=window.until, after=after, limit=MOST_RUNS)))
    if after:
        since = min((run.started_at for run in runs), default=window.until)
    run = _about(journal, task, window.run_id) if window.run_id else None
    return ReportContext(task=task, journal=journal, since=since, until=window.until, runs=runs, run=run)


def _ended(runs: Sequence[RunRow]) -> Iterator[RunRow]:
    for run in runs:
        if run.state is not RunState.RUNNING and run.kind is not RunKind.IMPORT and not run.dry_run:
            yield run


def _about(journal: OpenJournal, task: str, wanted: str) -> StoredRun:
    """The run that was named; ``last`` is the newest of the task, not of the journal."""
    newest = journal.runs(task=task, limit=1) if wanted == LAST else ()
    found = journal.run(newest[0].run_id if newest else wanted)
    if found.run.task != task:
        raise UsageError(f"the run {found.run.run_id} is of the task {found.run.task}, not of {task}")
    return found


def _told_before(found: Reports, name: str, task: str) -> int:
    """Number of the newest run that the last such report has told of; 0 where there was none."""
    from validate_updates.desk import SettingsDesk

    with SettingsDesk(found.settings, _OURS).journal(task) as journal:
        kept = journal.state(task).get(_kept(name), "")
    return int(kept) if kept.isascii() and kept.isdigit() else 0


def _kept(name: str) -> str:
    return f"reported.{name}"
