"""Runs, results and strategies for the journal's tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from validate_updates.findings import Finding, Severity
from validate_updates.result import Counts, KeptOut, PluginInfo, RunResult, Verdict

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.journal.writing import Journal

STARTED = datetime(2026, 11, 22, 8, 30, 15, tzinfo=UTC)
PLUGINS = (PluginInfo(name="static_thresholds", distribution="validate-updates", version="0.1.0"),)


def start(
    journal: Journal, conn: sa.Connection, run_id: str, *, task: str = "daily", table: str = "hearings", **more: Any
) -> None:
    given: dict[str, Any] = {
        "token": f"token of {run_id}",
        "source": "records.jsonl",
        "started_at": STARTED,
        "strategy": "all_or_nothing",
        "plugins": PLUGINS,
        "tool_version": "0.1.0",
        **more,
    }
    journal.start(conn, run_id=run_id, task=task, table=table, **given)


def result(run_id: str, verdict: Verdict = Verdict.COMMITTED, **more: Any) -> RunResult:
    plain = RunResult(
        run_id=run_id,
        task="daily",
        verdict=verdict,
        reason="nothing speaks against it",
        counts=Counts(read=3, inserted=2, unchanged=1),
        source="records.jsonl",
        target="sqlite:///target.db",
        table="hearings",
        started_at=STARTED,
        seconds=1.5,
    )
    return replace(plain, **more)


def run(journal: Journal, conn: sa.Connection, run_id: str, verdict: Verdict = Verdict.COMMITTED, **more: Any) -> None:
    """A whole run: started and finished."""
    start(journal, conn, run_id, dry_run=more.get("dry_run", False), task=more.get("task", "daily"))
    journal.finish(conn, f"token of {run_id}", result(run_id, verdict, **more))


# What any database stores: no NUL, no lone surrogates.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
maybe_texts = st.none() | texts
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
places = st.none() | st.integers(0, 2**63 - 1)

findings = st.builds(
    Finding,
    code=texts,
    severity=st.sampled_from(Severity),
    message=texts,
    hint=texts,
    table=maybe_texts,
    key=maybe_texts,
    column=maybe_texts,
    batch=places,
    metric=maybe_texts,
    observed=values,
    expected=maybe_texts,
    runs=st.lists(texts, max_size=3).map(tuple),
    samples=st.lists(texts, max_size=3).map(tuple),
    plugin=texts,
    validator=texts,
    moment=texts,
)

kept_out = st.builds(
    KeptOut,
    code=texts,
    message=texts,
    key=maybe_texts,
    column=maybe_texts,
    file=texts.map(lambda name: name.replace("/", "").replace(", ", "")),
    line=places,
    offset=places,
    record=texts,
    constraint=texts,
    batch=places,
)

# What plugins may hand over all the same.
wild_texts = st.text(max_size=30) | st.sampled_from(["\0", "\ud800", "a\0b\udfff", "x" * 100_000, "é" * 50_000])
wild_findings = st.builds(
    Finding,
    code=wild_texts,
    severity=st.sampled_from(Severity),
    message=wild_texts,
    hint=wild_texts,
    key=wild_texts,
    batch=st.integers(),
    observed=st.floats() | wild_texts | st.just(2**9999),
    samples=st.lists(wild_texts, max_size=300).map(tuple),
)
