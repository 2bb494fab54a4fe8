"""The past of tasks for people: what an import comes to, what there is, a sparkline of each metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Final

from rich.text import Text

from validate_updates.past.mapping import METRIC
from validate_updates.text import spark
from validate_updates_cli.render.page import Page
from validate_updates_cli.render.words import MESSAGE, number, plural

if TYPE_CHECKING:
    from validate_updates.past.backfill import Days
    from validate_updates.past.bringing_in import Arrived
    from validate_updates.past.log import Log, PastRun
    from validate_updates.past.looking import MetricHistory, TaskHistory, Value
    from validate_updates.past.mapping import LogMapping
    from validate_updates_cli.render.look import Look

BAD_ROWS: Final = 20
NUMBERS: Final = 5
"""Of rows, before one reason."""
PREVIEW: Final = 5
METRICS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What was brought in, or would be."""

    task: str
    source: str
    done: Arrived
    dry_run: bool
    where: str
    """The options by which the next command finds the same task; begins with a space."""

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The first and the last moment of the new runs."""
        moments = [run.started_at for run in self.done.settled.new]
        return (min(moments), max(moments)) if moments else None


def import_page(brought: Brought, log: Log, mapping: LogMapping, look: Look, *, guessed: bool) -> list[Text]:
    """What the columns are taken for, what becomes of the rows, and which cannot be read."""
    page = Page(look)
    _head(page, brought, f"{plural(brought.done.settled.rows, 'row')} of {look.text(log.name)}")
    page.heading("Columns, by their names" if guessed else "Columns")
    page.table([(look.text(field), look.arrow, look.text(column)) for field, column in mapping.columns.items()])
    unused = mapping.unused(log.columns)
    if unused:
        shown = ", ".join(look.text(column, 60) for column in unused[:BAD_ROWS])
        page.put(Text(f"not used: {shown} (--map {METRIC}NAME=COLUMN takes any number)", style="dim"))
    for doubt in mapping.doubts:
        page.put(Text(look.text(doubt, MESSAGE), style="yellow"))
    _runs(page, brought)
    _bad(page, brought, log.unit)
    _next(page, brought)
    return page.lines


def backfill_page(brought: Brought, days: Days, look: Look) -> list[Text]:
    """What the days come to."""
    page = Page(look)
    _head(page, brought, f"{plural(brought.done.settled.rows, 'day')} in {look.text(brought.source)}")
    if days.without:
        page.put(Text(f"{plural(days.without, 'row')} without a day, not counted", style="yellow"))
    _runs(page, brought)
    _next(page, brought)
    return page.lines


def _head(page: Page, brought: Brought, what: str) -> None:
    settled = brought.done.settled
    left_out = "".join(f" + {number(count)} {why}" for why, count in sorted(settled.left_out.items()))
    bad = f" + {number(len(settled.bad))} that cannot be imported" if settled.bad else ""
    line = Text(f"{what} = {plural(len(settled.new), 'new run')}{left_out}{bad}")
    page.put(line, indent=0)
    if brought.dry_run:
        page.put(Text("dry run: nothing was written", style="dim"), indent=0)
    elif settled.new and not brought.done.written:
        why = "nothing was written: mend the rows below, or leave them out with --skip-bad"
        page.put(Text(why, style="red"), indent=0)


def _runs(page: Page, brought: Brought) -> None:
    runs, look = brought.done.settled.new, page.look
    if not runs or brought.span is None:
        return
    page.heading("Runs" if brought.done.written else "Runs that would be written")
    first, last = brought.span
    states = Counter(str(run.state) for run in runs)
    page.put(f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC")
    page.put(", ".join(f"{number(count)} {state}" for state, count in states.most_common()))
    metrics = list(dict.fromkeys(name for run in runs for name in run.metrics))
    rows = [_metric_row(name, [run.metrics[name] for run in runs if name in run.metrics], look) for name in metrics]
    _metric_table(page, rows[:METRICS], len(rows))
    if brought.dry_run:
        page.blank()
        page.table([_preview(run, look) for run in runs[:PREVIEW]])
        if len(runs) > PREVIEW:
            page.put(f"and {number(len(runs) - PREVIEW)} more")


def _preview(run: PastRun, look: Look) -> tuple[str, str, str]:
    values = ", ".join(f"{look.text(name)} {number(value)}" for name, value in run.metrics.items())
    return f"{run.started_at:%Y-%m-%d %H:%M:%S}", str(run.state), values


def _bad(page: Page, brought: Brought, unit: str) -> None:
    bad = brought.done.settled.bad
    if not bad:
        return
    page.heading(f"Cannot be imported: {plural(len(bad), 'row')}")
    by_reason: dict[str, list[int]] = {}
    for row in bad:
        by_reason.setdefault(row.reason, []).append(row.number)
    for reason, numbers in list(by_reason.items())[:BAD_ROWS]:
        more = f" and {number(len(numbers) - NUMBERS)} more" if len(numbers) > NUMBERS else ""
        page.put(page.look.text(reason, MESSAGE), lead=f"{unit} {', '.join(map(str, numbers[:NUMBERS]))}{more}: ")
    if len(by_reason) > BAD_ROWS:
        page.put(f"and {number(len(by_reason) - BAD_ROWS)} more reasons: --format json has all of them")


def _next(page: Page, brought: Brought) -> None:
    if brought.done.written:
        page.heading("Next")
        page.verbatim(page.look.text(f"validate-updates history show{brought.where}", MESSAGE))


def history_page(
    tasks: Sequence[TaskHistory], metrics: Sequence[MetricHistory], look: Look, *, metric: str | None
) -> list[Text]:
    """A paragraph for each task; of one task its metrics, or each value of the one asked for."""
    page = Page(look)
    if not tasks:
        page.put("No history yet.", indent=0)
    for task in tasks:
        _task(page, task)
    if metric is not None:
        values = [value for one in metrics for value in one.values]
        page.heading(look.text(metric))
        page.table([_value(value, look) for value in reversed(values)], right=[1], whole=[0, 1, 3])
        if not values:
            page.put("no run has it")
    elif metrics:
        page.blank()
        rows = [_metric_row(one.metric, [value.value for value in one.values], look) for one in metrics]
        _metric_table(page, rows[:METRICS], len(rows))
    return page.lines


def _task(page: Page, task: TaskHistory) -> None:
    span = f"{task.first:%Y-%m-%d} to {task.last:%Y-%m-%d}"
    line = Text(page.look.text(task.task), style="bold").append(f"  {plural(task.runs, 'run')}, {span}", style="")
    page.put(line, indent=0)
    parts = [
        (task.examples, "that updates are compared with"),
        (task.imported, "imported"),
        (task.backfilled, "backfilled"),
        (task.expected, "labelled expected"),
        (task.incidents, "labelled incident"),
    ]
    page.put(", ".join(f"{number(count)} {what}" for count, what in parts if count) or "none of them stood")


def _value(value: Value, look: Look) -> tuple[str, str, str, str]:
    remarks = ", ".join(filter(None, ("imported" if value.kind == "import" else None, value.label)))
    when = f"{value.started_at:%Y-%m-%d %H:%M}"
    return when, number(value.value), look.text(remarks), look.text(value.run_id)


def _metric_row(name: str, values: Sequence[float], look: Look) -> tuple[str, ...]:
    numbers = (values[-1], median(values), min(values), max(values))
    return (look.text(name), str(len(values)), *map(number, numbers), sparkline(values, look))


def _metric_table(page: Page, rows: Sequence[tuple[str, ...]], of: int) -> None:
    if not rows:
        return
    header = [
        Text(word, style="dim") for word in ("metric", "runs", "last", "median", "lowest", "highest", "newest runs")
    ]
    page.table([header, *rows], right=range(1, 6), whole=range(1, 6))
    if of > len(rows):
        page.put(f"and {number(of - len(rows))} more: --metric NAME, or --format json")


def sparkline(values: Sequence[float], look: Look) -> str:
    """The last values, one character each, from the lowest of them to the highest."""
    width = max(8, min(len(values), look.width // 4))
    return look.text(spark(values[-width:]))
