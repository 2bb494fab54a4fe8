from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.journal.made import PLUGINS, STARTED, findings, kept_out, result, run, start, wild_findings, wild_texts
from validate_updates.errors import StateUncertain
from validate_updates.findings import Finding, Severity
from validate_updates.journal.reading import show
from validate_updates.journal.rows import BatchRow, BatchState, RunKind, RunState
from validate_updates.journal.run_id import new_run_id
from validate_updates.journal.schema import prepare
from validate_updates.journal.writing import Journal
from validate_updates.result import Counts, Judged, KeptOut, Verdict

# The examples of one test share its database; each makes a run of its own.
sharing = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def fresh() -> str:
    return new_run_id(datetime.now(UTC))


def test_a_started_run_is_running(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        start(journal, conn, "run-1", source="/srv/ann/in/records.jsonl")
    with engine.begin() as conn:
        stored = show(conn, journal.tables, "run-1").run
    assert stored.state is RunState.RUNNING
    assert stored.kind is RunKind.UPDATE
    assert stored.source == "records.jsonl"
    assert stored.started_at == STARTED
    assert stored.plugins == PLUGINS
    assert stored.counts == Counts()
    assert (stored.finished_at, stored.seconds, stored.reason, stored.key) == (None, None, "", ())


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_finished_run_is_read_back_as_it_ended(engine: sa.Engine, journal: Journal, verdict: Verdict) -> None:
    ended = result(
        "run-1",
        verdict,
        counts=Counts(
            read=28, inserted=1, updated=2, unchanged=3, duplicates=4, quarantined=5, rolled_back=13, deleted=2**40
        ),
        key=("event_id", "länge"),
        rows_before=2**40,
        rows_after=0,
        timings=(("stage", 0.25), ("plan", 1.0)),
        judged=(
            Judged(plugin="p", validator="v", moment="plan", summary="looks \ud800", outcome="passed", seconds=0.5),
        ),
        metrics={"records.read": 28.0, "share": 1e-300, "undefined": float("nan"), "endless": float("inf")},
        dry_run=True,
        strategy="batch",
    )
    with engine.begin() as conn:
        start(journal, conn, "run-1")
        journal.finish(conn, "token of run-1", ended)
    with engine.begin() as conn:
        stored = show(conn, journal.tables, "run-1")
    assert stored.run.state.value == verdict.value
    assert stored.run.reason == ended.reason
    assert stored.run.counts == ended.counts
    assert stored.run.key == ended.key
    assert (stored.run.rows_before, stored.run.rows_after) == (2**40, 0)
    assert (stored.run.started_at, stored.run.finished_at) == (STARTED, STARTED + timedelta(seconds=1.5))
    assert (stored.run.seconds, stored.run.dry_run, stored.run.strategy) == (1.5, True, "batch")
    assert stored.timings == ended.timings
    assert [(one.summary, one.seconds) for one in stored.judged] == [("looks \ufffd", 0.5)]
    assert stored.metrics == {"records.read": 28.0, "share": 1e-300}


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.REJECTED, "second"), (Verdict.COMMITTED, None)])
def test_error_code_is_that_of_the_first_finding_that_decided(
    engine: sa.Engine, journal: Journal, verdict: Verdict, code: str | None
) -> None:
    found = [
        Finding(code=code, severity=severity, message="")
        for code, severity in [("first", Severity.WARNING), ("second", Severity.CRITICAL), ("third", Severity.CRITICAL)]
    ]
    with engine.begin() as conn:
        run(journal, conn, "run-1", verdict, findings=tuple(found))
        rows = conn.execute(sa.select(journal.tables.findings).order_by(journal.tables.findings.c.finding_no)).all()
        assert show(conn, journal.tables, "run-1").run.error_code == code
    assert [(row.finding_no, row.decides, row.mode) for row in rows] == [
        (1, False, "enforce"),
        (2, True, "enforce"),
        (3, True, "enforce"),
    ]


@sharing
@given(st.lists(findings, max_size=5))
def test_findings_are_read_back_as_they_were(engine: sa.Engine, journal: Journal, found: list[Finding]) -> None:
    run_id = fresh()
    with engine.begin() as conn:
        run(journal, conn, run_id, findings=tuple(found))
    with engine.begin() as conn:
        back = show(conn, journal.tables, run_id).findings
    assert back == tuple(found)
    assert [type(one.observed) for one in back] == [type(one.observed) for one in found]


