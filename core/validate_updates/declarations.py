"""What a plugin declares: small, typed, named things that the engine runs, times and isolates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from validate_updates.application import Application
    from validate_updates.context import Context, History
    from validate_updates.criteria import Criterion
    from validate_updates.desk import OpenJournal
    from validate_updates.findings import Finding, KeepOut
    from validate_updates.lending import Lent
    from validate_updates.observation import Observation
    from validate_updates.reporting import ReportContext
    from validate_updates.result import Answer, RunResult, Section
    from validate_updates.sourcing import Read, SourceContext


class Moment(StrEnum):
    """When in an update a validator is asked."""

    RECORDS = "records"
    """The changes are known, and records may still be kept out of them: see :class:`~.findings.KeepOut`."""
    PLAN = "plan"
    """It is settled what is to be written, nothing has been touched."""
    BATCH = "batch"
    """A batch is about to be written."""
    RESULT = "result"
    """Everything is written, nothing is committed; the database shows the new state to us alone."""


class Occasion(StrEnum):
    """When an observer is called."""

    BEGIN = "begin"
    """The run is entered in the journal, and nothing is read yet. It waits for the observer: be quick."""
    RECORDED = "recorded"
    """The outcome is in the journal and stands: time to draw conclusions."""
    TELL = "tell"
    """So are the conclusions, as findings of the result: time to tell people."""


class PluginSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a plugin's settings: subclass it, give each field a type, a default and a description.

    The table ``[plugins.<name>]`` becomes one instance. Unknown keys and values of the wrong type or out of range are
    errors that name the file and the path of keys::

        class Limits(PluginSettings, frozen=True, kw_only=True):
            most: Annotated[int, Meta(ge=1, description="most records an update may add")] = 1000
    """


S = TypeVar("S", bound=PluginSettings)


class SettingsOf:
    """The settings of all selected plugins, looked up by their class; and which plugins those are."""

    def __init__(
        self,
        instances: Iterable[PluginSettings] = (),
        *,
        selected: Iterable[str] = (),
        lend: Callable[[str], Lent] | None = None,
    ) -> None:
        self._by_type: dict[type[PluginSettings], PluginSettings] = {type(one): one for one in instances}
        self._lend = lend
        self.selected = frozenset(selected)
        """Names of the selected plugins."""

    def __getitem__(self, kind: type[S]) -> S:
        """The instance of ``kind``; its defaults where the plugin was given none."""
        found = self._by_type.get(kind)
        return found if isinstance(found, kind) else kind()

    def lend(self, plugin: str) -> Lent:
        """The checks of an installed plugin that is not selected, to ask in place of one's own where those cannot tell.

        It is imported here: call this when the checks are needed, not in a hook. Raises ``PluginError``.
        """
        if self._lend is None:
            raise LookupError(f"there is nobody to lend the checks of {plugin}")
        return self._lend(plugin)


Check = Callable[["Context"], "Iterable[Finding | KeepOut]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """A check. It reads and returns findings; it never writes and never prints."""

    name: str
    """Unique within its plugin; what reports show as ``plugin.name``."""
    moment: Moment
    check: Check
    summary: str
    """One line: what it looks at."""
    time_limit: float = 60.0
    """Seconds after which it counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSource:
    """Where records come from: a task names it as ``source = "<plugin>:<name>"``."""

    name: str
    """Letters, digits, ``_`` and ``-``; unique within its plugin."""
    summary: str
    read: Callable[[SourceContext], Read]
    """Gives the records, one after the other, most simply with ``yield``: mappings of column to value.

    Also :class:`~validate_updates.sourcing.PlacedRecord`, :class:`~validate_updates.sourcing.UnreadableRecord`, and
    :class:`~validate_updates.findings.Finding`. Raises ``SourceError`` where it cannot go on, ``TryLater`` where it
    could later, ``SettingsError`` where a setting is missing. It runs in the thread of the update, without a time
    limit: bound your own waits."""
    whole: bool = False
    """Whether it gives all there is each time. Only then may a task delete rows that it does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStrategy:
    """The way a plan is applied. At most one selected plugin may declare one."""

    name: str
    summary: str
    apply: Callable[[Application], None]
    """Writes the plan through the :class:`~validate_updates.application.Application`.

    Returning means: as far as the strategy goes this update may stand. Raising
    :class:`~validate_updates.application.UpdateRefused` means it may not."""
    at_once: int | None = None
    """The most positions of one of its batches, where there is such a number.

    If it is small, SQLite keeps in memory, and not in a file, what it needs to take a batch back.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number worth remembering about each update."""

    name: str
    """Stable, dotted: ``"hearings.without_committee"``."""
    summary: str
    measure: Callable[[Context], float | Mapping[str, float] | None]
    """The value; or several, whose names are appended to this one with a dot; or None where there is none."""
    moment: Moment = Moment.PLAN
    """``plan`` or ``result``: when it is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSection:
    """A part of the summary, as data; whoever shows it decides how."""

    name: str
    title: str
    build: Callable[[RunResult], Section | None]
    """None leaves the section out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Called when a run has begun or ended. Whatever it does, the outcome stands."""

    name: str
    """Unique within its plugin."""
    occasion: Occasion
    observe: Callable[[Observation], Iterable[Finding]]
    """What it answers is added to the findings of the run, and decides nothing."""
    summary: str
    """One line: what it does."""
    time_limit: float = 30.0
    """Seconds after which it is given up on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What a plugin would have said of the past of a task, told from what the journal has kept of it."""

    name: str
    """Unique within its plugin."""
    replay: Callable[[History, int], Section]
    """Judges the last so many runs again. The lines of what it answers sum up, the rows say which runs."""
    summary: str
    """One line: what it replays."""
    time_limit: float = 120.0
    """Seconds after which it counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What a plugin asks of a task over a while, and how it is judged by what the journal has kept."""

    name: str
    """Unique within its plugin."""
    judge: Callable[[OpenJournal, str, datetime, datetime], Iterable[Criterion]]
    """Called with the journal, the name of the task, and the window: since when, until when. Later runs do not count.
    ``journal.state(task)`` is what this plugin keeps."""
    summary: str
    """One line: what is asked."""
    time_limit: float = 60.0
    """Seconds after which it counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is told of a task over a while: ``validate-updates report <name>``."""

    name: str
    """What is typed, so unique among all plugins."""
    summary: str
    build: Callable[[ReportContext], Answer]
    """The sections for people, data for programs; and an exit status, where one that is asked by a script has one."""
    days: float = 1.0
    """How far back it looks, unless it is told otherwise."""
    of_run: bool = False
    """Whether it may be asked about one run: ``report <name> RUN``."""
    extends: bool = False
    """Whether it adds to the report of that name of another plugin, whose ``days`` and ``of_run`` hold."""
    time_limit: float = 120.0
    """Seconds after which it counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand:
    """A command of a plugin: ``validate-updates <plugin> <name>``."""

    name: str
    summary: str
    function: Callable[..., Any]
    """A plain function with annotated parameters; its return value is shown, or written as JSON with ``--format json``.
    A text in the annotation, ``Annotated[str, "the task"]``, is the parameter's help.
    One annotated with :class:`~validate_updates.desk.Desk` is no option: through it the command reaches the tasks of
    the settings and their journals.
    What it returns is a :class:`~validate_updates.result.Section`, text, or None; or an
    :class:`~validate_updates.result.Answer` where it has several sections, data of its own, or an exit status."""
