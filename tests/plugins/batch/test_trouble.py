"""Errors of the world: disk, rights, network. They end the update, or are overcome; no record is blamed for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, Batched, Watch, people, person, rows
from validate_updates import RunResult, Severity, Verdict
from validate_updates.journal.rows import RunState

publishing = pytest.mark.parametrize("publish", ["audited", "progressive"])
Break = Callable[[sqlite3.Connection], None]


@contextmanager
def breaking(stage: str, batches: int, act: Break) -> Iterator[Watch]:
    """Progress that does something to the run's own connection of SQLite's, once so many batches are settled."""
    opened: list[sqlite3.Connection] = []

    def remember(driver: sqlite3.Connection, _record: object) -> None:
        opened.append(driver)

    def look(entered: str, settled: int) -> None:
        if (entered, settled) == (stage, batches):
            act(opened[-1])

    sa.event.listen(sa.Engine, "connect", remember)
    try:
        yield Watch(look)
    finally:
        sa.event.remove(sa.Engine, "connect", remember)


def only_critical(result: RunResult) -> str:
    (found,) = [finding for finding in result.findings if finding.severity is Severity.CRITICAL]
    return f"{found.code}: {found.message}"


def full(driver: sqlite3.Connection) -> None:
    pages = driver.execute("PRAGMA page_count").fetchone()[0]
    driver.execute(f"PRAGMA max_page_count = {pages + 1}")


def read_only(driver: sqlite3.Connection) -> None:
    driver.execute("PRAGMA query_only = ON")


@publishing
@pytest.mark.parametrize(
    ("broken", "said"),
    [(full, "the disk is full"), (read_only, "the database is read-only")],
    ids=["full", "read-only"],
)
def test_a_disk_that_fails_in_the_middle(sqlite: Batched, broken: Break, said: str, publish: str) -> None:
    sqlite.execute(PEOPLE)
    records = people(2000)

    with breaking("apply", 5, broken) as watch:
        result = sqlite.update(
            records,
            plugins=("batch",),
            settings={"batch": {"size": 10, "publish": publish, "commit_batches": 2, **ANY_NUMBER}},
            progress=watch,
        )

    assert result.verdict is Verdict.FAILED
    assert said in only_critical(result)
    assert (result.counts.quarantined, result.kept_out, sqlite.entries()) == (0, (), [])
    stand = len(sqlite.people())
    assert (stand % 20, stand > 0) == (0, publish == "progressive"), "whole groups"
    assert sqlite.people() == rows(records[:stand])
    assert (result.counts.inserted, result.counts.rolled_back) == (stand, 2000 - stand)
    assert result.counts.add_up

    again = sqlite.apply(records, size=10, publish=publish)

    assert (again.verdict, again.counts.unchanged) == (Verdict.COMMITTED, stand)


@pytest.mark.parametrize("state", ["53100", "42501", "25006", "58030", "XX000"])
def test_trouble_of_the_server_ends_the_update_whatever_record_it_meets(postgres: Batched, state: str) -> None:
    postgres.execute(
        PEOPLE,
        f"""CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '{state}'; END $$""",
        "CREATE TRIGGER fail BEFORE INSERT ON t FOR EACH ROW WHEN (new.id = 27) EXECUTE FUNCTION fail()",
    )

    result = postgres.apply(people(60), size=10, **ANY_NUMBER)

    assert result.verdict is Verdict.FAILED
    assert f"[{state}]" in only_critical(result)
    assert "secret" not in only_critical(result)
    assert (postgres.people(), postgres.entries()) == ([], [])
    assert postgres.story().run.state is RunState.FAILED


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_what_passes_at_a_second_try_is_tried_again(postgres: Batched, state: str) -> None:
    """A sequence is not rolled back: the trigger remembers by it that it has refused once."""
    postgres.execute(
        PEOPLE,
        "CREATE SEQUENCE tries",
        f"""CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('tries') < 3 THEN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END IF; RETURN NEW; END $$""",
        "CREATE TRIGGER fail BEFORE INSERT ON t FOR EACH ROW WHEN (new.id = 27) EXECUTE FUNCTION fail()",
    )

    result = postgres.apply(people(60), size=10)

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert postgres.people() == rows(people(60))


def test_what_does_not_pass_at_the_third_try_ends_the_update(postgres: Batched) -> None:
    postgres.execute(
        PEOPLE,
        """CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$""",
        "CREATE TRIGGER fail BEFORE INSERT ON t FOR EACH ROW WHEN (new.id = 27) EXECUTE FUNCTION fail()",
    )

    result = postgres.apply(people(60), size=10)

    assert result.verdict is Verdict.FAILED
    assert "[40001]" in result.reason
    assert (postgres.people(), postgres.entries()) == ([], [])


# The connection


def end_sessions(target: Batched) -> None:
    target.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'validate-updates%'"
    )


def losing(target: Batched, *batches: int) -> Watch:
    """Progress that ends the run's session: of each try, after so many batches."""
    left = list(batches)

    def act(stage: str, settled: int) -> None:
        if left and (stage, settled) == ("apply", left[0]):
            left.pop(0)
            end_sessions(target)

    return Watch(act)


