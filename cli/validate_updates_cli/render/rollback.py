"""What became of a roll-back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from validate_updates.undo.remarks import why
from validate_updates.undo.result import RollbackResult
from validate_updates_cli.render.page import Page
from validate_updates_cli.render.words import CELLS, MESSAGE, number, plural, seconds

if TYPE_CHECKING:
    from validate_updates.journal.rows import StoredRun
    from validate_updates.undo.result import Conflict
    from validate_updates_cli.render.look import Look

CONFLICTS: Final = 5
"""Told one by one, unless all the samples are asked for."""


def rollback_page(
    result: RollbackResult, look: Look, commands: Sequence[str], *, verbose: bool = False, quiet: bool = False
) -> list[Text]:
    """The whole outcome; ``quiet``: its first line."""
    page = Page(look)
    page.put(_headline(result, look), indent=0)
    if quiet:
        return page.lines
    page.put(f"table {look.text(result.table)}, task {look.text(result.task)}, {seconds(result.seconds)}")
    page.blank()
    page.table([[number(count), Text(words)] for count, words in _parts(result)], right={0})
    if result.altered:
        what = f"{plural(result.altered, 'row')} were written and are not as before all the same: look at the triggers"
        page.put(Text(what, style="yellow"))
    _conflicts(page, result, CONFLICTS if not verbose else len(result.samples))
    for dead in result.recovered:
        page.put(f"The earlier run {look.text(dead)} had ended without a word; it is marked interrupted now.")
    if commands:
        page.heading("Next")
        for command in commands:
            page.verbatim(look.text(command, MESSAGE))
    return page.lines


def rollback_entry(stored: StoredRun, look: Look, *, verbose: bool = False) -> list[Text]:
    """The same of a roll-back in the journal: what it did until it ended, and the rows that it left."""
    page, run = Page(look), stored.run
    result = RollbackResult(
        run_id=run.run_id,
        taken_back=run.parent or "",
        task=run.task,
        table=run.table,
        target="",
        restored=run.counts.updated,
        deleted=run.counts.deleted,
        reinserted=run.counts.inserted,
        already=run.counts.unchanged,
        conflicts=run.counts.quarantined,
        seconds=run.seconds or 0.0,
    )
    stood = run.state.stands
    unfinished = Text(f"ROLL-BACK {run.state.upper()}", style="bold red").append(
        f"  run {look.text(result.taken_back)}", style="not bold"
    )
    page.put(_headline(result, look) if stood else unfinished, indent=0)
    page.put("" if stood else look.text(run.reason, MESSAGE))
    page.put(f"table {look.text(run.table)}, task {look.text(run.task)}, {seconds(result.seconds)}")
    page.put(f"run {look.text(run.run_id)}, {run.started_at:%Y-%m-%d %H:%M:%S} UTC")
    page.blank()
    page.table([[number(count), Text(words)] for count, words in _parts(result)], right={0})
    if stored.findings:
        page.heading("Left as they are" if result.conflicts else "Findings")
    for finding in stored.findings[: None if verbose else CONFLICTS]:
        page.put(look.text(finding.message, MESSAGE))
        for sample in finding.samples:
            page.put(look.text(sample, MESSAGE), indent=4)
    if not verbose and len(stored.findings) > CONFLICTS:
        page.put(f"and {number(len(stored.findings) - CONFLICTS)} more: --verbose")
    return page.lines


def _headline(result: RollbackResult, look: Look) -> Text:
    words = "WOULD BE TAKEN BACK" if result.dry_run else "TAKEN BACK"
    if result.conflicts:
        words += " IN PART" if result.taken else ": NOTHING"
    head = Text(words, style="bold yellow" if result.conflicts else "bold green")
    return head.append(f"  run {look.text(result.taken_back)}", style="not bold")


def _parts(result: RollbackResult) -> list[tuple[int, str]]:
    would = "would be " if result.dry_run else ""
    parts = (
        (result.restored, "changed row", f" {would}restored"),
        (result.deleted, "added row", f" {would}removed"),
        (result.reinserted, "deleted row", f" {would}put back"),
        (result.already, "row", " as before already"),
        (result.conflicts, "row", f" {would}left as they are"),
    )
    return [(count, f"{noun if count == 1 else noun + 's'}{said}") for count, noun, said in parts if count]


def _conflicts(page: Page, result: RollbackResult, limit: int) -> None:
    if not result.conflicts:
        return
    page.heading("Left as they are")
    for conflict in result.samples[:limit]:
        _conflict(page, conflict)
    more = result.conflicts - min(limit, len(result.samples))
    if more > 0:
        page.put(f"and {number(more)} more")


def _conflict(page: Page, conflict: Conflict) -> None:
    look = page.look
    page.put(f"{look.text(conflict.key)} {look.text(why(conflict), MESSAGE)}")
    for cell in conflict.cells[:CELLS]:
        old, new = (look.text("null" if value is None else repr(value)) for value in (cell.old, cell.new))
        page.put(f"{look.text(cell.column)}: the run left {old}, now {new}", indent=4)
    if len(conflict.cells) > CELLS:
        page.put(f"and {number(len(conflict.cells) - CELLS)} more cells", indent=4)
