"""The server ends the run's session, in the middle of whatever: the update goes on over a new one, or tells the truth.

``ENDURANCE`` is how many updates lose their sessions at random moments.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import pytest
import sqlalchemy as sa

from tests.core.engine.target import Target
from tests.endurance.scene import Model, Scene, open_entries, table_of
from validate_updates import RunResult, Severity, Verdict

if TYPE_CHECKING:
    import psycopg

ENDURANCE = int(os.environ.get("ENDURANCE", "3"))
publishing = pytest.mark.parametrize("publish", ["audited", "progressive"])
CUT = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('cuts') <= {times} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NEW;
END $$"""


def cutting(target: Target, times: int) -> None:
    """The session that writes the row 506, of the fifth batch, is ended then and there, so many times."""
    target.execute(
        "DROP SEQUENCE IF EXISTS cuts",
        "CREATE SEQUENCE cuts",  # it is not rolled back, and so knows how often
        CUT.format(times=times),
        "CREATE TRIGGER cut BEFORE INSERT ON t FOR EACH ROW WHEN (new.id = 506) EXECUTE FUNCTION cut()",
    )


def end_sessions(target: Target) -> None:
    target.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'validate-updates%'"
    )


class EndAt:
    """Progress that ends the session of the run on entering a stage, once."""

    def __init__(self, target: Target, stage: str) -> None:
        self._target = target
        self._stage = stage

    def stage(self, name: str) -> None:
        if name == self._stage:
            self._stage = ""
            end_sessions(self._target)

    def advance(self, records: int, total: int | None = None) -> None:
        """Not looked at."""


def adds_up(target: Target, model: Model, result: RunResult, written: list[str]) -> None:
    """The table is as the counts say, the ledger and the undo log too, and no row was written twice."""
    counts = result.counts
    assert counts.add_up
    assert written == ["INSERT"] * counts.inserted + ["UPDATE"] * counts.updated
    story = target.story(result.run_id)
    assert story.run.counts == counts
    unwritten = "journal_not_written" in [finding.code for finding in result.findings]
    assert story.run.state == ("running" if unwritten else result.verdict.value)
    applied = counts.inserted + counts.updated
    assert sum(batch.applied for batch in story.batches) == applied
    assert len({batch.batch_no for batch in story.batches}) == len(story.batches)
    run_no = f"(SELECT run_no FROM update_logs WHERE run_id = '{result.run_id}')"
    undo = f"SELECT count(*) FROM update_undo WHERE entry_no / 1099511627776 = {run_no} AND batch_no > 0"
    assert target.rows(undo) == [(applied,)]
    kept_out = target.rows(f"SELECT count(*) FROM update_quarantine WHERE run_id = '{result.run_id}'")
    assert kept_out == [(counts.quarantined,)]
    now, final = table_of(target), model.final
    changed = {key: row for key, row in now.items() if model.before.get(key) != row}
    assert len(changed) == applied
    assert changed.items() <= final.items()


def lost(result: RunResult) -> bool:
    """Whether the result tells that the connection was lost; how often is told only where the reasons differ."""
    return "connection_lost" in [finding.code for finding in result.findings]


def succeeded(target: Target, scene: Scene, result: RunResult) -> None:
    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE, result.reason
    adds_up(target, scene.model(), result, target.written())
    assert result.counts == scene.model().counts(len(scene.model().batches))
    assert table_of(target) == scene.model().final
    assert open_entries(target) == scene.model().bad


@publishing
@pytest.mark.parametrize("times", [1, 2])
def test_ended_inside_a_statement_the_update_goes_on(postgres: Target, tiny: Scene, publish: str, times: int) -> None:
    tiny.lay_out(postgres)
    cutting(postgres, times)
    postgres.watch()

    result = tiny.update(postgres, publish=publish, groups_of=2)

    assert lost(result)
    succeeded(postgres, tiny, result)


@publishing
def test_ended_again_and_again_the_truth_is_told(postgres: Target, tiny: Scene, publish: str) -> None:
    tiny.lay_out(postgres)
    cutting(postgres, 1_000_000)
    postgres.watch()

    result = tiny.update(postgres, publish=publish, groups_of=2)

    assert (result.verdict, lost(result)) == (Verdict.FAILED, True)
    (why,) = (finding for finding in result.findings if finding.severity is Severity.CRITICAL)
    assert why.code == "run_failed.TargetError"
    assert (result.counts.inserted > 0) == (publish == "progressive")
    adds_up(postgres, tiny.model(), result, postgres.written())
    before = table_of(postgres)

    postgres.execute("DROP TRIGGER cut ON t")
    again = tiny.update(postgres, publish=publish, groups_of=2)

    assert (again.verdict, again.recovered) == (Verdict.COMMITTED_WITH_QUARANTINE, ())
    adds_up(postgres, tiny.model(before), again, postgres.written())
    assert table_of(postgres) == tiny.model().final
    assert open_entries(postgres) == tiny.model().bad


