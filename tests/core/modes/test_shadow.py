"""A plugin in shadow decides nothing: the update is the one that would have been without it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.engine.target import Target
from tests.core.modes.trial import FAULTS, Limits, Trial, Watchful, finding
from validate_updates import (
    Context,
    Finding,
    KeepOut,
    Moment,
    Observation,
    Observer,
    Occasion,
    RunResult,
    SettingsError,
    Severity,
    Validator,
    Verdict,
    hookimpl,
)
from validate_updates.engine import execute
from validate_updates.job import Job
from validate_updates.journal.reading import show
from validate_updates.journal.rows import StoredRun
from validate_updates.journal.schema import find
from validate_updates.modes import Mode
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database

TABLE = "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL, age integer CHECK (age >= 18))"
GOOD = [{"id": 1, "name": "a", "age": 40}, {"id": 2, "name": "b", "age": 50}]
MINOR = {"id": 3, "name": "c", "age": 7}
CRITICAL = finding("no", Severity.CRITICAL, "this may not stand")


def update(target: Target, records: list[dict[str, Any]], *plugins: str, day: int = 1, **extra: object) -> RunResult:
    at = datetime(2026, 11, day, 6, tzinfo=UTC)
    job = Job(source=records, target=SecretUrl(target.url), table="t", plugins=plugins, as_of=at)
    return execute(job, extra=extra)


def with_trial(target: Target, records: list[dict[str, Any]], trial: object, *plugins: str, day: int = 1) -> RunResult:
    return update(target, records, "trial:shadow", *plugins, day=day, trial=trial, watchful=Watchful())


def story(target: Target, run_id: str) -> StoredRun:
    database = open_database(SecretUrl(target.url))
    with database.connect() as connection, database.transaction(connection, write=False):
        return show(connection, find(connection, "update_"), run_id)


# The law

words = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=5)
said = st.builds(
    Finding,
    code=words,
    severity=st.sampled_from(Severity),
    message=words,
    key=st.none() | words,
    metric=st.none() | words,
    observed=st.none() | st.integers(-9, 9) | words,
)
trials = st.builds(
    Trial,
    says=st.dictionaries(st.sampled_from(Moment), st.lists(said, max_size=3)),
    does=st.dictionaries(st.sampled_from(Moment), st.sampled_from(sorted(FAULTS)), max_size=1),
    measures=st.dictionaries(st.sampled_from(["trial.a", "records.read", "batches.failed"]), st.floats(0, 9)),
    applies=st.booleans(),
)
people = st.fixed_dictionaries(
    {"id": st.integers(1, 6), "name": st.sampled_from(["a", "b", None]), "age": st.sampled_from([20, 30, 40, 7])}
)
updates = st.lists(st.lists(people, min_size=1, max_size=4), min_size=1, max_size=2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trial=trials, batches=updates, plugins=st.sets(st.sampled_from(["batch", "static_thresholds"])))
def test_the_verdict_is_that_of_the_run_without_it(
    tmp_path: Path, trial: Trial, batches: list[list[dict[str, Any]]], plugins: set[str]
) -> None:
    pair = [Target(f"sqlite:///{tmp_path / name}.db") for name in ("without", "shadow")]
    for target in pair:
        target.path.unlink(missing_ok=True)
        target.execute(TABLE)
    without, shadow = pair
    for day, records in enumerate(batches, 1):
        plain = update(without, records, *plugins, day=day, watchful=Watchful())
        tried = with_trial(shadow, records, trial, *plugins, day=day)

        assert outcome(tried) == outcome(plain)
        assert shadow.dump() == without.dump()
        assert numbers(tried, plain) == numbers(plain, plain)
        assert {one.plugin for one in tried.shadow} <= {"trial"}
        assert story(shadow, tried.run_id).run.state.value == story(without, plain.run_id).run.state.value


def numbers(result: RunResult, like: RunResult) -> dict[str, float]:
    """But for the time that it took."""
    return {name: result.metrics[name] for name in like.metrics if name != "duration"}


def outcome(result: RunResult) -> Mapping[str, Any]:
    """All that a run came to, but for what tells one run from another."""
    return {
        "verdict": result.verdict,
        "reason": result.reason,
        "counts": result.counts,
        "findings": [replace(one, runs=()) for one in result.findings],
        "kept_out": result.kept_out,
        "changes": result.changes,
        "strategy": result.strategy,
        "exit_code": result.exit_code,
        "rows": (result.rows_before, result.rows_after),
        "sections": [section.title for section in result.sections],
        "judged": [replace(one, seconds=0.0) for one in result.judged if one.mode is Mode.ENFORCE],
        "batches": result.troubled_batches,
    }


# What becomes of what it says


@pytest.mark.parametrize("moment", Moment)
def test_what_it_would_have_decided_is_kept_apart(target: Target, moment: Moment) -> None:
    target.execute(TABLE)

    result = with_trial(target, GOOD, Trial(says={moment: [CRITICAL]}))

    assert (result.verdict, result.opposed_in_shadow) == (Verdict.COMMITTED, ("trial",))
    assert result.shadow == (CRITICAL.by("trial", f"at_{moment}", moment.value),)
    assert CRITICAL.code not in {one.code for one in result.findings}
    assert {one.mode for one in result.judged if one.plugin == "trial"} == {Mode.SHADOW}
    kept = story(target, result.run_id)
    assert (kept.shadow, kept.findings) == (result.shadow, result.findings)
    assert {(one.name, one.mode) for one in kept.run.plugins} == {("trial", "shadow"), ("watchful", "enforce")}
    assert target.rows("SELECT decides, mode FROM update_findings WHERE code = 'no'") == [(False, "shadow")]


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_it_is_written_down_and_does_no_harm(target: Target, fault: str, moment: Moment) -> None:
    target.execute(TABLE)

    result = with_trial(target, GOOD, Trial(does={moment: fault}))

    assert result.verdict is Verdict.COMMITTED
    assert target.rows("SELECT id FROM t ORDER BY id") == [(1,), (2,)]
    assert {one.code for one in result.shadow} <= {"validator_failed", "plugin_failed"}
    assert story(target, result.run_id).shadow == result.shadow
    assert result.opposed_in_shadow == ("trial",)


def test_it_keeps_no_record_out_and_says_how_many_it_would_have(target: Target) -> None:
    class Strict:
        @hookimpl
        def vu_validators(self) -> list[Validator]:
            def check(context: Context) -> Iterator[KeepOut]:
                for (row,) in context.db.rows(sa.select(context.planned.c.row)):
                    yield KeepOut(row=row, code="strange", message="never seen before")
                    yield KeepOut(row=row, code="strange", message="never seen before")

            return [Validator(name="strict", moment=Moment.RECORDS, check=check, summary="keeps all out")]

    target.execute(TABLE)
    result = with_trial(target, GOOD, Strict())

    assert (result.verdict, result.counts.inserted, result.counts.quarantined) == (Verdict.COMMITTED, 2, 0)
    [would] = result.shadow
    assert (would.code, would.observed, would.plugin) == ("strange", 2, "trial")
    assert would.message == "2 records would have been kept out: never seen before"
    assert result.opposed_in_shadow == ()


class NamesRows:
    """Keeps out records of these numbers, whether they are there or not."""

    def __init__(self, *rows: int) -> None:
        self._rows = rows

    @hookimpl
    def vu_validators(self) -> list[Validator]:
        def check(_: Context) -> list[KeepOut]:
            return [KeepOut(row=row, code="strange", message="never seen before") for row in self._rows]

        return [Validator(name="names", moment=Moment.RECORDS, check=check, summary="keeps some out")]


def test_a_record_that_is_not_there_is_no_record_it_would_have_kept_out(target: Target) -> None:
    target.execute(TABLE)

    result = with_trial(target, GOOD, NamesRows(1, 77))

    assert (result.verdict, result.counts.inserted) == (Verdict.COMMITTED, 2)
    [failed] = result.shadow
    assert (failed.code, failed.message) == (
        "validator_failed",
        "validator trial.names kept out a record that is not staged",
    )
    assert result.opposed_in_shadow == ("trial",)


def test_a_record_that_another_kept_out_is_not_counted_again(target: Target) -> None:
    target.execute(TABLE)

    result = update(target, GOOD, "trial:shadow", "strict", trial=NamesRows(1, 2), strict=NamesRows(1))

    assert (result.counts.inserted, result.counts.quarantined) == (1, 1)
    assert [one.message for one in result.shadow] == ["1 record would have been kept out: never seen before"]


def test_settings_that_make_no_sense_for_the_target_do_not_stop_the_update(sqlite: Target) -> None:
    class Unfit:
        @hookimpl
        def vu_validators(self) -> list[Validator]:
            def check(_: Context) -> list[Finding]:
                raise SettingsError("there is no such column")

            return [Validator(name="unfit", moment=Moment.PLAN, check=check, summary="unfit")]

    sqlite.execute(TABLE)
    result = with_trial(sqlite, GOOD, Unfit())

    assert result.verdict is Verdict.COMMITTED
    assert [one.code for one in result.shadow] == ["validator_failed"]


def test_its_observers_are_told_nothing(sqlite: Target) -> None:
    told: list[str] = []

    class Acting:
        @hookimpl
        def vu_observers(self) -> list[Observer]:
            def observe(observation: Observation) -> list[Finding]:
                told.append(observation.occasion)
                return []

            return [Observer(name="act", occasion=Occasion.RECORDED, observe=observe, summary="acts")]

    sqlite.execute(TABLE)
    with_trial(sqlite, GOOD, Acting())
    assert told == []
    update(sqlite, GOOD, trial=Acting())
    assert told == ["recorded"]


def test_one_that_hangs_is_left_behind(sqlite: Target) -> None:
    class Slow:
        @hookimpl
        def vu_validators(self) -> list[Validator]:
            def check(_: Context) -> list[Finding]:
                time.sleep(30)
                return []

            return [Validator(name="slow", moment=Moment.PLAN, check=check, summary="never ends", time_limit=0.05)]

    sqlite.execute(TABLE)
    result = with_trial(sqlite, GOOD, Slow())

    assert (result.verdict, [one.observed for one in result.shadow]) == (Verdict.COMMITTED, ["hung"])


def test_its_numbers_are_kept_under_their_names_but_never_in_place_of_others(sqlite: Target) -> None:
    sqlite.execute(TABLE)

    result = with_trial(sqlite, GOOD, Trial(measures={"trial.a": 5.0, "records.read": 99.0}))

    assert (result.metrics["trial.a"], result.metrics["records.read"]) == (5.0, 2.0)
    assert story(sqlite, result.run_id).metrics == result.metrics


def test_its_strategy_is_told_and_not_used(sqlite: Target) -> None:
    sqlite.execute(TABLE)

    result = with_trial(sqlite, GOOD, Trial(applies=True), "batch")

    assert (result.strategy, result.counts.inserted) == ("batch", 2)
    assert [(one.code, one.message) for one in result.shadow] == [
        ("strategy_in_shadow", "the update would have been applied by nothing, and was by batch")
    ]


def test_it_adds_nothing_to_the_summary(sqlite: Target) -> None:
    sqlite.execute(TABLE)

    assert [one.title for one in with_trial(sqlite, GOOD, Trial()).sections] == []
    assert [one.title for one in update(sqlite, GOOD, trial=Trial()).sections] == ["Mine"]


# Its past


def test_what_it_would_have_rejected_is_no_example_to_it_and_one_to_others(sqlite: Target) -> None:
    sqlite.execute(TABLE)
    against, quiet, seen = Trial(says={Moment.PLAN: [CRITICAL]}), Trial(), []
    for trial in (against, quiet, against):
        with_trial(sqlite, GOOD, trial)

    class Counting:
        @hookimpl
        def vu_validators(self) -> list[Validator]:
            def check(context: Context) -> list[Finding]:
                every = context.history.runs(committed=False)
                seen.append((len(context.history.runs()), [one.stood for one in every]))
                return []

            return [Validator(name="counts", moment=Moment.PLAN, check=check, summary="counts")]

    update(sqlite, GOOD, trial=Counting())
    assert seen == [(1, [False, True, False])]

    sqlite.execute("UPDATE update_logs SET label = 'expected' WHERE run_no = 1")
    update(sqlite, GOOD, other=Counting())
    update(sqlite, GOOD, trial=Counting())
    assert seen[1:] == [(4, [True] * 4), (4, [True, True, False, True, True])]


# One that cannot be loaded


class Broken:
    @hookimpl
    def vu_validators(self) -> Any:
        raise ImportError("a library is missing")


class Thief(Trial):
    """Its settings are another one's, or its number has another one's name."""

    @hookimpl
    def vu_settings(self) -> type[Limits]:
        return Limits


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (Broken(), "vu_validators failed: ImportError: a library is missing"),
        (Thief(), "have the same class of settings"),
        (Trial(measures={"shared": 1.0}), "both declare the metric 'shared'"),
        (object(), "it implements no hook"),
    ],
)
def test_one_that_cannot_take_part_is_left_out(sqlite: Target, trial: object, said: str) -> None:
    sqlite.execute(TABLE)
    other = Trial(measures={"shared": 2.0})

    result = update(sqlite, GOOD, "trial:shadow", trial=trial, watchful=Watchful(), zealous=other)

    assert result.verdict is Verdict.COMMITTED
    assert [one.code for one in result.shadow] == ["plugin_failed"]
    assert said in result.shadow[0].message
    assert result.metrics["shared"] == 2.0
    assert "trial" not in {one.plugin for one in result.judged}


def test_a_minor_is_refused_whoever_looks_on(sqlite: Target) -> None:
    """Were the world of these tests too kind, the law would hold for any engine."""
    sqlite.execute(TABLE)
    assert update(sqlite, [*GOOD, MINOR], watchful=Watchful()).verdict is Verdict.REJECTED
    assert update(sqlite, [*GOOD, MINOR], "batch", watchful=Watchful()).verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert update(sqlite, GOOD, trial=Trial(says={Moment.PLAN: [CRITICAL]})).verdict is Verdict.REJECTED
    assert "seen" in {one.code for one in update(sqlite, GOOD, trial=Trial(), watchful=Watchful()).findings}
