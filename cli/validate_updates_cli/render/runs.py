"""Runs as the journal has them: a list, and the page of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from rich.text import Text

from validate_updates.journal.rows import RunKind, RunState
from validate_updates.result import RunResult, Verdict
from validate_updates_cli.render.page import Page
from validate_updates_cli.render.rollback import rollback_entry
from validate_updates_cli.render.summary import summary
from validate_updates_cli.render.words import MESSAGE, number, seconds

if TYPE_CHECKING:
    from validate_updates.journal.rows import BatchRow, RunRow, StoredRun
    from validate_updates_cli.render.look import Look

_STYLES: Final = {"committed": "green", "rejected": "red", "refused": "red", "failed": "red"}
_KINDS: Final = {
    RunKind.IMPORT: "imported",
    RunKind.REPLAY: "replay",
    RunKind.RESTORE: "restore",
    RunKind.ROLLBACK: "roll-back",
}
"""What is said of a run that is no update."""
BATCHES: Final = 20
INCIDENT: Final = "incident"


def run_list(runs: Iterable[RunRow], look: Look, *, task: str | None) -> list[Text]:
    """One line a run, of one task where one was asked for."""
    page = Page(look)
    rows = [_row(run, look) for run in runs]
    if not rows:
        page.put(f"No runs of {look.text(task)} yet." if task else "No runs yet.", indent=0)
        return page.lines
    header = [Text(word, style="dim") for word in ("run", "task", "read", "added", "changed", "out", "state")]
    page.table([header, *rows], indent=0, right={2, 3, 4, 5}, whole={0, 2, 3, 4, 5})
    return page.lines


def _row(run: RunRow, look: Look) -> list[Text | str]:
    counts = run.counts
    in_part = run.kind is RunKind.ROLLBACK and run.state is RunState.COMMITTED_WITH_QUARANTINE
    ended = "in part" if in_part else run.state
    state = ", ".join(filter(None, (ended, _KINDS.get(run.kind), "dry run" if run.dry_run else None, run.label)))
    return [
        look.text(run.run_id),
        look.text(run.task),
        number(counts.read),
        number(counts.inserted),
        number(counts.updated),
        number(counts.quarantined),
        Text(look.text(state), style="yellow" if run.label == INCIDENT else _STYLES.get(run.state, "yellow")),
    ]


def run_page(stored: StoredRun, target: str, look: Look, *, verbose: bool) -> list[Text]:
    """Everything about one run, as its summary was."""
    page = Page(look)
    if stored.run.kind is RunKind.IMPORT:
        _imported(page, stored)
    elif stored.run.kind is RunKind.ROLLBACK:
        page.lines += rollback_entry(stored, look, verbose=verbose)
    elif stored.run.kind is RunKind.RESTORE:
        _restored(page, stored)
    else:
        page.lines += summary(result_of(stored, target), look, verbose=verbose, whole=True, state=stored.run.state)
    if stored.run.label or (stored.run.note and stored.run.note != stored.run.reason):
        page.heading("Label" if stored.run.label else "Note")
        page.put(label_words(stored.run, look))
    if stored.batches:
        page.heading("Batches")
        header = [Text(word, style="dim") for word in ("batch", "applied", "unchanged", "out", "tries", "state")]
        page.table([header, *(_batch(one) for one in stored.batches[:BATCHES])], right=range(5))
        if len(stored.batches) > BATCHES:
            page.put(f"and {number(len(stored.batches) - BATCHES)} more")
    return page.lines


def _imported(page: Page, stored: StoredRun) -> None:
    """A run of another program: of its counts only those are known that its log has."""
    look, run = page.look, stored.run
    head = Text(run.state.upper(), style=_STYLES.get(run.state, "yellow"))
    page.put(head.append(f"  {look.text(run.task)}", style="bold").append("  brought in from elsewhere", style="dim"))
    page.put(look.text(run.reason, MESSAGE))
    page.put(f"run {look.text(run.run_id)}, {run.started_at:%Y-%m-%d %H:%M:%S} UTC")
    page.heading("Metrics")
    page.table([(look.text(name), number(value)) for name, value in stored.metrics.items()], right=[1])


def _restored(page: Page, stored: StoredRun) -> None:
    """A backup brought back: no records were read."""
    look, run = page.look, stored.run
    page.put(Text("RESTORED", style="bold green").append(f"  {look.text(run.source)}", style="not bold"), indent=0)
    page.put(look.text(run.reason, MESSAGE))
    page.put(f"run {look.text(run.run_id)}, {run.started_at:%Y-%m-%d %H:%M:%S} UTC, {seconds(run.seconds or 0.0)}")
    if run.table:
        page.put(f"tables: {look.text(run.table, MESSAGE)}")


def label_page(run: RunRow, look: Look) -> list[Text]:
    """What is said of a run now."""
    page = Page(look)
    said = label_words(run, look) if run.label else "no label"
    page.put(f"run {look.text(run.run_id)}: {said}", indent=0)
    return page.lines


def label_words(run: RunRow, look: Look) -> str:
    """``expected until 2026-11-22 08:30 UTC: a recess``; the note alone where there is no label."""
    until = f" until {run.label_until:%Y-%m-%d %H:%M} UTC" if run.label_until else ""
    parts = (f"{look.text(run.label)}{until}" if run.label else "", look.text(run.note, MESSAGE) if run.note else "")
    return ": ".join(part for part in parts if part)


def _batch(batch: BatchRow) -> list[str]:
    numbers = (batch.batch_no, batch.applied, batch.unchanged, batch.quarantined, batch.attempts)
    return [*map(number, numbers), str(batch.state)]


def result_of(stored: StoredRun, target: str) -> RunResult:
    """The stored run in the shape of a result. A run that has not ended counts as interrupted."""
    run = stored.run
    known = {verdict.value for verdict in Verdict}
    return RunResult(
        run_id=run.run_id,
        task=run.task,
        verdict=Verdict(run.state.value) if run.state.value in known else Verdict.INTERRUPTED,
        reason=run.reason,
        counts=run.counts,
        source=run.source,
        target=target,
        table=run.table,
        key=run.key,
        strategy=run.strategy,
        dry_run=run.dry_run,
        started_at=run.started_at,
        seconds=run.seconds or 0.0,
        timings=stored.timings,
        findings=stored.findings,
        shadow=stored.shadow,
        judged=stored.judged,
        kept_out=stored.kept_out,
        metrics=dict(stored.metrics),
        plugins=run.plugins,
        rows_before=run.rows_before,
        rows_after=run.rows_after,
    )
