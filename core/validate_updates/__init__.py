"""validate-updates: a verdict on every database update, before the commit.

Everything public is imported from here; the modules behind it may move. Names are loaded on first use, so that
``import validate_updates`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from validate_updates._version import __version__

if TYPE_CHECKING:
    from validate_updates.api import plan, run
    from validate_updates.application import Application, Batch, RecordRefused, UpdateRefused
    from validate_updates.chart import KNOWN_GOOD, Chart, ChartPoint, ChartRange
    from validate_updates.choosing import Standing
    from validate_updates.context import BatchInfo, CarriedTable, Context, EarlierRun, History, Link, Reader, RunInfo
    from validate_updates.criteria import Criterion, CriterionState
    from validate_updates.declarations import (
        Backtest,
        Criteria,
        Metric,
        Moment,
        Observer,
        Occasion,
        PluginSettings,
        RecordSource,
        Report,
        ReportSection,
        SettingsOf,
        Subcommand,
        UpdateStrategy,
        Validator,
    )
    from validate_updates.desk import Desk, OpenJournal
    from validate_updates.errors import (
        ExitCode,
        Interrupted,
        LockHeld,
        PluginError,
        RunError,
        SettingsError,
        SourceError,
        StateUncertain,
        TargetError,
        TryLater,
        UpdateError,
        UsageError,
    )
    from validate_updates.files import write_whole
    from validate_updates.findings import PLUGIN_FAILURES, Finding, KeepOut, Severity
    from validate_updates.growth import grown
    from validate_updates.journal.rows import (
        BatchRow,
        BatchState,
        JudgedRun,
        RunKind,
        RunRow,
        RunState,
        StoredRun,
        Switch,
        SwitchMode,
        Waiting,
    )
    from validate_updates.journal.tables import of_journals
    from validate_updates.journal.view import JournalView
    from validate_updates.lending import Lent
    from validate_updates.markdown import as_markdown
    from validate_updates.markers import hookimpl
    from validate_updates.modes import Mode
    from validate_updates.observation import Observation, ObservedJournal
    from validate_updates.patterns import Pattern
    from validate_updates.reporting import ReportContext
    from validate_updates.result import (
        Answer,
        CellChange,
        Change,
        Counts,
        Judged,
        KeptOut,
        PluginInfo,
        RunResult,
        Section,
        TroubledBatch,
        Verdict,
    )
    from validate_updates.sourcing import PlacedRecord, SourceContext, UnreadableRecord
    from validate_updates.strategies import ALL_OR_NOTHING
    from validate_updates.targets.names import quoted
    from validate_updates.targets.table import Column, Kind, TargetTable
    from validate_updates.text import counted, printable, spark
    from validate_updates.times import as_time, as_window
    from validate_updates.wildcards import names_like

_HOMES = {
    "api": ("plan", "run"),
    "application": ("Application", "Batch", "RecordRefused", "UpdateRefused"),
    "chart": ("KNOWN_GOOD", "Chart", "ChartPoint", "ChartRange"),
    "choosing": ("Standing",),
    "context": ("BatchInfo", "CarriedTable", "Context", "EarlierRun", "History", "Link", "Reader", "RunInfo"),
    "criteria": ("Criterion", "CriterionState"),
    "declarations": (
        "Backtest",
        "Criteria",
        "Metric",
        "Moment",
        "Observer",
        "Occasion",
        "PluginSettings",
        "RecordSource",
        "Report",
        "ReportSection",
        "SettingsOf",
        "Subcommand",
        "UpdateStrategy",
        "Validator",
    ),
    "desk": ("Desk", "OpenJournal"),
    "errors": (
        "ExitCode",
        "Interrupted",
        "LockHeld",
        "PluginError",
        "RunError",
        "SettingsError",
        "SourceError",
        "StateUncertain",
        "TargetError",
        "TryLater",
        "UpdateError",
        "UsageError",
    ),
    "files": ("write_whole",),
    "findings": ("PLUGIN_FAILURES", "Finding", "KeepOut", "Severity"),
    "growth": ("grown",),
    "journal.rows": (
        "BatchRow",
        "BatchState",
        "JudgedRun",
        "RunKind",
        "RunRow",
        "RunState",
        "StoredRun",
        "Switch",
        "SwitchMode",
        "Waiting",
    ),
    "journal.tables": ("of_journals",),
    "journal.view": ("JournalView",),
    "lending": ("Lent",),
    "markdown": ("as_markdown",),
    "markers": ("hookimpl",),
    "modes": ("Mode",),
    "observation": ("Observation", "ObservedJournal"),
    "patterns": ("Pattern",),
    "reporting": ("ReportContext",),
    "result": (
        "Answer",
        "CellChange",
        "Change",
        "Counts",
        "Judged",
        "KeptOut",
        "PluginInfo",
        "RunResult",
        "Section",
        "TroubledBatch",
        "Verdict",
    ),
    "sourcing": ("PlacedRecord", "SourceContext", "UnreadableRecord"),
    "strategies": ("ALL_OR_NOTHING",),
    "targets.names": ("quoted",),
    "targets.table": ("Column", "Kind", "TargetTable"),
    "text": ("counted", "printable", "spark"),
    "times": ("as_time", "as_window"),
    "wildcards": ("names_like",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ALL_OR_NOTHING",
    "KNOWN_GOOD",
    "PLUGIN_FAILURES",
    "Answer",
    "Application",
    "Backtest",
    "Batch",
    "BatchInfo",
    "BatchRow",
    "BatchState",
    "CarriedTable",
    "CellChange",
    "Change",
    "Chart",
    "ChartPoint",
    "ChartRange",
    "Column",
    "Context",
    "Counts",
    "Criteria",
    "Criterion",
    "CriterionState",
    "Desk",
    "EarlierRun",
    "ExitCode",
    "Finding",
    "History",
    "Interrupted",
    "JournalView",
    "Judged",
    "JudgedRun",
    "KeepOut",
    "KeptOut",
    "Kind",
    "Lent",
    "Link",
    "LockHeld",
    "Metric",
    "Mode",
    "Moment",
    "Observation",
    "ObservedJournal",
    "Observer",
    "Occasion",
    "OpenJournal",
    "Pattern",
    "PlacedRecord",
    "PluginError",
    "PluginInfo",
    "PluginSettings",
    "Reader",
    "RecordRefused",
    "RecordSource",
    "Report",
    "ReportContext",
    "ReportSection",
    "RunError",
    "RunInfo",
    "RunKind",
    "RunResult",
    "RunRow",
    "RunState",
    "Section",
    "SettingsError",
    "SettingsOf",
    "Severity",
    "SourceContext",
    "SourceError",
    "Standing",
    "StateUncertain",
    "StoredRun",
    "Subcommand",
    "Switch",
    "SwitchMode",
    "TargetError",
    "TargetTable",
    "TroubledBatch",
    "TryLater",
    "UnreadableRecord",
    "UpdateError",
    "UpdateRefused",
    "UpdateStrategy",
    "UsageError",
    "Validator",
    "Verdict",
    "Waiting",
    "__version__",
    "as_markdown",
    "as_time",
    "as_window",
    "counted",
    "grown",
    "hookimpl",
    "names_like",
    "of_journals",
    "plan",
    "printable",
    "quoted",
    "run",
    "spark",
    "write_whole",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
