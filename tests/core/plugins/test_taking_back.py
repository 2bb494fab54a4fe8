"""Observers that ask for a run to be taken back: what is done, what it comes to, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from tests.core.engine.target import Target
from tests.core.plugins.test_observers import RECORDS, TABLE, Watching
from validate_updates import ExitCode, Finding, Observation, Occasion, Severity, Verdict
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database

WHY = "it is all wrong"
BEFORE = [(1, "old")]
AFTER = [(1, "new"), (2, "added")]
WRONG = Finding(code="wrong", severity=Severity.CRITICAL, message="wrong")


@pytest.fixture
def filled(target: Target) -> Target:
    target.execute(*TABLE)
    return target


@pytest.fixture
def file(sqlite: Target) -> Target:
    sqlite.execute(*TABLE)
    return sqlite


def rows(target: Target) -> list[tuple[Any, ...]]:
    return target.rows("SELECT id, name FROM t ORDER BY id")


def asking(before: Callable[[], Any] = lambda: None, run: str = "", occasion: Occasion = Occasion.RECORDED) -> Watching:
    """A plugin that does something, and asks for its run, or another, to be taken back."""

    def observe(observation: Observation) -> list[Finding]:
        before()
        observation.journal.take_back(run or observation.run.run_id, WHY)
        return []

    return Watching(observe, [occasion])


def test_a_run_is_taken_back_and_says_so(filled: Target) -> None:
    result = filled.judged(RECORDS, asking())

    assert rows(filled) == BEFORE
    assert (result.verdict, result.exit_code) == (Verdict.ROLLED_BACK, ExitCode.REJECTED)
    assert (result.counts.read, result.counts.rolled_back, result.rows_after) == (2, 2, None)
    assert result.counts.add_up
    [finding] = result.findings
    assert (finding.code, finding.plugin, finding.moment) == ("run_taken_back", "given", "recorded")
    assert WHY in finding.message
    back, run = filled.story(), filled.story(result.run_id)
    assert (run.run.state, back.run.kind, back.run.parent) == ("rolled back", "rollback", result.run_id)
    assert back.run.reason.endswith(f"; asked for by given: {WHY}")
    assert (run.run.note or "").endswith(f"; asked for by given: {WHY}")
    assert [one.code for one in run.findings] == ["run_taken_back"]
    assert filled.update(RECORDS).verdict is Verdict.COMMITTED  # nothing is left locked


def test_who_tells_people_knows_it(filled: Target) -> None:
    told: list[Any] = []

    def observe(observation: Observation) -> list[Finding]:
        if observation.occasion is Occasion.RECORDED:
            observation.journal.take_back(observation.run.run_id, WHY)
        elif observation.result:
            told.append((observation.result.verdict, [one.code for one in observation.findings]))
        return []

    filled.judged(RECORDS, Watching(observe, [Occasion.RECORDED, Occasion.TELL]))

    assert told == [(Verdict.ROLLED_BACK, ["run_taken_back"])]


def test_rows_that_others_have_changed_stay_and_need_a_person(filled: Target) -> None:
    result = filled.judged(RECORDS, asking(lambda: filled.execute("UPDATE t SET name = 'mine' WHERE id = 1")))

    assert rows(filled) == [(1, "mine")]
    assert (result.verdict, result.exit_code, result.rows_left) == (Verdict.ROLLED_BACK, ExitCode.UNCERTAIN, 1)
    assert [(one.code, one.severity) for one in result.findings] == [("run_taken_back_in_part", Severity.CRITICAL)]


def test_a_lock_that_is_held_is_a_finding(filled: Target) -> None:
    database = open_database(SecretUrl(filled.url))
    with ExitStack() as stack:

        def lock() -> None:
            connection = stack.enter_context(database.connect())
            stack.enter_context(database.lock(connection, run_id="other", tables=['"t"', "t"], wait=0))

        result = filled.judged(RECORDS, asking(lock))

    assert rows(filled) == AFTER
    assert (result.verdict, result.exit_code) == (Verdict.COMMITTED, ExitCode.OK)
    [finding] = result.findings
    assert (finding.code, finding.severity) == ("run_not_taken_back", Severity.CRITICAL)
    assert "another run has the lock" in finding.message or "lock" in finding.message
    assert finding.hint == f"take it back: validate-updates rollback {result.run_id}"
    assert [one.code for one in filled.story().findings] == ["run_not_taken_back"]
    database.engine.dispose()


def test_what_cannot_be_taken_back_is_a_finding(file: Target) -> None:
    def codes(plugin: Watching, **options: Any) -> list[str]:
        return [one.code for one in file.judged(RECORDS, plugin, **options).findings]

    assert codes(asking(run="20000101-000000-abcdef")) == ["run_not_taken_back"]
    assert codes(asking()) == ["run_not_taken_back"], "it has written nothing"
    file.execute("DELETE FROM t")
    assert codes(asking(), undo_retention_days=0) == ["run_not_taken_back"]
    assert rows(file) == AFTER


def test_an_earlier_run_is_taken_back_and_the_observed_one_stands(file: Target) -> None:
    first = file.update([{"id": 2, "name": "first"}])

    result = file.judged([{"id": 3, "name": "second"}], asking(run=first.run_id))

    assert rows(file) == [*BEFORE, (3, "second")]
    assert (result.verdict, [one.code for one in result.findings]) == (Verdict.COMMITTED, ["run_taken_back"])
    assert file.story(first.run_id).run.state == "rolled back"


@pytest.mark.parametrize("occasion", [Occasion.BEGIN, Occasion.TELL])
def test_at_another_occasion_it_is_the_observer_that_fails(file: Target, occasion: Occasion) -> None:
    result = file.judged(RECORDS, asking(occasion=occasion))

    assert (result.verdict, rows(file)) == (Verdict.COMMITTED, AFTER)
    [finding] = result.findings
    assert finding.code == "observer_failed"
    assert "runs are taken back at the occasion recorded" in finding.message


def test_switches_are_made_once_where_a_run_is_taken_back_too(file: Target) -> None:
    def observe(observation: Observation) -> list[Finding]:
        observation.journal.switch("t", "batch", "off", WHY)  # type: ignore[arg-type]  # as careless code does
        observation.journal.take_back(observation.run.run_id, WHY)
        return [WRONG]

    file.judged(RECORDS, Watching(observe, [Occasion.RECORDED]))

    assert file.rows("SELECT plugin, mode, made_by FROM update_switches") == [("batch", "off", "given")]
    assert file.rows("SELECT code FROM update_findings ORDER BY finding_no") == [("wrong",), ("run_taken_back",)]
