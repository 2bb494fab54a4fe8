"""Observers: when they are called, what they see and keep, and that nothing they do changes an outcome."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.core.engine.target import Target
from validate_updates import (
    ExitCode,
    Finding,
    LockHeld,
    Moment,
    Observation,
    Observer,
    Occasion,
    Severity,
    TargetError,
    UsageError,
    Validator,
    Verdict,
    hookimpl,
)
from validate_updates.engine import execute
from validate_updates.job import Job, Silent
from validate_updates.secret import SecretUrl

TABLE = ("CREATE TABLE t (id integer PRIMARY KEY, name text)", "INSERT INTO t VALUES (1, 'old')")
RECORDS: list[dict[str, Any]] = [{"id": 1, "name": "new"}, {"id": 2, "name": "added"}]
SEVERE = Finding(code="seen", severity=Severity.CRITICAL, message="this was seen")
END = Occasion.RECORDED

Observe = Callable[[Observation], Any]


@dataclass(frozen=True, eq=False)
class Watching:
    """A plugin with one observer for each of the occasions given, all around one function."""

    observe: Observe
    occasions: Iterable[Occasion] = Occasion
    time_limit: float = 30.0
    finding: Finding | None = None
    """Of a validator, where there is to be one."""

    @hookimpl
    def vu_observers(self) -> Iterator[Observer]:
        for one in self.occasions:
            yield Observer(name=one, occasion=one, observe=self.observe, summary="looks on", time_limit=self.time_limit)

    @hookimpl
    def vu_validators(self) -> Iterator[Validator]:
        found = [self.finding] if self.finding else []
        yield Validator(name="check", moment=Moment.RESULT, check=lambda _: found, summary="a check")


@pytest.fixture
def target(database_url: str) -> Target:
    target = Target(database_url)
    target.execute(*TABLE)
    return target


@pytest.fixture
def sqlite(sqlite_url: str) -> Target:
    target = Target(sqlite_url)
    target.execute(*TABLE)
    return target


def noting(seen: list[Any], note: Callable[[Observation], Any]) -> Observe:
    def observe(observation: Observation) -> list[Finding]:
        seen.append(note(observation))
        return []

    return observe


# When


def test_the_outcome_is_recorded_and_the_lock_given_back_before_anybody_is_told(target: Target) -> None:
    seen: list[Any] = []

    def note(observation: Observation) -> Any:
        others = "busy"
        if observation.occasion is not Occasion.BEGIN:
            others = target.update([{"id": 3, "name": "other"}]).verdict
        return observation.occasion, target.states()[0], observation.result and observation.result.verdict, others

    result = target.judged(RECORDS, Watching(noting(seen, note)))

    assert result.verdict is Verdict.COMMITTED
    assert seen == [
        (Occasion.BEGIN, "running", None, "busy"),
        (Occasion.RECORDED, "committed", Verdict.COMMITTED, Verdict.COMMITTED),
        (Occasion.TELL, "committed", Verdict.COMMITTED, Verdict.COMMITTED),
    ]


def test_a_rejected_run_is_told(target: Target) -> None:
    seen: list[Any] = []
    note = noting(seen, lambda observation: [one.code for one in observation.findings])

    result = target.judged(RECORDS, Watching(note, [END], finding=SEVERE))

    assert (result.verdict, seen) == (Verdict.REJECTED, [["seen"]])


def test_a_dry_run_is_told_to_nobody(target: Target) -> None:
    seen: list[Any] = []

    target.judged(RECORDS, Watching(noting(seen, str)), dry_run=True)

    assert seen == []


# What they say


def test_what_they_find_is_added_and_decides_nothing(target: Target) -> None:
    result = target.judged(RECORDS, Watching(lambda _: [SEVERE]), fail_on=Severity.INFO)

    assert (result.verdict, result.exit_code) == (Verdict.COMMITTED, ExitCode.OK)
    told = [("warning", "begin"), ("critical", "recorded"), ("critical", "tell")]
    assert [(one.severity, one.moment) for one in result.findings] == told
    story = target.story()
    assert story.run.state == "committed"
    assert [(one.severity, one.moment) for one in story.findings] == told
    assert {(one.plugin, one.code) for one in story.findings} == {("given", "seen")}
    assert target.rows("SELECT count(*) FROM update_findings WHERE decides") == [(0,)]


def test_who_tells_people_knows_the_conclusions(target: Target) -> None:
    seen: list[Any] = []

    def observe(observation: Observation) -> list[Finding]:
        seen.append([one.code for one in observation.findings])
        return [SEVERE]

    target.judged(RECORDS, Watching(observe, [Occasion.TELL, END]))

    assert seen == [[], ["seen"]]


# What goes wrong


def raises(_: Observation) -> Any:
    raise KeyError("what")


def exits(_: Observation) -> Any:
    sys.exit(0)


def prints(_: Observation) -> Any:
    sys.stdout.write("hello\n")
    return []


def hangs(_: Observation) -> Any:
    while True:
        time.sleep(0.01)


def keeps_rubbish(observation: Observation) -> Any:
    observation.state["a"] = 3  # type: ignore[assignment]  # what careless code does
    return []


def keeps_a_lot(observation: Observation) -> Any:
    observation.shared["a"] = "x" * 100_000
    return []


@pytest.mark.parametrize(
    ("observe", "what"),
    [
        (raises, "raised KeyError"),
        (exits, "called sys.exit(0)"),
        (prints, "printed to standard output: hello"),
        (hangs, "did not end within 0.3 s"),
        (lambda _: None, "returned None"),
        (keeps_rubbish, "keeps something else than texts by name"),
        (keeps_a_lot, "keeps a text of more than 65536 characters"),
    ],
)
@pytest.mark.parametrize("occasion", [Occasion.BEGIN, Occasion.TELL])
def test_one_that_fails_is_a_warning(target: Target, observe: Observe, what: str, occasion: Occasion) -> None:
    result = target.judged(RECORDS, Watching(observe, [occasion], time_limit=0.3))

    assert result.verdict is Verdict.COMMITTED
    (finding,) = result.findings
    assert (finding.code, finding.severity) == ("observer_failed", Severity.WARNING)
    assert finding.message.startswith(f"observer given.{occasion} {what}")
    assert [one.code for one in target.story().findings] == ["observer_failed"]
    assert target.rows("SELECT id FROM t ORDER BY id") == [(1,), (2,)]
    assert target.update(RECORDS).verdict is Verdict.COMMITTED  # nothing is left locked


def test_a_run_that_breaks_off_is_told_with_the_error(target: Target) -> None:
    seen: list[Any] = []
    note = noting(seen, lambda observation: (observation.occasion, observation.error, observation.result))

    target.execute("DROP TABLE t")
    with pytest.raises(UsageError) as caught:
        target.judged(RECORDS, Watching(note))

    assert seen == [(Occasion.RECORDED, caught.value, None), (Occasion.TELL, caught.value, None)]


def test_a_defect_is_told_with_the_result_that_was_recorded(target: Target) -> None:
    seen: list[Any] = []
    note = noting(
        seen, lambda observation: (type(observation.error), observation.result and observation.result.verdict)
    )

    class Broken(Silent):
        def stage(self, name: str) -> None:
            if name == "apply":
                raise ZeroDivisionError

    job = Job(source=RECORDS, target=SecretUrl(target.url), table="t")
    with pytest.raises(ZeroDivisionError):
        execute(job, Broken(), extra={"given": Watching(note, [END])})

    assert seen == [(ZeroDivisionError, Verdict.FAILED)]


def test_a_defect_after_everybody_was_told_is_told_to_nobody_again(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("validate_updates.concluding.next_steps", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        target.judged(RECORDS, Watching(noting(seen, lambda observation: observation.occasion)))

    assert seen == list(Occasion)


@pytest.mark.parametrize("occasion", Occasion)
def test_a_session_that_ends_while_an_observer_works_ends_nothing_else(postgres_url: str, occasion: Occasion) -> None:
    target = Target(postgres_url)
    target.execute(*TABLE)
    ours = "datname = current_database() AND application_name LIKE 'validate-updates%'"
    seen: list[Any] = []

    def observe(observation: Observation) -> list[Finding]:
        seen.append((observation.occasion, observation.error))
        observation.state[observation.occasion] = "kept"
        if observation.occasion is occasion:
            target.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {ours}")
        return []

    class Looking(Silent):
        def stage(self, name: str) -> None:
            held = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND "
            assert target.rows(held + ours) == [(1,)], f"under the lock: {name}"

    job = Job(source=RECORDS, target=SecretUrl(target.url), table="t")
    result = execute(job, Looking(), extra={"given": Watching(observe)})

    assert result.verdict is Verdict.COMMITTED
    assert [one.code for one in result.findings] == ["observer_failed"], "what it keeps is lost, and told"
    assert seen == [(one, None) for one in Occasion]
    kept = {name for (name,) in target.rows("SELECT name FROM update_states")}
    assert kept == {one.value for one in Occasion if one is not occasion}


def test_a_target_that_cannot_be_reached_is_told_without_a_journal(tmp_path: Path) -> None:
    seen: list[Any] = []

    def note(observation: Observation) -> Any:
        observation.state["kept"] = "nowhere"
        with pytest.raises(UsageError, match="cannot be reached"):
            observation.journal.run("last")
        return type(observation.error), observation.journal.runs()

    with pytest.raises(TargetError):
        Target(f"sqlite:///{tmp_path}").judged(RECORDS, Watching(noting(seen, note)))

    assert seen == [(TargetError, ()), (TargetError, ())]


def test_a_lock_that_another_run_holds_is_no_news(target: Target) -> None:
    seen: list[Any] = []

    def note(observation: Observation) -> Any:
        if observation.occasion is not Occasion.BEGIN:
            return "told"
        with pytest.raises(LockHeld):
            target.judged(RECORDS, Watching(noting(seen, str)))
        return "begun"

    target.judged(RECORDS, Watching(noting(seen, note)))

    assert seen == ["begun", "told", "told"]


# What they keep, and read


def test_of_two_names_that_are_stored_alike_the_last_counts(target: Target) -> None:
    def keep(observation: Observation) -> Any:
        observation.state.update({"a\0": "1", "a\ufffd": "2", "other": "3"})
        return []

    result = target.judged(RECORDS, Watching(keep, [END]), task="daily")

    assert result.findings == ()
    assert target.rows("SELECT value FROM update_states ORDER BY value") == [("2",), ("3",)]


def test_what_is_kept_is_there_in_the_next_run_of_the_task(target: Target) -> None:
    seen: list[Any] = []

    def note(observation: Observation) -> Any:
        had = dict(observation.state), dict(observation.shared)
        if observation.run.task == "daily":
            observation.state["runs"] = str(int(observation.state.get("runs", "0")) + 1)
            observation.shared["last"] = observation.run.task
        else:
            observation.shared.clear()
        return had

    plugin = Watching(noting(seen, note), [END])
    for task in ("daily", "daily", "other", "daily"):
        target.judged(RECORDS, plugin, task=task)

    assert seen == [({}, {}), ({"runs": "1"}, {"last": "daily"}), ({}, {"last": "daily"}), ({"runs": "2"}, {})]
    assert target.rows("SELECT plugin, task, name, value FROM update_states ORDER BY task") == [
        ("given", "", "last", "daily"),
        ("given", "daily", "runs", "3"),
    ]


def test_what_is_kept_stays_kept_where_the_observer_fails_later(target: Target) -> None:
    def observe(observation: Observation) -> Any:
        observation.state["sent"] = "yes"
        raise KeyError

    target.judged(RECORDS, Watching(observe, [END]))

    assert target.rows("SELECT name, value FROM update_states") == [("sent", "yes")]


def test_the_journal_can_be_read(target: Target) -> None:
    target.update(RECORDS, task="other")
    seen: list[Any] = []

    def note(observation: Observation) -> Any:
        journal = observation.journal
        since = observation.run.as_of
        return (
            [(run.task, run.state) for run in journal.runs()],
            [run.task for run in journal.runs(task="other")],
            [run.task for run in journal.runs(since=since)],
            [run.task for run in journal.runs(until=since - timedelta(days=1))],
            journal.run(observation.run.run_id).metrics["records.read"],
            [one.metrics["records.read"] for one in journal.judged([observation.run.run_id])],
        )

    target.judged(RECORDS, Watching(noting(seen, note), [END]), task="daily")

    assert seen == [([("daily", "committed"), ("other", "committed")], ["other"], ["daily"], [], 2.0, [2.0])]


def test_access_ends_with_the_call(target: Target) -> None:
    kept: list[Observation] = []

    target.judged(RECORDS, Watching(noting(kept, lambda observation: observation), [END]))

    with pytest.raises(RuntimeError, match="ended with the observer's call"):
        kept[0].journal.runs()


def test_what_cannot_be_written_down_is_a_warning(sqlite: Target) -> None:
    def observe(observation: Observation) -> Any:
        observation.state["a"] = "b"
        sqlite.execute("DROP TABLE update_states")
        return []

    result = sqlite.judged(RECORDS, Watching(observe, [Occasion.TELL]))

    assert result.verdict is Verdict.COMMITTED
    (finding,) = result.findings
    assert "could not be written down [OperationalError]" in finding.message


@pytest.mark.parametrize("occasions", [[], [END]])
def test_only_a_run_with_observers_asks_what_is_kept(sqlite: Target, occasions: list[Occasion]) -> None:
    sqlite.update(RECORDS)
    asked: list[str] = []

    def hear(*args: Any) -> None:
        asked.append(args[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    sqlite.judged(RECORDS, Watching(lambda _: [], occasions))
    sa.event.remove(sa.Engine, "before_cursor_execute", hear)

    assert sum(statement.startswith("SELECT update_states") for statement in asked) == len(occasions)
