"""What the engine itself has to say about an update, as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates.findings import Finding, Severity
from validate_updates.text import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from validate_updates.declarations import UpdateStrategy
    from validate_updates.errors import PluginError
    from validate_updates.intake import Intake
    from validate_updates.journal.rows import Switch
    from validate_updates.judging import ShadowEndedTransaction
    from validate_updates.ledger import NotDeleted
    from validate_updates.manager import Owned, Plugins
    from validate_updates.result import Counts
    from validate_updates.targets.plan import Planned
    from validate_updates.targets.table import TargetTable
    from validate_updates.targets.trouble import Trouble
    from validate_updates.undo.result import RollbackResult


def switched(switch: Switch) -> Finding:
    """A plugin runs otherwise than the settings say."""
    return Finding(
        code="plugin_switched", severity=Severity.INFO, message=_said(switch), hint=_WHERE.format(switch.task)
    )


def overruled(switch: Switch) -> Finding:
    """Somebody named the plugins for this run alone."""
    return Finding(
        code="switch_overruled",
        severity=Severity.INFO,
        message=f"{_said(switch)}; --plugins overrules that for this run",
        hint=_WHERE.format(switch.task),
    )


def _said(switch: Switch) -> str:
    when = f"{switch.made_at:%Y-%m-%d %H:%M} UTC"
    return f"{switch.plugin} was set to {switch.mode} by {switch.made_by} on {when}: {switch.reason}"


_WHERE = "validate-updates plugins list --task {}"


def unknown_column(target: TargetTable, column: str, records: int, *, ignored: bool) -> Finding:
    """Records bring a column that none may bring: the table does not have it, or the database computes it."""
    computed = column in target.names
    why = f"which the database computes in {target.name}" if computed else f"no column of {target.name}"
    mend = "mend the source" if computed else "mend the source, add the column"
    return Finding(
        code="unknown_column",
        severity=Severity.INFO if ignored else Severity.WARNING,
        message=f"{counted(records, 'record')} with {printable(column, 60)!r}, {why}",
        table=target.name,
        column=column,
        observed=records,
        hint="it was ignored, as asked" if ignored else f"{mend}, or let it pass with --unknown-columns ignore",
    )


def of_shadow(plugins: Plugins, strategy: str) -> Iterator[Finding]:
    """What there is to say of plugins in shadow before they are asked anything."""
    yield from (_left_out(owned) for owned in plugins.faults)
    yield from (_not_applied(owned, strategy) for owned in plugins.shadow_strategies)


def _not_applied(owned: Owned[UpdateStrategy], by: str) -> Finding:
    """A strategy in shadow: nothing more is known of it than that it was there."""
    return Finding(
        code="strategy_in_shadow",
        severity=Severity.INFO,
        message=f"the update would have been applied by {owned.item.name}, and was by {by}",
    ).by(owned.plugin, "", "")


def _left_out(owned: Owned[PluginError]) -> Finding:
    """A plugin in shadow that is faulty. Were it not in shadow, the update would not have begun."""
    fault = owned.item
    return Finding(
        code="plugin_failed", severity=Severity.CRITICAL, message=f"left out: {fault.message}", hint=fault.hint
    ).by(owned.plugin, "", "")


def put_out(fault: ShadowEndedTransaction) -> Finding:
    """A plugin in shadow ended the transaction; the update was begun again without it."""
    return Finding(
        code="plugin_failed",
        severity=Severity.CRITICAL,
        message=f"{fault.message}; the update was begun again without it",
        hint=fault.hint,
    ).by(fault.plugin, "", "")


def found_dead(run_id: str, batches: int) -> Finding:
    """An earlier run was found unfinished, and nobody works on it any more."""
    kept = f"{counted(batches, 'batch', 'batches')} of it stand, and this run does the rest"
    return Finding(
        code="earlier_run_interrupted",
        severity=Severity.INFO,
        message=f"the earlier run {run_id} ended without a word; {kept if batches else 'nothing of it was kept'}",
        hint=f"validate-updates runs show {run_id}",
        runs=(run_id,),
    )


def watermark_stays(source: str) -> Finding:
    """More was kept out than the quarantine holds, and only the source has it still."""
    return Finding(
        code="watermark_stays",
        severity=Severity.WARNING,
        message=f"how far {source} was read is not noted: records that the quarantine has no room for are only there",
        hint="the next run reads the same again",
    )


def reconnected(reason: str, published: int) -> Finding:
    """The connection was lost, and the work was begun anew over another."""
    stand = f"; {counted(published, 'batch', 'batches')} stood already" if published else ""
    return Finding(
        code="connection_lost",
        severity=Severity.WARNING,
        message=f"the connection was lost ({reason}); the update was begun again over a new one{stand}",
        hint="if this happens often, look at the network and at the server's log",
    )


def stands_in_part(published: Counts, run_id: str) -> Finding:
    """The run ended early, and what it had published stands."""
    written = published.inserted + published.updated + published.deleted
    return Finding(
        code="published_in_part",
        severity=Severity.WARNING,
        message=f"what had been published stands: {counted(written, 'row')}; the next run does the rest",
        observed=written,
        hint=f"to take it back: validate-updates rollback {run_id}",
    )


def not_taken_back(run_id: str, why: str) -> Finding:
    """The verdict is against the update, and what it had published could not all be taken back."""
    return Finding(
        code="not_taken_back",
        severity=Severity.CRITICAL,
        message=f"what the run had published could not all be taken back [{why}]",
        hint=f"take it back: validate-updates rollback {run_id}",
    )


def taken_back(rollback: RollbackResult, why: str) -> Finding:
    """A run was taken back since a plugin asked for it; or all but some rows of it."""
    rows, run_id = rollback.conflicts, rollback.taken_back
    left = f", but for {counted(rows, 'row')} that others have changed or hold; a person is needed" if rows else ""
    return Finding(
        code="run_taken_back_in_part" if rows else "run_taken_back",
        severity=Severity.CRITICAL if rows else Severity.WARNING,
        message=f"run {run_id} was taken back{left}: {why}",
        observed=rollback.taken,
        hint=f"see which: validate-updates runs show {rollback.run_id}",
        runs=(run_id,),
    )


def could_not_be_taken_back(run_id: str, message: str, why: str) -> Finding:
    """A plugin asked for a run to be taken back, and it stands."""
    return Finding(
        code="run_not_taken_back",
        severity=Severity.CRITICAL,
        message=f"run {run_id} should have been taken back ({why}), and was not, or not wholly: {message}",
        hint=f"take it back: validate-updates rollback {run_id}",
        runs=(run_id,),
    )


def left_by_others(run_id: str, rows: int) -> Finding:
    """Rows that others have changed since stay as they are."""
    return Finding(
        code="rollback_conflict",
        severity=Severity.WARNING,
        message=f"{counted(rows, 'row')} stay as they are: others have changed them since the run wrote them",
        observed=rows,
        hint=f"to take back these too: validate-updates rollback {run_id} --force",
    )


def not_held(target: TargetTable, child: str) -> Finding:
    """A deletion reaches rows that the undo log cannot hold."""
    return Finding(
        code="undo_incomplete",
        severity=Severity.WARNING,
        message=f"rows of {child} that go with rows of {target.name} by a foreign key cannot be rolled back",
        table=child,
        hint="make a backup first: validate-updates backup create",
    )


def failed(message: str, hint: str, code: str) -> Finding:
    """The run could not be brought to an end."""
    return Finding(code=f"run_failed.{code}", severity=Severity.CRITICAL, message=message, hint=hint)


def refused_at_the_end(target: TargetTable, trouble: Trouble) -> Finding:
    """A constraint that is checked at the commit is violated."""
    return Finding(
        code="record_refused",
        severity=Severity.CRITICAL,
        message=f"the database refused the update at its end: {trouble.message}",
        table=target.name,
        column=trouble.column,
        expected=trouble.constraint or None,
        hint="a constraint that is checked at the commit is violated; mend the records",
    )


def not_written_down(trouble: Trouble) -> Finding:
    """The outcome is not in the journal; the next run marks this one interrupted."""
    note = f"the outcome could not be written to the journal: {trouble.message}"
    return Finding(code="journal_not_written", severity=Severity.WARNING, message=note)


def ambiguous_key(target: TargetTable, keys: Sequence[str]) -> Finding:
    """More than one row of the target has the same key."""
    return Finding(
        code="key_not_unique",
        severity=Severity.CRITICAL,
        message=f"the key does not tell the rows of {target.name} apart: {keys[0]} is there twice",
        table=target.name,
        samples=tuple(keys),
        hint="choose another --key, or remove the duplicates and add a unique constraint",
    )


def deletes_skipped(target: TargetTable, intake: Intake) -> Finding:
    """Not all of the source is known, so what it lacks is not known either."""
    lost = intake.kept_out
    why = f"{counted(lost, 'record')} could not be staged" if lost else "the source has no records"
    return Finding(
        code="deletes_skipped",
        severity=Severity.WARNING,
        message=f"nothing was deleted: {why}, so it is not known which rows are missing",
        table=target.name,
    )


def deletes_make_no_sense(target: TargetTable, source: str) -> Finding:
    """The source does not give all that there is."""
    return Finding(
        code="deletes_skipped",
        severity=Severity.WARNING,
        message=f"nothing was deleted: {source} gives what is new, so it is not known which rows are missing",
        table=target.name,
        hint='set deletes = "off" in the task',
    )


def rows_not_deleted(target: TargetTable, left: NotDeleted) -> Finding:
    """Something holds rows that were to go; they stay, and the others went."""
    return Finding(
        code="rows_not_deleted",
        severity=Severity.WARNING,
        message=f"{counted(left.rows, 'row')} that the source no longer has could not be deleted: {left.reason}",
        table=target.name,
        observed=left.rows,
        samples=tuple(left.keys),
        hint="something still refers to them",
    )


def too_many_deletes(target: TargetTable, deletes: int, rows: int, percent: float) -> Finding:
    """The ceiling for deletions."""
    return Finding(
        code="too_many_deletes",
        severity=Severity.CRITICAL,
        message=f"{counted(deletes, 'row')} of {target.name} missing in the source would be deleted",
        table=target.name,
        observed=deletes,
        expected=f"at most {rows} rows and {percent:g} % of the table",
        hint="if this is right, raise max_deletes and max_deletes_percent for this run",
    )


def not_landed(target: TargetTable, planned: Planned, landed: Planned) -> Finding:
    """The database says it wrote rows that are not there."""
    return Finding(
        code="rows_not_landed",
        severity=Severity.CRITICAL,
        message=f"after writing, {target.name} does not have the rows planned; a trigger may have removed some",
        table=target.name,
        observed=str(landed),
        expected=str(planned),
        hint="look at the triggers of the table",
    )


def other_rows(target: TargetTable, expected: int, after: int) -> Finding:
    """Rows came or went that are not in the plan."""
    return Finding(
        code="other_rows_changed",
        severity=Severity.WARNING,
        message=f"{target.name} has {after} rows, not {expected}: triggers or cascades added or removed some",
        table=target.name,
        observed=after,
        expected=str(expected),
    )


def backups_left(note: str) -> Finding:
    """Something about old backups that a person may want to know."""
    return Finding(code="backups_left", severity=Severity.INFO, message=note)