@sharing
@given(st.lists(wild_findings, min_size=1, max_size=3), st.lists(wild_texts, max_size=3))
def test_no_finding_keeps_a_run_from_being_written_down(
    engine: sa.Engine, journal: Journal, found: list[Finding], names: list[str]
) -> None:
    run_id = fresh()
    with engine.begin() as conn:
        run(journal, conn, run_id, Verdict.REJECTED, findings=tuple(found), metrics=dict.fromkeys(names, 1.0))
        stored = show(conn, journal.tables, run_id)
    assert len(stored.findings) == len(found)
    assert all(len(one.message.encode()) <= 4000 for one in stored.findings)


@sharing
@given(st.lists(kept_out, max_size=5))
def test_quarantine_is_read_back_as_it_was(engine: sa.Engine, journal: Journal, entries: list[KeptOut]) -> None:
    run_id = fresh()
    with engine.begin() as conn:
        run(journal, conn, run_id)
        journal.quarantine(conn, run_id, iter(entries[:2]), "hearings")
        journal.quarantine(conn, run_id, iter(entries[2:]), "hearings")
    with engine.begin() as conn:
        stored = show(conn, journal.tables, run_id)
    assert stored.kept_out == tuple(entries)
    assert stored.kept_out_total == len(entries)


def test_quarantine_is_bounded_and_open(engine: sa.Engine, journal: Journal) -> None:
    entry = KeptOut(code="c", message="m", key="k" * 9999, record="é" * 100_000, file="/srv/ann/a.jsonl", line=2**70)
    with engine.begin() as conn:
        start(journal, conn, "run-1")
        journal.quarantine(conn, "run-1", [entry] * 50, "hearings")
        rows = conn.execute(sa.select(journal.tables.quarantine)).all()
        stored = show(conn, journal.tables, "run-1")
    assert len(rows) == stored.kept_out_total == 50
    assert len(stored.kept_out) == 20
    row = rows[0]
    assert (row.state, row.table_name, row.file_name, row.line_no) == ("open", "hearings", "a.jsonl", None)
    assert 64 * 1024 - 4 < len(row.record.encode()) <= 64 * 1024
    assert len(row.record_key) == 998
    assert row.created_at.tzinfo is UTC


def test_ledger_is_read_back_and_takes_a_batch_once(engine: sa.Engine, journal: Journal) -> None:
    rows = [
        BatchRow(batch_no=1, state=BatchState.FAILED, quarantined=50, attempts=6),
        BatchRow(batch_no=2, state=BatchState.COMMITTED, applied=49, unchanged=1, payload_sha256="0" * 64,
                 committed_at=STARTED, first_key="event_id=1", last_key="event_id=50"),
    ]  # fmt: skip
    with engine.begin() as conn:
        start(journal, conn, "run-1")
        journal.batches(conn, "run-1", rows)
        journal.batches(conn, "run-1", [])
    with engine.begin() as conn:
        assert show(conn, journal.tables, "run-1").batches == tuple(rows)
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as conn:
        journal.batches(conn, "run-1", rows[1:])


@pytest.mark.parametrize("schema", ["state", 'an "odd": 100%(s) \\:one'])
def test_the_ledger_in_a_schema_of_its_own(postgres_url: str, schema: str) -> None:
    engine = sa.create_engine(postgres_url)
    row = BatchRow(batch_no=1, state=BatchState.COMMITTED, first_key='k="\\\t%s:x', last_key="ä", committed_at=STARTED)
    with engine.begin() as conn:
        conn.execute(sa.schema.CreateSchema(schema))
        journal = Journal(prepare(conn, "update_", schema))
        start(journal, conn, "run-1")
        journal.batches(conn, "run-1", [row])
    with engine.begin() as conn:
        assert show(conn, journal.tables, "run-1").batches == (row,)
    engine.dispose()


def test_one_run_id_is_one_run(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        start(journal, conn, "run-1")
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as conn:
        start(journal, conn, "run-1")


def test_times_are_stored_in_utc_and_must_be_aware(engine: sa.Engine, journal: Journal) -> None:
    west = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))
    with engine.begin() as conn:
        start(journal, conn, "run-1", started_at=west)
    with engine.begin() as conn:
        back = show(conn, journal.tables, "run-1").run.started_at
    assert back == west
    assert back.utcoffset() == timedelta()
    with pytest.raises(sa.exc.StatementError, match="time zone"), engine.begin() as conn:
        start(journal, conn, "run-2", started_at=west.replace(tzinfo=None))


