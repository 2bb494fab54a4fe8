"""A plugin on trial, which says and does anything; and one that looks out for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from validate_updates import (
    Application,
    Context,
    Finding,
    Metric,
    Moment,
    PluginSettings,
    RunResult,
    Section,
    SettingsOf,
    Severity,
    UpdateStrategy,
    Validator,
    hookimpl,
)
from validate_updates.declarations import ReportSection

Check = Callable[[Context], Any]


def raises(_: Context) -> Any:
    raise KeyError("x")


def exits(_: Context) -> Any:
    sys.exit(3)


def prints(_: Context) -> Any:
    sys.stdout.write("hello\n")
    return []


def answers_rubbish(_: Context) -> Any:
    return [None]


def writes(context: Context) -> Any:
    context.db.rows(sa.text("DELETE FROM t"))
    return []


def commits(context: Context) -> Any:
    context.db.rows(sa.text("COMMIT"))
    return []


def rolls_back(context: Context) -> Any:
    context.db.rows(sa.text("ROLLBACK"))
    return []


FAULTS: dict[str, Check] = {
    one.__name__: one for one in (raises, exits, prints, answers_rubbish, writes, commits, rolls_back)
}


@dataclass(frozen=True)
class Trial:
    """What it says at each moment, the numbers it measures, and whether it would apply updates its own way."""

    says: dict[Moment, Sequence[Finding]] = field(default_factory=dict)
    does: dict[Moment, str] = field(default_factory=dict)
    """Names of faults."""
    measures: dict[str, float] = field(default_factory=dict)
    applies: bool = False

    @hookimpl
    def vu_validators(self) -> Iterator[Validator]:
        for moment in Moment:
            yield Validator(name=f"at_{moment}", moment=moment, check=self._check(moment), summary="anything")

    def _check(self, moment: Moment) -> Check:
        fault = self.does.get(moment)
        return FAULTS[fault] if fault else lambda _: list(self.says.get(moment, ()))

    @hookimpl
    def vu_metrics(self) -> Iterator[Metric]:
        for name, value in self.measures.items():
            yield Metric(name=name, summary="a number", measure=partial(_value, value))

    @hookimpl
    def vu_strategy(self) -> UpdateStrategy | None:
        return UpdateStrategy(name="nothing", summary="writes nothing", apply=_nothing) if self.applies else None

    @hookimpl
    def vu_sections(self) -> Iterator[ReportSection]:
        yield ReportSection(name="mine", title="Mine", build=_section)


def _value(value: float, _: Context) -> float:
    return value


def _nothing(_: Application) -> None:
    """Leave all of it unwritten."""


def _section(_: RunResult) -> Section:
    return Section(title="Mine")


class Limits(PluginSettings, frozen=True, kw_only=True):
    most: int = 3


class Watchful:
    """Enforced: it refuses an update as soon as it sees anything of a plugin on trial, or one that is too large."""

    @hookimpl
    def vu_settings(self) -> type[PluginSettings]:
        return Limits

    @hookimpl
    def vu_validators(self, settings: SettingsOf) -> Iterator[Validator]:
        def check(context: Context) -> Iterator[Finding]:
            strange = sorted(name for name in context.metrics if name.startswith("trial."))
            if strange or "trial" in settings.selected:
                yield finding("seen", Severity.CRITICAL, f"it is there: {strange}")
            if context.metrics.get("records.read", context.counts.read) != context.counts.read:
                yield finding("changed", Severity.CRITICAL, "a number of the engine was changed")
            if context.counts.read > settings[Limits].most:
                yield finding("many", Severity.CRITICAL, f"{context.counts.read} records")
            stood = sum(run.stood for run in context.history.runs(committed=False))
            yield finding("history", Severity.INFO, f"{stood} earlier runs stood, {len(context.history.runs())} count")

        for moment in Moment:
            yield Validator(name=f"watch_{moment}", moment=moment, check=check, summary="looks out")


def finding(code: str, severity: Severity, message: str = "as it is") -> Finding:
    return Finding(code=code, severity=severity, message=message)
