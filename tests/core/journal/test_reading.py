from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.core.journal.made import STARTED, run, start
from validate_updates.errors import UsageError
from validate_updates.findings import Finding, Severity
from validate_updates.journal import reading
from validate_updates.journal.reading import judged, runs, show
from validate_updates.journal.rows import JudgedRun
from validate_updates.journal.schema import find

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.journal.writing import Journal

IDS = ("20261121-083000-aaaaaa", "20261122-083000-aaaaaa", "20261122-083000-bbbbbb")


@pytest.fixture
def filled(engine: sa.Engine, journal: Journal) -> Journal:
    with engine.begin() as conn:
        for run_id in IDS:
            run(journal, conn, run_id)
    return journal


def test_without_a_journal_there_are_no_runs(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        tables = find(conn, "update_")
        assert tables is None
        assert runs(conn, tables) == ()
        with pytest.raises(UsageError, match="no run has been written down"):
            show(conn, tables, "last")


def test_an_empty_journal_has_no_last_run(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        assert runs(conn, journal.tables) == ()
        for wanted in ("last", "2026", ""):
            with pytest.raises(UsageError, match="no runs yet"):
                show(conn, journal.tables, wanted)


def test_the_order_is_that_of_the_starts_whatever_the_clock_says(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        for run_id in ("b", "c", "a"):
            run(journal, conn, run_id)
        assert [row.run_id for row in runs(conn, journal.tables)] == ["a", "c", "b"]
        assert [row.run_id for row in runs(conn, journal.tables, limit=2)] == ["a", "c"]
        assert show(conn, journal.tables, "last").run.run_id == "a"


def test_runs_of_one_task_or_table(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        start(journal, conn, "a", task="daily", table="hearings")
        start(journal, conn, "b", task="daily", table="witnesses")
        start(journal, conn, "c", task="weekly", table="witnesses")
        assert [row.run_id for row in runs(conn, journal.tables, task="daily")] == ["b", "a"]
        assert [row.run_id for row in runs(conn, journal.tables, table="witnesses")] == ["c", "b"]
        assert [row.run_id for row in runs(conn, journal.tables, task="weekly", table="witnesses")] == ["c"]
        assert runs(conn, journal.tables, task="dai\0ly") == ()


def test_the_last_run_of_one_task(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        start(journal, conn, "a", task="daily")
        start(journal, conn, "b", task="weekly")
        assert show(conn, journal.tables, "last").run.run_id == "b"
        assert show(conn, journal.tables, "last", task="daily").run.run_id == "a"
        assert show(conn, journal.tables, "b", task="daily").run.run_id == "b", "an id says it all"
        with pytest.raises(UsageError, match=r"the journal has no runs of the task dai.* yet"):
            show(conn, journal.tables, "last", task="dai\0ly")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("last", IDS[2]), (IDS[1], IDS[1]), ("20261121", IDS[0]), ("2026", None), ("20261122-083000-b", IDS[2])],
)
def test_a_run_by_the_beginning_of_its_id(engine: sa.Engine, filled: Journal, wanted: str, found: str | None) -> None:
    with engine.begin() as conn:
        if found is not None:
            assert show(conn, filled.tables, wanted).run.run_id == found
            return
        with pytest.raises(UsageError, match="more than one run begins with '2026'") as caught:
            show(conn, filled.tables, wanted)
    assert caught.value.hint == f"the newest: {IDS[2]}, {IDS[1]}, {IDS[0]}"


def test_an_id_that_another_begins_with(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        run(journal, conn, "a")
        run(journal, conn, "ab")
        assert show(conn, journal.tables, "a").run.run_id == "a"


@pytest.mark.parametrize("wanted", ["2025", "%", "_", "2026%", "LAST", "\x1b[31m", "\0", "x" * 1000, "'; --"])
def test_an_unknown_run_lists_the_newest(engine: sa.Engine, filled: Journal, wanted: str) -> None:
    with engine.begin() as conn, pytest.raises(UsageError, match="there is no run") as caught:
        show(conn, filled.tables, wanted)
    assert IDS[2] in caught.value.hint
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("at_once", [1, 2, 500])
def test_several_runs_at_once_are_what_each_is(
    engine: sa.Engine, journal: Journal, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", at_once)
    seen = Finding(code="seen", severity=Severity.WARNING, message="a finding")
    with engine.begin() as conn:
        for number in range(5):
            run(journal, conn, f"{number}", metrics={"n": float(number)}, findings=(seen,) * number, shadow=(seen,))
        wanted = ["3", "nothing", "0", "4"]
        found = judged(conn, journal.tables, wanted)
        alone = [show(conn, journal.tables, run_id) for run_id in ("3", "0", "4")]
    assert [one.run.run_id for one in found] == ["3", "0", "4"]
    for one, whole in zip(found, alone, strict=True):
        assert all(getattr(one, field.name) == getattr(whole, field.name) for field in fields(JudgedRun))


def test_runs_begun_within_a_window(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        for day in range(4):
            start(journal, conn, f"{day}", started_at=STARTED + timedelta(days=day))
        window: dict[str, Any] = {"since": STARTED + timedelta(days=1), "until": STARTED + timedelta(days=2)}
        assert [row.run_id for row in runs(conn, journal.tables, **window)] == ["2", "1"]
