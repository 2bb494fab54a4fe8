"""The checklist: each figure of a window, and whether somebody should look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

from validate_updates import RunRow, Section
from validate_updates_reports.figures import Figures, named
from validate_updates_reports.words import counted, number, percent

LEAST_BATCHES: Final = 95.0
"""Per cent of batches that are to succeed."""
SLOW: Final = 2.0
"""Times what is usual."""
LEAST_SECONDS: Final = 1.0
"""A run is not slow below this."""


class Mark(StrEnum):
    """What is to be done about a figure."""

    OK = "OK"
    LOOK = "look here"
    UNKNOWN = "not known"
    NONE = ""
    """It is neither good nor bad."""


@dataclass(frozen=True, slots=True)
class Item:
    """One of the list."""

    name: str
    figure: str
    mark: Mark = Mark.NONE
    why: str = ""
    """Where somebody should look: what at."""


def checklist(now: Figures, usual: Figures) -> tuple[Item, ...]:
    """All of it; ``usual``: the updates that a duration is compared with."""
    return (_runs(now), *_records(now), _batches(now), _alerts(now), _duration(now, usual), _errors(now), *_whole(now))


def as_section(items: tuple[Item, ...]) -> Section:
    """For people."""
    return Section(
        title="Checklist",
        header=("", "figure", ""),
        rows=tuple((item.name, item.figure, item.mark.value) for item in items),
        lines=tuple(f"{item.name}: {item.why}" for item in items if item.why),
    )


def _runs(now: Figures) -> Item:
    if not now.runs:
        return Item("updates", "none", Mark.LOOK, "no update has ended: see whether the job is still started")
    states = Counter(run.state.value for run in now.runs)
    said = ", ".join(f"{count} {state}" for state, count in states.most_common())
    bad = [run for run in now.runs if not run.state.stands]
    return Item("updates", f"{len(now.runs)}: {said}", *_look(bad, "did not stand"))


def _records(now: Figures) -> Iterator[Item]:
    counts = now.counts
    yield Item("checked", counted(counts.read, "record"))
    yield Item("updated", number(counts.updated))
    yield Item("added", number(counts.inserted))
    yield Item("unchanged", number(counts.unchanged))
    if counts.deleted:
        yield Item("deleted", number(counts.deleted))
    kept_out = [run for run in now.runs if run.fates.quarantined]
    yield Item("quarantined", number(counts.quarantined), *_look(kept_out, "kept records out"))


def _batches(now: Figures) -> Item:
    succeeded, planned = now.batches
    if not planned:
        return Item("batches", "none")
    good = succeeded / planned * 100 >= LEAST_BATCHES
    why = "" if good else f"{percent(succeeded, planned)} succeeded, {LEAST_BATCHES:g} % are wanted"
    figure = f"{succeeded:,} of {planned:,}, {percent(succeeded, planned)}"
    return Item("batches", figure, Mark.OK if good else Mark.LOOK, why)


def _alerts(now: Figures) -> Item:
    silent = now.unanswered
    answered = len(now.alerts) - len(silent)
    figure = f"{len(now.alerts)}, {answered} acknowledged" if now.alerts else "none"
    if not silent:
        return Item("alerts", figure, Mark.OK)
    why = f"say what it was: validate-updates runs ack {silent[0].run_id} --expected|--incident"
    return Item("alerts", figure, Mark.LOOK, why)


def _duration(now: Figures, usual: Figures) -> Item:
    if not now.seconds:
        return Item("duration", "", Mark.UNKNOWN)
    longest, typical = max(now.seconds), median(usual.seconds or now.seconds)
    figure = f"{sum(now.seconds):.1f} s in all, {longest:.1f} s the longest"
    if longest < LEAST_SECONDS or longest <= SLOW * typical:
        return Item("duration", figure, Mark.OK)
    return Item("duration", figure, Mark.LOOK, f"{typical:.1f} s is usual")


def _errors(now: Figures) -> Item:
    failures = now.plugin_failures
    figure = f"{counted(len(now.broken), 'run')}, {counted(len(failures), 'failure')} of plugins"
    if now.broken:
        return Item("errors", figure, *_look(now.broken, "broke off"))
    why = f"see which check failed: validate-updates runs show {failures[0].run_id}" if failures else ""
    return Item("errors", figure, Mark.LOOK if why else Mark.OK, why)


def _whole(now: Figures) -> Iterator[Item]:
    """Integrity, as far as the journal tells."""
    if not now.runs:
        return
    figure = "no" if now.unaccounted else "yes"
    yield Item("counts add up", figure, *_look(now.unaccounted, "records or rows are unaccounted for"))
    backed = sum(run.backup is not None for run in now.writing)
    if now.writing:
        mark = Mark.OK if backed == len(now.writing) else Mark.UNKNOWN
        yield Item("verified backups", f"{backed} of {counted(len(now.writing), 'run')} that wrote", mark)
    if now.orphaned:
        yield Item("foreign keys", "broken", *_look(now.orphaned, "rows refer to rows that are not there"))
    else:
        yield Item("foreign keys", *(("clean", Mark.OK) if now.keys_looked_at else ("not checked", Mark.UNKNOWN)))


def _look(runs: tuple[RunRow, ...] | list[RunRow], what: str) -> tuple[Mark, str]:
    return (Mark.LOOK, f"{what}: {named(runs)}") if runs else (Mark.OK, "")
