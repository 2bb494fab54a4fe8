from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.core.journal.made import STARTED, run, start
from validate_updates.journal.history import JournalHistory, NoHistory
from validate_updates.journal.rows import RunKind, RunState
from validate_updates.result import Counts, Verdict

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.context import History
    from validate_updates.journal.writing import Journal


def of_daily(conn: sa.Connection, journal: Journal) -> History:
    return JournalHistory(conn, journal.tables, "daily", "present")


def ids(history: History, limit: int = 30, *, committed: bool = True) -> list[str]:
    return [one.run_id for one in history.runs(limit, committed=committed)]


def test_no_history() -> None:
    history: History = NoHistory()
    assert history.runs() == ()
    assert history.metric("records.read") == ()
    assert history.metrics() == {}


def test_a_run_as_it_was(engine: sa.Engine, journal: Journal) -> None:
    counts = Counts(read=7, inserted=4, updated=3)
    with engine.begin() as conn:
        run(journal, conn, "one", Verdict.COMMITTED_WITH_QUARANTINE, counts=counts, seconds=2.5)
        [one] = of_daily(conn, journal).runs()
    assert (one.run_id, one.state, one.stood) == ("one", "committed with quarantine", True)
    assert (one.started_at, one.seconds, one.counts) == (STARTED, 2.5, counts)


def test_newest_first_of_this_task_without_the_present_run(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        for run_id in ("c", "a", "b"):
            run(journal, conn, run_id)
        run(journal, conn, "other", task="weekly")
        run(journal, conn, "present")
        history = of_daily(conn, journal)
        assert ids(history) == ["b", "a", "c"]
        assert ids(history, 2) == ["b", "a"]
        assert ids(history, 0) == []


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_what_stood_is_an_example(engine: sa.Engine, journal: Journal, verdict: Verdict) -> None:
    with engine.begin() as conn:
        run(journal, conn, "one", verdict, metrics={"x": 1.0})
        history = of_daily(conn, journal)
        stood = verdict in {Verdict.COMMITTED, Verdict.COMMITTED_WITH_QUARANTINE}
        assert ids(history) == (["one"] if stood else [])
        assert ids(history, committed=False) == ([] if verdict is Verdict.REFUSED else ["one"])
        assert list(history.metric("x")) == ([("one", 1.0)] if stood else [])
        assert all(one.stood is stood for one in history.runs(committed=False))


def test_dry_and_running_runs_are_never_seen(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        run(journal, conn, "dry", dry_run=True)
        start(journal, conn, "running")
        assert ids(of_daily(conn, journal), committed=False) == []


@pytest.mark.parametrize(
    ("change", "stood", "seen"),
    [
        ({"kind": RunKind.ROLLBACK}, False, False),
        ({"kind": RunKind.REPLAY}, False, False),
        ({"kind": RunKind.IMPORT}, True, True),
        ({"state": RunState.ROLLED_BACK}, False, True),
        ({"label": "incident"}, False, True),
        ({"label": "expected"}, True, True),
    ],
)
def test_what_became_of_a_run_later(
    engine: sa.Engine, journal: Journal, change: dict[str, str], *, stood: bool, seen: bool
) -> None:
    with engine.begin() as conn:
        run(journal, conn, "one")
        conn.execute(journal.tables.logs.update().values(change))
        assert ids(of_daily(conn, journal)) == (["one"] if stood else [])
        assert ids(of_daily(conn, journal), committed=False) == (["one"] if seen else [])


def test_a_metric_over_the_last_runs(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        run(journal, conn, "c", metrics={"x": 1.0, "y": 9.0})
        run(journal, conn, "a", metrics={"x": 2.0})
        run(journal, conn, "b", metrics={"y": 0.5})
        run(journal, conn, "d", Verdict.REJECTED, metrics={"x": 1000.0})
        history = of_daily(conn, journal)
        assert list(history.metric("x")) == [("a", 2.0), ("c", 1.0)]
        assert list(history.metric("x", 2)) == [("a", 2.0)]
        assert list(history.metric("y")) == [("b", 0.5), ("c", 9.0)]
        assert list(history.metric("z")) == []


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["*"], {"shares.a", "shares.b", "Shares.a", "shares_a", "50%"}),
        (["shares.*"], {"shares.a", "shares.b"}),
        (["shares.?", "50*"], {"shares.a", "shares.b", "50%"}),
        (["shares_a"], {"shares_a"}),
        (["50%"], {"50%"}),
        (["5%"], set()),
        (["[s]hares.a"], set()),
        ([], set()),
    ],
)
def test_many_metrics_by_patterns(engine: sa.Engine, journal: Journal, patterns: list[str], names: set[str]) -> None:
    every = {"shares.a": 1.0, "shares.b": 2.0, "Shares.a": 3.0, "shares_a": 4.0, "50%": 5.0}
    with engine.begin() as conn:
        run(journal, conn, "one", metrics=every)
        found = of_daily(conn, journal).metrics(patterns)
    assert found == ({"one": {name: every[name] for name in names}} if names else {})


@given(value=st.floats(allow_nan=False, allow_infinity=False))
@example(value=0.1 + 0.2)
@example(value=2.0**63)
@example(value=-(2.0**63))
@example(value=5e-324)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_metric_comes_back_to_its_last_digit(engine: sa.Engine, journal: Journal, value: float) -> None:
    with engine.connect() as conn, conn.begin() as transaction:
        run(journal, conn, "one", metrics={'of "a"\\b': value})
        found = of_daily(conn, journal).metrics()
        transaction.rollback()
    assert found == {"one": {'of "a"\\b': value}}


def test_many_metrics_of_the_runs_that_are_asked_for(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        run(journal, conn, "c", metrics={"x": 1.0, "y": 9.0})
        run(journal, conn, "a", metrics={"x": 2.0})
        run(journal, conn, "d", Verdict.REJECTED, metrics={"x": 1000.0})
        history = of_daily(conn, journal)
        assert list(history.metrics().items()) == [("a", {"x": 2.0}), ("c", {"x": 1.0, "y": 9.0})]
        assert list(history.metrics(limit=1)) == ["a"]
        assert list(history.metrics(committed=False)) == ["d", "a", "c"]
