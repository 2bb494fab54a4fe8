"""``demo``: weeks of updates made and run in a folder, then four for today, each with its summary."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from validate_updates.settings.jobs import Flags, job_for
from validate_updates.settings.load import load_settings
from validate_updates_cli.demo.folder import Day, Demo, make
from validate_updates_cli.output import Shared, answer, look, show
from validate_updates_cli.progress import watching

if TYPE_CHECKING:
    from validate_updates.job import Progress
    from validate_updates.result import RunResult

_INTRODUCTION = """\
A made-up database of hearings is in {folder}/hearings.db.
Its daily task has run {runs} times over {weeks} weeks. Now four updates come in.
"""
_ACTS = (
    "1. A good update: it is judged, then committed.",
    "2. One bad record: a chamber that the table does not allow. All or nothing.",
    "3. The same once more, in batches: the bad record costs itself, the others land.",
    "4. A feed gone wrong: ten times the usual, and broken off. Nothing is written.",
)
_NEXT = """\
Try next:
  cd {folder}
  validate-updates runs list
  validate-updates runs show last
  validate-updates run daily                     (again: nothing to do)
  validate-updates quarantine export mend.jsonl --code record_refused
                                                 (mend the record in the file)
  validate-updates quarantine replay --from mend.jsonl
  validate-updates rollback last                 (and it is as before)
Then, in a folder of your own:
  validate-updates init --target sqlite:///YOUR.db --table YOURS
"""


def demo(shared: Shared, folder: str) -> int:
    """Make the demo and show it. Its updates go wrong on purpose, so the exit code is 0."""
    now = datetime.now().astimezone()
    made = make(Path(folder), _working_day(now.date()))
    with watching(shared) as progress:
        for day in made.past:
            _run(made, day, progress)
        acts = [
            _run(made, made.good, progress),
            _run(made, made.one_bad, progress),
            _run(made, made.in_batches, progress, plugins=("batch", "static_thresholds")),
            _run(made, made.gone_wrong, progress),
        ]
    if shared.json:
        answer(shared, {"folder": folder, "results": acts}, lambda _: [])
    else:
        _tell(shared, folder, len(made.past), acts)
    return 0


def _working_day(today: date) -> date:
    """The last Wednesday: a busy day of the made-up Congress, so that the demo is the same whenever it is shown."""
    return today - timedelta(days=(today.weekday() - 2) % 7)


def _run(made: Demo, day: Day, progress: Progress | None, plugins: tuple[str, ...] | None = None) -> RunResult:
    from validate_updates.engine import execute

    settings = load_settings(made.folder / "validate-updates.toml", env={})
    job = job_for(settings, "daily", Flags(source=(str(day.source),), as_of=day.at, plugins=plugins))
    return execute(job, progress)


def _tell(shared: Shared, folder: str, runs: int, acts: list[RunResult]) -> None:
    from validate_updates_cli.demo.folder import WEEKS
    from validate_updates_cli.render.summary import answer_page, one_line, summary

    here = look()
    show(answer_page(_INTRODUCTION.format(folder=folder, runs=runs, weeks=WEEKS), here), shared)
    for title, act in zip(_ACTS, acts, strict=True):
        result = replace(act, next_steps=())  # they hold in the demo's folder; what to try is told at the end
        show(answer_page(f"\n{title}\n", here), shared)
        show([one_line(result, here)] if shared.quiet else summary(result, here, verbose=shared.verbose), shared)
    show(answer_page(f"\n{_NEXT.format(folder=folder)}", here), shared)