@publishing
@pytest.mark.parametrize("stage", ["stage", "plan", "judge", "apply", "verdict"])
def test_ended_on_entering_a_stage_the_update_goes_on(postgres: Target, tiny: Scene, stage: str, publish: str) -> None:
    tiny.lay_out(postgres)
    postgres.watch()

    result = tiny.update(postgres, publish=publish, groups_of=2, progress=EndAt(postgres, stage))

    assert lost(result)
    succeeded(postgres, tiny, result)


@publishing
def test_records_that_come_only_once_end_with_the_session(postgres: Target, tiny: Scene, publish: str) -> None:
    tiny.lay_out(postgres)
    cutting(postgres, 1)
    postgres.watch()

    result = tiny.update(postgres, iter(tiny.records), publish=publish, groups_of=2)

    assert (result.verdict, lost(result)) == (Verdict.FAILED, False)
    adds_up(postgres, tiny.model(), result, postgres.written())
    assert tiny.update(postgres).verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert table_of(postgres) == tiny.model().final


class Commits:
    """Progress that counts the commits of a run, once it is in the journal, and does something at one of them."""

    def __init__(self, number: int = 0, act: Callable[[sa.Connection], None] = lambda _: None) -> None:
        self._number = number
        self._act = act
        self.seen = 0

    def _look(self, connection: sa.Connection) -> None:
        self.seen += 1
        if self.seen == self._number:
            self._act(connection)

    def stage(self, name: str) -> None:
        if name == "stage" and not sa.event.contains(sa.Engine, "commit", self._look):
            sa.event.listen(sa.Engine, "commit", self._look)

    def advance(self, records: int, total: int | None = None) -> None:
        """Not looked at."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        sa.event.remove(sa.Engine, "commit", self._look)


def commits_of(target: Target, scene: Scene) -> int:
    """How many commits there are in a run that nothing disturbs."""
    scene.lay_out(target)
    with Commits() as commits:
        scene.update(target, groups_of=4, progress=commits)
    return commits.seen


def before_it_stands(connection: sa.Connection) -> None:
    driver: psycopg.Connection[object] = connection.connection.driver_connection  # type: ignore[assignment]
    driver.close()


def when_it_stands(connection: sa.Connection) -> None:
    driver: psycopg.Connection[object] = connection.connection.driver_connection  # type: ignore[assignment]
    driver.commit()
    driver.close()


@pytest.mark.parametrize("act", [before_it_stands, when_it_stands])
def test_the_answer_to_any_commit_may_be_lost(
    postgres: Target, tiny: Scene, act: Callable[[sa.Connection], None]
) -> None:
    """The commits of the stage, of each group, of the outcome, and that of letting the lock go."""
    for number in range(1, commits_of(postgres, tiny) + 1):
        tiny.lay_out(postgres)
        postgres.watch()

        with Commits(number, act) as commits:
            result = tiny.update(postgres, groups_of=4, progress=commits)

        succeeded(postgres, tiny, result)


def test_what_stood_is_known_where_records_come_only_once(postgres: Target, tiny: Scene) -> None:
    """Of a group whose answer was lost, the journal alone knows; the run cannot begin again, and tells what stands."""
    for number in range(1, commits_of(postgres, tiny) + 1):
        tiny.lay_out(postgres)
        postgres.watch()

        with Commits(number, when_it_stands) as commits:
            result = tiny.update(postgres, iter(tiny.records), groups_of=4, progress=commits)

        assert result.verdict in {Verdict.FAILED, Verdict.COMMITTED_WITH_QUARANTINE}
        adds_up(postgres, tiny.model(), result, postgres.written())


class Nuisance:
    """Progress that has the sessions of the run ended at random moments, from the first stage on."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        chance = random.Random()
        while not self._done.wait(chance.uniform(0, 1)):
            end_sessions(self._target)

    def stage(self, name: str) -> None:
        if name == "stage" and self._thread.ident is None:
            self._thread.start()

    def advance(self, records: int, total: int | None = None) -> None:
        """Not looked at."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


@publishing
def test_ended_at_random_moments_nothing_is_lost_and_nothing_twice(postgres: Target, tiny: Scene, publish: str) -> None:
    for _ in range(ENDURANCE):
        tiny.lay_out(postgres)
        postgres.watch()

        with Nuisance(postgres) as nuisance:
            result = tiny.update(postgres, publish=publish, groups_of=2, progress=nuisance)

        if result.verdict is Verdict.FAILED:
            adds_up(postgres, tiny.model(), result, postgres.written())
            assert tiny.update(postgres).verdict is Verdict.COMMITTED_WITH_QUARANTINE
            assert table_of(postgres) == tiny.model().final
        else:
            succeeded(postgres, tiny, result)