def test_recovery_marks_the_dead_and_nobody_else(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        run(journal, conn, "done")
        start(journal, conn, "dead-b")
        start(journal, conn, "dead-a", table="witnesses")
        start(journal, conn, "mine")
        assert journal.recover(conn, except_run="mine", table="committees") == ()
        assert journal.recover(conn, except_run="mine", table="witnesses") == ("dead-a",)
        assert journal.recover(conn, except_run="mine") == ("dead-b",)
        assert journal.recover(conn, except_run="mine") == ()
    with engine.begin() as conn:
        states = {name: show(conn, journal.tables, name).run for name in ("done", "dead-a", "dead-b", "mine")}
    assert [one.state for one in states.values()] == ["committed", "interrupted", "interrupted", "running"]
    assert "mine" in states["dead-b"].reason


def test_the_fence_holds_for_the_owner_alone(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        start(journal, conn, "run-1")
    with engine.begin() as conn:
        journal.fence(conn, "run-1", "token of run-1")
        journal.fence(conn, "run-1", "token of run-1")
    for run_id, token in (("run-1", "another"), ("run-2", "token of run-1")):
        with engine.begin() as conn, pytest.raises(StateUncertain, match=f"run {run_id}") as caught:
            journal.fence(conn, run_id, token)
        assert f"runs show {run_id}" in caught.value.hint


def test_a_sleeper_that_was_taken_for_dead_stops_at_the_fence(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        start(journal, conn, "sleeper")
    with engine.begin() as conn:
        start(journal, conn, "next")
        assert journal.recover(conn, except_run="next") == ("sleeper",)
    with engine.begin() as conn, pytest.raises(StateUncertain):
        journal.fence(conn, "sleeper", "token of sleeper")
    with pytest.raises(StateUncertain), engine.begin() as conn:
        journal.finish(conn, "token of sleeper", result("sleeper", metrics={"x": 1.0}))
    with engine.begin() as conn:
        stored = show(conn, journal.tables, "sleeper")
    assert stored.run.state is RunState.INTERRUPTED
    assert stored.metrics == {}


def test_a_run_finishes_once(engine: sa.Engine, journal: Journal) -> None:
    with engine.begin() as conn:
        run(journal, conn, "run-1")
    with pytest.raises(StateUncertain), engine.begin() as conn:
        journal.finish(conn, "token of run-1", result("run-1", Verdict.REJECTED))
    with engine.begin() as conn:
        assert show(conn, journal.tables, "run-1").run.state is RunState.COMMITTED


def test_nothing_is_committed_here(engine: sa.Engine, journal: Journal) -> None:
    found = Finding(code="c", severity=Severity.INFO, message="m")
    with engine.connect() as conn:
        start(journal, conn, "run-1")
        journal.recover(conn, except_run="run-0")
        start(journal, conn, "run-2")
        journal.fence(conn, "run-2", "token of run-2")
        journal.batches(conn, "run-2", [BatchRow(batch_no=1, state=BatchState.COMMITTED)])
        journal.quarantine(conn, "run-2", [KeptOut(code="c", message="m")], "hearings")
        journal.finish(conn, "token of run-2", result("run-2", findings=(found,), metrics={"x": 1.0}))
        conn.rollback()
        for table in journal.tables.contents:
            assert conn.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_no_folder_of_the_source_is_written_down(engine: sa.Engine, journal: Journal) -> None:
    source = "/srv/ann/secret-project/a.jsonl"
    found = Finding(code="c", severity=Severity.CRITICAL, message=f"{source}, line 3", hint=f"mend {source}")
    entry = KeptOut(code="c", message=f"{source}, line 3", file=source, line=3)
    with engine.begin() as conn:
        start(journal, conn, "run-1", source=source)
        journal.quarantine(conn, "run-1", [entry], "hearings")
        journal.finish(
            conn,
            "token of run-1",
            result("run-1", Verdict.FAILED, source=source, reason=f"{source} is gone", findings=(found,)),
        )
    with engine.begin() as conn:
        everything = [str(row) for table in journal.tables.contents for row in conn.execute(sa.select(table))]
        assert show(conn, journal.tables, "run-1").run.reason == "a.jsonl is gone"
    assert any("a.jsonl" in row for row in everything)
    assert not any("secret-project" in row for row in everything)
