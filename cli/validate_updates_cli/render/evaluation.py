"""What a detector is worth, as two tables: by kind of anomaly and by history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rich.text import Text

from validate_updates.testing import FAR, INSIDE
from validate_updates_cli.render.page import Page
from validate_updates_cli.render.words import MESSAGE

if TYPE_CHECKING:
    from validate_updates.testing import Evaluation, HistoryScore, KindScore, Tally
    from validate_updates_cli.render.look import Look

LEGEND: Final = (
    "An anomaly of size 1 is as far out as the history itself ever goes.",
    f"far outside: of size {FAR} and more, to be found.  near: of less.",
    f"inside: up to size {INSIDE:.0f}, found in noise; no merit, no fault.",
    "by chance: in the same runs there is an alarm without the anomaly, too.",
    "delay: runs from the begin to the first alarm, the mean.",
)


def evaluation_page(found: Evaluation, detector: str, look: Look, *, verbose: bool) -> list[Text]:
    """The two figures that matter, the tables, and what was missed if ``verbose``."""
    page = Page(look)
    page.put(Text("Detector ").append(look.text(detector), style="bold"), indent=0)
    page.table([["found, far outside", _of(found.far)], ["false alarms", f"{_of(found.false_alarms)} good runs"]])
    page.heading("Anomalies")
    page.table(_kinds(found), right={1, 2, 3, 4, 5, 6}, whole={0, 1, 2, 3, 4, 5})
    page.heading("Histories")
    page.table(_histories(found, look), right={1, 2, 3, 4}, whole={1, 2, 3, 4})
    _recesses(page, found)
    page.blank()
    for line in LEGEND:
        page.put(Text(line, style="dim"), indent=0)
    _missed(page, found, verbose=verbose)
    return page.lines


def _kinds(found: Evaluation) -> Iterator[list[Text | str]]:
    yield _header("kind", "far outside", "found", "near", "inside", "by chance", "delay")
    for score in found.kinds:
        yield [
            score.kind,
            *_columns(score.far),
            _short(score.near),
            _short(score.inside),
            _short(score.by_chance),
            _delay(score),
        ]


def _histories(found: Evaluation, look: Look) -> Iterator[list[Text | str]]:
    yield _header("history", "good runs", "false alarms", "", "far outside", "found")
    for score in found.histories:
        alarms = score.false_alarms
        yield [look.text(score.name, 30), str(alarms.of), str(alarms.hits), _percent(alarms), *_columns(score.far)]


def _recesses(page: Page, found: Evaluation) -> None:
    for score in found.histories:
        if score.quiet:
            page.put(f"alarms in the recesses of {page.look.text(score.name)}, in order: {_in_order(score)}")


def _in_order(score: HistoryScore) -> str:
    return ", ".join(_short(tally) for tally in score.quiet)


def _missed(page: Page, found: Evaluation, *, verbose: bool) -> None:
    missed = [one for score in found.kinds for one in score.missed]
    if verbose and missed:
        page.heading("Missed")
        for one in missed:
            page.put(page.look.text(one, MESSAGE))


def _header(*names: str) -> list[Text | str]:
    return [Text(name, style="dim") for name in names]


def _columns(tally: Tally) -> list[str]:
    return [_short(tally), _percent(tally)]


def _of(tally: Tally) -> str:
    return f"{tally.hits:,} of {tally.of:,}{f' ({_percent(tally)})' if tally.of else ''}"


def _short(tally: Tally) -> str:
    return f"{tally.hits}/{tally.of}" if tally.of else "-"


def _percent(tally: Tally) -> str:
    return "" if tally.share is None else f"{tally.share:.1%}"


def _delay(score: KindScore) -> str:
    return "-" if score.delay is None else f"{score.delay:.1f}"
