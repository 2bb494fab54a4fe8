"""Results made by hand, one for each way an update can end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from validate_updates.findings import Finding, Severity
from validate_updates.result import (
    CellChange,
    Change,
    Counts,
    Judged,
    KeptOut,
    PluginInfo,
    RunResult,
    Section,
    Verdict,
)

STARTED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def judged(validator: str, outcome: str = "passed", *, plugin: str = "static_thresholds", findings: int = 0) -> Judged:
    """One check at the moment ``plan``, 10 ms long."""
    return Judged(
        plugin=plugin,
        validator=validator,
        moment="plan",
        summary=f"looks at {validator}",
        outcome=outcome,
        findings=findings,
        seconds=0.01,
    )


COMMITTED = RunResult(
    run_id="20240102T030405-a1b2",
    task="hearings",
    verdict=Verdict.COMMITTED,
    reason="3 checks passed.",
    counts=Counts(read=500, inserted=20, updated=40, unchanged=440),
    source="updates/2024-01-02.jsonl",
    target="sqlite:///hearings.db",
    table="hearings",
    key=("event_id",),
    started_at=STARTED,
    seconds=0.42,
    timings=(("stage", 0.2), ("plan", 0.1), ("apply", 0.12)),
    judged=(judged("rows_added"), judged("rows_changed"), judged("drift", plugin="historical")),
    changes=(
        Change(
            action="update", key="event_id=7", cells=(CellChange(column="title", old="Old title", new="New title"),)
        ),
        Change(
            action="insert",
            key="event_id=501",
            cells=(CellChange(column="title", old=None, new="Budget"), CellChange(column="notes", old=None, new=None)),
        ),
    ),
    metrics={"rows.added": 20.0, "rows.share": 0.0408163265},
    plugins=(
        PluginInfo(name="historical", distribution="validate-updates", version="0.1.0"),
        PluginInfo(name="static_thresholds", distribution="validate-updates", version="0.1.0"),
    ),
    sections=(Section(title="Seasons", header=("month", "hearings"), rows=(("January", "12"), ("May", "140"))),),
    rows_before=8120,
    rows_after=8140,
    next_steps=("validate-updates runs show 20240102T030405-a1b2",),
)

ADDED_HIGH = Finding(
    code="rows_added_high",
    severity=Severity.CRITICAL,
    message="1,240 records are new, more than an update may add.",
    hint="raise plugins.static_thresholds.added_most if this is normal",
    table="hearings",
    metric="rows.added",
    observed=1240,
    expected="at most 1000",
    runs=("r1", "r2", "r3", "r4", "r5"),
    samples=("event_id=1", "event_id=2"),
    plugin="static_thresholds",
    validator="rows_added",
    moment="plan",
)

REJECTED = replace(
    COMMITTED,
    verdict=Verdict.REJECTED,
    reason="static_thresholds.rows_added found 1 critical problem.",
    counts=Counts(read=1300, unchanged=60, rolled_back=1240),
    findings=(
        Finding(
            code="stale",
            severity=Severity.WARNING,
            message="The last run was 3 days ago.",
            plugin="static_thresholds",
            validator="last_run",
            moment="plan",
        ),
        ADDED_HIGH,
    ),
    judged=(
        judged("rows_added", "found", findings=1),
        judged("last_run", "found", findings=1),
        judged("nulls", "not checked"),
        judged("drift", plugin="historical"),
    ),
    rows_after=8120,
    sections=(),
    next_steps=("validate-updates plan hearings", "validate-updates runs show 20240102T030405-a1b2"),
)

QUARANTINED = replace(
    COMMITTED,
    verdict=Verdict.COMMITTED_WITH_QUARANTINE,
    reason="460 records stand; 12 are in quarantine.",
    counts=Counts(read=500, inserted=20, updated=40, unchanged=428, quarantined=12),
    kept_out=(
        KeptOut(
            code="not_null",
            message="title may not be empty",
            key="event_id=337",
            column="title",
            file="day.jsonl",
            line=17,
            record='{"event_id": 337, "title": null}',
        ),
        KeptOut(code="bad_json", message="the line ends inside a string", file="day.jsonl", line=18, offset=2048),
    ),
    sections=(),
)

FAILED = replace(
    COMMITTED,
    verdict=Verdict.FAILED,
    reason="day.jsonl.gz ends in the middle of a compressed block; nothing was written.",
    counts=Counts(read=120, rolled_back=120),
    judged=(),
    sections=(),
    rows_after=8120,
    recovered=("20240101T030405-dead",),
    next_steps=(),
)

DRY_RUN = replace(COMMITTED, dry_run=True, sections=())
