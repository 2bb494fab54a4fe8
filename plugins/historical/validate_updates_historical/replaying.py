"""The stored history once more, under other settings: which runs would have raised an alert, and how often wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from validate_updates import EarlierRun, Finding, History, Section, Severity
from validate_updates_historical.history_of import INCIDENT, Foretold, Past, foretold, past_of
from validate_updates_historical.seasons import seasons
from validate_updates_historical.settings import Historical
from validate_updates_historical.telling import told

RATES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""False-alarm rates that are tried."""
BEARABLE: Final = 0.01
"""Where no incident is labelled: the part of good runs that may raise an alert."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One run of the history, judged by those before it."""

    run_id: str
    started_at: datetime
    label: str | None
    stood: bool
    judged: bool
    """Whether there was enough past for an alert to count."""
    alerts: tuple[Finding, ...]
    """Those that count."""

    @property
    def good(self) -> bool:
        """A run that nobody said anything about: an alert is a false alarm."""
        return self.judged and self.stood and self.label is None

    @property
    def bad(self) -> bool:
        """A run labelled an incident: an alert is right."""
        return self.judged and self.label == INCIDENT


@dataclass(frozen=True, slots=True)
class Backtest:
    """The history under some settings, oldest run first."""

    false_alarm_rate: float
    runs: tuple[Replayed, ...]

    @property
    def good(self) -> int:
        """Good runs that were judged."""
        return sum(run.good for run in self.runs)

    @property
    def false_alarms(self) -> int:
        """Good runs with an alert."""
        return sum(run.good and bool(run.alerts) for run in self.runs)

    @property
    def incidents(self) -> int:
        """Incidents that were judged."""
        return sum(run.bad for run in self.runs)

    @property
    def found(self) -> int:
        """Incidents with an alert."""
        return sum(run.bad and bool(run.alerts) for run in self.runs)

    @property
    def section(self) -> Section:
        """The runs that raise an alert, and the sums."""
        alerted = [run for run in self.runs if run.alerts or run.bad]
        return Section(
            title=f"The last {len(self.runs)} runs, judged again",
            header=("run", "when", "", "alerts") if alerted else (),
            rows=tuple(_row(run) for run in reversed(alerted)),
            lines=(
                f"{self.false_alarms} of {self.good} good runs raise one, {_per_cent(self.false_alarms, self.good)}",
                f"false_alarm_rate is {self.false_alarm_rate:g}, which allows {self.false_alarm_rate * 100:.3g} %",
                f"{self.found} of {self.incidents} incidents raise one",
                f"{sum(not run.judged for run in self.runs)} runs had too little past to be judged",
            ),
        )


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The history under several false-alarm rates, and the one that fits it best."""

    tried: tuple[Backtest, ...]
    false_alarm_rate: float
    why: str

    @property
    def section(self) -> Section:
        """The rates, with what each would have meant."""
        return Section(
            title="False-alarm rates, tried on the history",
            header=("false_alarm_rate", "false alarms", "", "incidents found"),
            rows=tuple(
                (
                    f"{one.false_alarm_rate:g}",
                    f"{one.false_alarms} of {one.good}",
                    _per_cent(one.false_alarms, one.good),
                    f"{one.found} of {one.incidents}",
                )
                for one in self.tried
            ),
            lines=(
                f"suggested: [plugins.historical] false_alarm_rate = {self.false_alarm_rate:g}: {self.why}",
                f"write it down: validate-updates thresholds set false_alarm_rate={self.false_alarm_rate:g}",
            ),
        )


def backtest(settings: Historical) -> Callable[[History, int], Backtest]:
    """A function of a task's history and a number of runs: the last so many, each judged by those before it."""

    def replay(history: History, last: int) -> Backtest:
        (one,) = _replayed(history, last, [settings])
        return one

    return replay


def suggestion(settings: Historical) -> Callable[[History, int], Suggestion]:
    """A function like that of :func:`backtest`, for several false-alarm rates at once."""

    def suggest(history: History, last: int) -> Suggestion:
        changed = [msgspec.structs.replace(settings, false_alarm_rate=rate) for rate in RATES]
        return _suggested(_replayed(history, last, changed))

    return suggest


def _replayed(history: History, last: int, tried: Sequence[Historical]) -> tuple[Backtest, ...]:
    """The past is learned from once a run; what is tried must differ in the weighing alone."""
    past = past_of(history, tried[0], limit=last + tried[0].window)
    runs: list[list[Replayed]] = [[] for _ in tried]
    calendar = seasons(tried[0].calendar)
    for run in reversed(past.runs[:last]):
        known = foretold(past, run.started_at, tried[0], calendar)
        for place, settings in enumerate(tried):
            runs[place].append(_judged(past, run, known, settings))
    return tuple(Backtest(settings.false_alarm_rate, tuple(found)) for settings, found in zip(tried, runs, strict=True))


def _judged(past: Past, run: EarlierRun, known: Foretold, settings: Historical) -> Replayed:
    under = Foretold(known.past, known.at, known.season, known.examples, known.baseline, settings)
    judged = under.judge(past.of(run))
    alerts = (told(alert, under, run_id=run.run_id) for alert in judged.alerts)
    return Replayed(
        run.run_id,
        run.started_at,
        run.label,
        run.stood,
        judged.runs >= settings.min_days,
        tuple(finding for finding in alerts if finding.severity is not Severity.INFO),
    )


def _suggested(tried: tuple[Backtest, ...]) -> Suggestion:
    most = max(one.found for one in tried)
    if most:
        best = next(one for one in tried if one.found == most)
        return Suggestion(
            tried, best.false_alarm_rate, f"the least at which {most} of {best.incidents} incidents are found"
        )
    bearable = [one for one in tried if one.false_alarms <= BEARABLE * one.good]
    if not bearable:
        why = f"more than {BEARABLE * 100:g} % of good runs raise an alert even so: were they right? label them"
        return Suggestion(tried, tried[0].false_alarm_rate, why)
    why = (
        f"the highest at which at most {BEARABLE * 100:g} % of good runs raise an alert; no labelled incident is found"
    )
    return Suggestion(tried, bearable[-1].false_alarm_rate, why)


def _row(run: Replayed) -> tuple[str, ...]:
    return (run.run_id, f"{run.started_at:%Y-%m-%d}", run.label or "", "; ".join(_words(run.alerts)) or "none")


def _words(alerts: Sequence[Finding]) -> Iterator[str]:
    yield from (f"{finding.metric} is {finding.observed:.6g}, not {finding.expected}" for finding in alerts[:3])
    if len(alerts) > 3:
        yield f"and {len(alerts) - 3} more"


def _per_cent(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.2g} %" if whole else "none to count"
