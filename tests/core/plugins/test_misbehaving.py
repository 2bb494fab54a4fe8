"""A plugin that misbehaves in a real update: it ends with a verdict, and the table is as before."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import sqlalchemy as sa

from validate_updates import Context, Finding, Moment, RunResult, Validator, Verdict, hookimpl
from validate_updates.engine import execute
from validate_updates.job import Job
from validate_updates.secret import SecretUrl


class Plugin:
    """One validator, around one function."""

    def __init__(self, check: Callable[[Context], Any], moment: Moment) -> None:
        self.check, self.moment = check, moment

    @hookimpl
    def vu_validators(self) -> Iterable[Validator]:
        limit = 0.3 if self.check in {loops, asks_for_too_much} else 60.0  # seconds
        yield Validator(name="bad", moment=self.moment, check=self.check, summary="misbehaves", time_limit=limit)


@pytest.fixture
def rows(database_url: str) -> Iterable[Callable[[], int]]:
    """A table with one row, and what counts its rows."""
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("create table hearings (id integer primary key, title text)"))
        connection.execute(sa.text("insert into hearings values (1, 'one')"))

    def count() -> int:
        with engine.connect() as connection:
            return int(connection.scalar(sa.text("select count(*) from hearings")) or 0)

    yield count
    engine.dispose()


def update(url: str, check: Callable[[Context], Any], moment: Moment) -> RunResult:
    job = Job(source=[{"id": 2, "title": "two"}], target=SecretUrl(url), table="hearings")
    return execute(job, extra={"acme": Plugin(check, moment)})


def raises(_: Context) -> list[Finding]:
    raise KeyError("x")


def exits(_: Context) -> list[Finding]:
    sys.exit(0)


def prints(_: Context) -> list[Finding]:
    print("nothing to see")  # noqa: T201  # as careless plugin code does
    return []


def loops(_: Context) -> list[Finding]:
    while True:
        sum(range(1000))


def asks_for_too_much(context: Context) -> list[Finding]:
    numbers = sa.select(sa.literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(sa.select(numbers.c.n + 1))
    context.db.scalar(sa.select(sa.func.count()).select_from(numbers).where(numbers.c.n < 0))
    return []


def writes(context: Context) -> list[Finding]:
    context.db.rows(sa.text("delete from hearings"))
    return []


def commits(context: Context) -> list[Finding]:
    context.db.rows(sa.text("commit"))
    return []


def forgets(_: Context) -> None:
    pass


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("check", [raises, exits, prints, loops, asks_for_too_much, writes, forgets])
def test_the_update_is_rejected_and_the_table_is_as_before(
    check: Callable[[Context], Any], moment: Moment, database_url: str, rows: Callable[[], int]
) -> None:
    result = update(database_url, check, moment)

    assert result.verdict is Verdict.REJECTED, result.reason
    assert [
        (found.code, found.plugin, found.validator) for found in result.findings if found.severity == "critical"
    ] == [("validator_failed", "acme", "bad")]
    assert rows() == 1


@pytest.mark.parametrize("moment", Moment)
def test_a_check_that_commits_keeps_nothing(moment: Moment, database_url: str, rows: Callable[[], int]) -> None:
    result = update(database_url, commits, moment)

    assert result.verdict in {Verdict.REJECTED, Verdict.FAILED}
    assert "acme.bad" in result.reason
    assert rows() == 1


def test_the_next_update_is_not_disturbed(database_url: str, rows: Callable[[], int]) -> None:
    update(database_url, asks_for_too_much, Moment.RESULT)

    result = update(database_url, lambda _: [], Moment.RESULT)

    assert result.verdict is Verdict.COMMITTED
    assert rows() == 2
