"""``gate template``: a page for a gate that people decide. The facts are filled in, the judgement is left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Final

from validate_updates import Answer, Desk, OpenJournal, RunRow, Section, __version__
from validate_updates_gates.case import Case
from validate_updates_gates.junit import read_tests
from validate_updates_gates.past import MOST_RUNS, updates

Rows = Iterator[tuple[str, str]]

REVIEW: Final = (
    "What is it for, and does it do that and nothing else?",
    "Are the limits right for this feed?",
    "Is every alert and rejected run of the window understood?",
    "Has the way back been tried: a run rolled back, a plugin switched off?",
    "Do the docs say what somebody on call needs?",
    "What is not known, and who finds it out?",
)
PLANNING: Final = (
    "What is to be better afterwards, and by which figure is that seen?",
    "Which plugins are introduced, in which order, on which task first?",
    "How many runs, or hours, does each stage take?",
    "What ends it early, and who decides that?",
    "How is it taken back, and how long does that take?",
    "Who is told, and who is on call?",
)
_SIGNED: Final = (("decision: go, go with conditions, no go", ""), ("by", ""), ("on", ""))


def template(desk: Desk, gate: str, case: Case) -> Answer:
    """The page of a gate for people."""
    questions, facts = TEMPLATES[gate]
    with desk.journal(case.task) as journal:
        rows = tuple(facts(journal, case))
        standings = tuple((one.plugin, str(one.mode), one.origin) for one in journal.standings(case.task))
    sections = (
        Section(title=f"gate {gate} of {case.task}", header=("fact", ""), rows=rows),
        Section(title="Plugins of its next run", header=("plugin", "mode", "from"), rows=standings),
        Section(title="Judgement", header=("question", "answer"), rows=tuple((one, "") for one in questions)),
        Section(title="Decision", rows=_SIGNED),
    )
    data = {
        "gate": gate,
        "task": case.task,
        "since": case.since,
        "until": case.until,
        "facts": dict(rows),
        "plugins": [{"plugin": name, "mode": mode, "origin": origin} for name, mode, origin in standings],
        "questions": questions,
        "decision": None,
    }
    return Answer(sections=sections, data=data)


def _review(journal: OpenJournal, case: Case) -> Rows:
    yield from _of_all(journal, case)
    tests = read_tests(case.junit)
    if tests.run:
        yield "tests", f"{tests.run}: {tests.bad} failed, {tests.skipped} skipped, {tests.silent} without a reason"
    else:
        yield "tests", "not given: --junit PATH"


def _planning(journal: OpenJournal, case: Case) -> Rows:
    yield from _of_all(journal, case)
    past = journal.history(case.task).runs(MOST_RUNS)
    begin = min((run.started_at for run in past), default=None)
    yield "history", f"{len(past)} runs since {begin:%Y-%m-%d}" if begin else "none"
    runs = list(updates(journal, case))
    if runs:
        read = [run.counts.read for run in runs]
        yield "records an update", f"{median(read):,.0f} the median, {max(read):,} the most"
        seconds = [run.seconds for run in runs if run.seconds is not None]
        yield "seconds an update", f"{median(seconds):.2f} the median, {max(seconds):.2f} the most" if seconds else ""
        yield "rows of the table", f"{runs[0].rows_after:,}" if runs[0].rows_after is not None else "not known"


def _of_all(journal: OpenJournal, case: Case) -> Rows:
    runs = list(updates(journal, case))
    yield "program", f"validate-updates {__version__}"
    yield "window", f"{case.since:%Y-%m-%d %H:%M} to {case.until:%Y-%m-%d %H:%M} UTC"
    yield "updates", _ended(runs)
    if runs:
        yield "last update", f"{runs[0].run_id}, {runs[0].state}, {runs[0].started_at:%Y-%m-%d %H:%M} UTC"
        yield "strategy", runs[0].strategy


def _ended(runs: Sequence[RunRow]) -> str:
    states = Counter(run.state.value for run in runs)
    return f"{len(runs)}: {', '.join(f'{count} {state}' for state, count in states.most_common())}" if runs else "0"


TEMPLATES: Final[Mapping[str, tuple[tuple[str, ...], Callable[[OpenJournal, Case], Rows]]]] = {
    "review": (REVIEW, _review),
    "planning": (PLANNING, _planning),
}
