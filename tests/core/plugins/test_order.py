"""Every hook and every declaration once, in one real run: the whole list of calls, in order."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from validate_updates import (
    Application,
    Context,
    Finding,
    Metric,
    Moment,
    Observation,
    Observer,
    Occasion,
    PluginSettings,
    RecordSource,
    ReportSection,
    RunResult,
    Section,
    SettingsOf,
    SourceContext,
    Subcommand,
    UpdateStrategy,
    Validator,
    Verdict,
    hookimpl,
)
from validate_updates.engine import execute
from validate_updates.job import Job
from validate_updates.manager import HOOKS, load
from validate_updates.secret import SecretUrl


class Recorder:
    """A plugin that implements all hooks and writes down each call."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name = name
        self.calls = calls
        self.kind = type(f"Settings{name}", (PluginSettings,), {})

    def called(self, what: str) -> None:
        self.calls.append(f"{self.name}: {what}")

    def checker(self, name: str, moment: Moment) -> Validator:
        def check(context: Context) -> list[Finding]:
            self.called(f"check {name} at {context.moment}")
            return []

        return Validator(name=name, moment=moment, check=check, summary="a check")

    def meter(self, moment: Moment) -> Metric:
        def measure(context: Context) -> float:
            self.called(f"measure at {context.moment}")
            return 1.0

        return Metric(name=f"{self.name}.{moment}", summary="a number", measure=measure, moment=moment)

    @hookimpl
    def vu_settings(self) -> Any:
        self.called("vu_settings")
        return self.kind

    @hookimpl
    def vu_sources(self) -> Any:
        self.called("vu_sources")

        def read(context: SourceContext) -> Any:
            self.called(f"read from {context.watermark}")
            yield {"id": 1, "title": "one"}

        return [RecordSource(name="records", summary="one record", read=read)]

    @hookimpl
    def vu_validators(self, settings: SettingsOf) -> Any:
        assert isinstance(settings[self.kind], self.kind)
        self.called("vu_validators")
        yield self.checker("second", Moment.PLAN)
        yield from (self.checker(f"first_{moment}", moment) for moment in Moment)

    @hookimpl
    def vu_strategy(self) -> UpdateStrategy | None:
        self.called("vu_strategy")

        def apply(application: Application) -> None:
            self.called("apply")
            batch = application.batch()
            batch.judge()
            self.called("write")
            batch.write()

        return UpdateStrategy(name="in_one_go", summary="all at once", apply=apply) if self.name == "b" else None

    @hookimpl
    def vu_metrics(self) -> Any:
        self.called("vu_metrics")
        return [self.meter(Moment.RESULT), self.meter(Moment.PLAN)]

    @hookimpl
    def vu_sections(self) -> Any:
        self.called("vu_sections")

        def build(_: RunResult) -> Section:
            self.called("build")
            return Section(title=self.name)

        return [ReportSection(name="part", title="a part", build=build)]

    @hookimpl
    def vu_observers(self) -> Any:
        self.called("vu_observers")

        def observe(observation: Observation) -> list[Finding]:
            self.called(f"observe {observation.occasion}")
            return []

        return [Observer(name=one, occasion=one, observe=observe, summary="looks on") for one in reversed(Occasion)]

    @hookimpl
    def vu_subcommands(self) -> Any:
        self.called("vu_subcommands")
        return [Subcommand(name="hello", summary="says hello", function=print)]


LATE = {"vu_backtests", "vu_criteria", "vu_reports", "vu_subcommands"}
"""Hooks that are asked in no run."""
COLLECTING = [f"{plugin}: {hook}" for hook in HOOKS if hook not in LATE for plugin in "ab"]


@pytest.fixture
def target(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "target.db") as connection:
        connection.execute("create table hearings (id integer primary key, title text)")
    connection.close()
    return f"sqlite:///{tmp_path / 'target.db'}"


def test_hooks_are_asked_one_by_one_in_the_order_of_the_plugins() -> None:
    calls: list[str] = []

    plugins = load([], {}, extra={name: Recorder(name, calls) for name in "ba"})
    assert calls == COLLECTING
    plugins.subcommands()

    assert calls[len(COLLECTING) :] == ["a: vu_subcommands", "b: vu_subcommands"]


def test_the_whole_order_of_a_run(target: str) -> None:
    calls: list[str] = []
    job = Job(source="b:records", target=SecretUrl(target), table="hearings")

    result = execute(job, extra={name: Recorder(name, calls) for name in "ba"})

    assert (result.verdict, result.strategy) == (Verdict.COMMITTED, "in_one_go")
    assert calls == [
        *COLLECTING,
        "a: observe begin",
        "b: observe begin",
        "b: read from None",
        "a: check first_records at records",
        "b: check first_records at records",
        "a: measure at plan",
        "b: measure at plan",
        "a: check first_plan at plan",
        "a: check second at plan",
        "b: check first_plan at plan",
        "b: check second at plan",
        "b: apply",
        "a: check first_batch at batch",
        "b: check first_batch at batch",
        "b: write",
        "a: measure at result",
        "b: measure at result",
        "a: check first_result at result",
        "b: check first_result at result",
        "a: observe recorded",
        "b: observe recorded",
        "a: observe tell",
        "b: observe tell",
        "a: build",
        "b: build",
    ]