@publishing
@pytest.mark.parametrize("times", [1, 2])
def test_a_connection_lost_in_the_middle_is_made_anew(postgres: Batched, publish: str, times: int) -> None:
    postgres.execute(PEOPLE)
    records = people(120, minors=[13, 77])
    postgres.watch()

    result = postgres.apply(
        records,
        size=10,
        publish=publish,
        commit_batches=2,
        options={"progress": losing(postgres, *[5] * times)},
    )

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE, result.reason
    assert postgres.people() == rows(record for record in records if record["id"] not in (13, 77))
    assert postgres.written() == ["INSERT"] * 118, "nothing twice"
    assert postgres.kept_out_keys() == ["id=13", "id=77"]
    assert (result.counts.inserted, result.counts.quarantined, result.counts.unchanged) == (118, 2, 0)
    assert result.rows_before == 0
    lost = [finding for finding in result.findings if finding.code == "connection_lost"]
    assert 1 <= len(lost) <= times, "each is told once"
    assert postgres.states() == ["committed with quarantine"]


@publishing
@pytest.mark.parametrize("batches", [(3, 3, 3), (3, 1, 1), (1, 3, 1), (1, 1, 1)])
def test_after_three_tries_the_truth_is_told(postgres: Batched, publish: str, batches: tuple[int, ...]) -> None:
    """``batches``: of each try, after which the session ends. A group is two batches, of ten positions each."""
    postgres.execute(PEOPLE)
    records = people(120, minors=[13])
    good = [record for record in records if record["id"] != 13]

    result = postgres.update(
        records,
        plugins=("batch",),
        settings={"batch": {"size": 10, "publish": publish, "commit_batches": 2}},
        progress=losing(postgres, *batches),
    )
    postgres.tells_the_truth(result)

    assert result.verdict is Verdict.FAILED
    assert "session" in result.reason
    # Each try begins with what is not there yet, and so with the one that is kept out.
    groups = batches.count(3) if publish == "progressive" else 0
    assert postgres.people() == rows(good[: 19 * groups])
    assert result.counts.inserted == 19 * groups
    assert sum(batch.applied for batch in postgres.story().batches) == 19 * groups
    assert postgres.states() == ["failed"]

    again = postgres.apply(records, size=10, publish=publish)

    assert again.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert postgres.people() == rows(good)


def test_a_source_that_can_be_read_only_once_ends_with_the_connection(postgres: Batched) -> None:
    postgres.execute(PEOPLE)

    result = postgres.apply(iter(people(120)), size=10, options={"progress": losing(postgres, 5)})

    assert result.verdict is Verdict.FAILED
    assert postgres.people() == []


def test_records_that_wait_for_a_second_try_survive_a_lost_connection(postgres: Batched) -> None:
    """Their batches are not in the ledger yet when their group is committed."""
    postgres.execute(PEOPLE)
    records = [person(n, boss=n + 60 if n % 10 == 7 and n < 60 else None) for n in range(1, 121)]

    result = postgres.update(
        records,
        plugins=("batch",),
        settings={"batch": {"size": 10, "publish": "progressive", "commit_batches": 2}},
        progress=losing(postgres, 7, 7),
    )

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert postgres.people() == rows(records)
    assert (result.counts.inserted, result.counts.add_up) == (120, True)
    assert postgres.story().run.counts == result.counts
    assert postgres.rows("SELECT count(*) FROM update_undo WHERE action <> 'L'") == [(120,)]


# No checkpoints


def refuse_savepoints(driver: sqlite3.Connection) -> None:
    def authorize(action: int, *_: object) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_SAVEPOINT else sqlite3.SQLITE_OK

    driver.set_authorizer(authorize)


@publishing
def test_without_checkpoints_it_is_all_or_nothing(sqlite: Batched, publish: str) -> None:
    sqlite.execute(PEOPLE)

    with breaking("apply", 0, refuse_savepoints) as watch:
        result = sqlite.apply(people(60), size=10, publish=publish, options={"progress": watch})

    assert (result.verdict, result.publish) == (Verdict.COMMITTED, "audited")
    assert [(finding.code, finding.severity) for finding in result.findings] == [("no_checkpoints", Severity.WARNING)]
    assert sqlite.people() == rows(people(60))
    assert [batch.applied for batch in sqlite.story().batches] == [60]


@publishing
def test_without_checkpoints_one_bad_record_ends_the_update(sqlite: Batched, publish: str) -> None:
    sqlite.execute(PEOPLE)

    with breaking("apply", 0, refuse_savepoints) as watch:
        result = sqlite.apply(people(60, minors=[13]), size=10, publish=publish, options={"progress": watch})

    assert result.verdict is Verdict.FAILED
    assert "grown_up" in result.reason
    assert "no_checkpoints" in [finding.code for finding in result.findings]
    assert (sqlite.people(), sqlite.entries()) == ([], [])
