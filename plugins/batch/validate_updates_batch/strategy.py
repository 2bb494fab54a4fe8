"""The strategy: batches in key order, each behind its checkpoint; bad records are kept out with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING

from validate_updates import ALL_OR_NOTHING, Finding, RecordRefused, Severity, UpdateRefused
from validate_updates_batch.budget import too_many_failed, too_many_kept_out
from validate_updates_batch.isolating import Refusal, attempt, refusal_of, take_apart
from validate_updates_batch.settings import OnFailure, Publishing

if TYPE_CHECKING:
    from validate_updates import Application, Batch
    from validate_updates_batch.settings import BatchSettings

_WAITING = 10_000
"""Refused records, or batches, that are remembered for a second try."""


def apply_in_batches(application: Application, settings: BatchSettings) -> None:
    """Write the plan in batches. Raises ``UpdateRefused`` where the update may not stand."""
    if not application.can_checkpoint():
        application.note(_NO_CHECKPOINTS)
        ALL_OR_NOTHING.apply(application)
        return
    publishes = settings.publish is Publishing.PROGRESSIVE
    if publishes and not application.undoable:
        application.note(_NOT_UNDOABLE)
        publishes = False
    applying = _Applying(application, settings)
    batches, together = application.batches(settings.size), settings.commit_batches
    while group := list(islice(batches, together)):
        started = monotonic()
        applying.write(group)
        applying.keep_to_budget()
        if publishes:
            application.publish()
            together = _next_group(together, monotonic() - started, settings)
    applying.try_again()
    applying.keep_to_budget()


def _next_group(together: int, seconds: float, settings: BatchSettings) -> int:
    """How many batches the next group has, so that a group takes about ``commit_seconds``."""
    if seconds > settings.commit_seconds:
        return max(together // 2, 1)
    if seconds < settings.commit_seconds / 4:
        return min(together * 2, settings.commit_batches)
    return together


class _Applying:
    """One update on its way through the batches."""

    def __init__(self, application: Application, settings: BatchSettings) -> None:
        self._application = application
        self._settings = settings
        self._planned = -(-application.size // settings.size)
        self._waiting: list[tuple[Batch, Refusal]] = []
        """What the database refused, and may take when others are written: records, or whole batches."""
        self._unsettled: list[Batch] = []

    def write(self, group: Sequence[Batch]) -> None:
        """Write batches that follow each other; deal with those that fail."""
        rest = list(group)
        while rest:
            refusal: Refusal | None = None
            if not self._application.judges_batches:
                count, refused = self._application.write(rest)
                for batch in rest[:count]:
                    self._application.settle(batch)
                del rest[:count]
                refusal = refusal_of(refused) if refused else None
            if rest:
                self._write_alone(rest.pop(0), refusal)

    def _write_alone(self, batch: Batch, refusal: Refusal | None) -> None:
        refusal = refusal or attempt(batch)
        refused: Iterable[tuple[Batch, Refusal]] = ()
        if refusal:
            isolates = self._settings.on_failure is OnFailure.ISOLATE
            refused = take_apart(batch, refusal) if isolates else [(batch, refusal)]
        waiting = len(self._waiting)
        for part, why in refused:
            if why.may_pass_later and len(self._waiting) < _WAITING:
                self._waiting.append((part, why))
            else:
                self._give_up(part, why)
        if len(self._waiting) > waiting:
            self._unsettled.append(batch)
        else:
            self._application.settle(batch)

    def _give_up(self, part: Batch, refusal: Refusal) -> None:
        """A record, or a batch, that is not written after all."""
        on_failure, reason = self._settings.on_failure, refusal.findings[0]
        if on_failure is not OnFailure.ISOLATE:
            found = (part.refused() if refusal.by_database else ()) or refusal.findings
            if on_failure is OnFailure.REJECT:
                raise UpdateRefused(found)
            reason = replace(found[0], message=f"its batch was skipped: {found[0].message}")
        part.keep_out(reason)

    def try_again(self) -> None:
        """What others stood in the way of: a value that has been freed since, a row that is there now."""
        self._until_nothing_moves()
        while self._circles_written():
            self._until_nothing_moves()
        self._give_up_for_good()
        for batch in self._unsettled:
            self._application.settle(batch)
        self._waiting, self._unsettled = [], []

    def _give_up_for_good(self) -> None:
        """What still waits. Where a record is given up, one that needs what it brings may do without."""
        given_up = False
        for part, why in sorted(self._waiting, key=lambda refused: refused[0].info.first):
            refusal = attempt(part) if given_up else why
            if refusal is not None:
                self._give_up(part, refusal)
                given_up = True

    def _until_nothing_moves(self) -> None:
        progress = True
        while progress and self._waiting:
            # To and fro, so that a chain of records that wait for each other takes two rounds, whatever its order.
            before, self._waiting = self._waiting, list(self._refused_again(reversed(self._waiting)))
            progress = len(self._waiting) < len(before)

    def _circles_written(self) -> bool:
        """Write what can only be written together; whether any was."""
        circles = self._application.circles([part for part, _ in self._waiting]) if len(self._waiting) > 1 else ()
        written = {part.info for circle in circles if self._written_as_one(circle) for part in circle}
        self._waiting = [(part, why) for part, why in self._waiting if part.info not in written]
        return bool(written)

    def _written_as_one(self, circle: Sequence[Batch]) -> bool:
        if any(finding.severity is Severity.CRITICAL for part in circle for finding in part.judge()):
            return False
        try:
            self._application.write_as_one(circle)
        except RecordRefused:
            return False
        return True

    @staticmethod
    def _refused_again(waiting: Iterator[tuple[Batch, Refusal]]) -> Iterator[tuple[Batch, Refusal]]:
        for part, _ in waiting:
            refusal = attempt(part)
            if refusal is not None:
                yield part, refusal

    def keep_to_budget(self) -> None:
        """Raise ``UpdateRefused`` where too much had to be left out."""
        application, settings = self._application, self._settings
        over = [
            too_many_kept_out(application.kept_out, application.read, settings.max_quarantined),
            too_many_failed(application.failed, self._planned, settings.max_failed_batches),
        ]
        findings = [finding for finding in over if finding]
        if findings:
            raise UpdateRefused(findings)


_NO_CHECKPOINTS = Finding(
    code="no_checkpoints",
    severity=Severity.WARNING,
    message="the database makes no checkpoints: the update was applied all or nothing, not in batches",
    hint="without savepoints a failed batch could not be taken back alone",
)
_NOT_UNDOABLE = Finding(
    code="not_progressive",
    severity=Severity.WARNING,
    message="no undo log is kept, so nothing could be taken back: the update was published as a whole",
    hint="set undo_retention_days to publish progressively",
)
