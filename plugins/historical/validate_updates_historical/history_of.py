"""The past of a task as this plugin reads it: which runs are examples, with which numbers, and what they foretell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from validate_updates import EarlierRun, History, names_like
from validate_updates_historical.seasons import Seasons
from validate_updates_historical.settings import Historical

if TYPE_CHECKING:
    from validate_updates_historical.baseline import Baseline
    from validate_updates_historical.judgement import Alert, Judgement, Phase

INCIDENT: Final = "incident"
EXPECTED: Final = "expected"
LEAST_SEEN: Final = 8
"""Runs in which a group was seen from which its absence is a 0: what comes once and never again is no news."""
LIKE: Final = 2.0
"""What is up to twice as far out as an expected run, and not less than half as far, is like it."""

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Past:
    """The finished updates of a task, newest first, and what is watched of them by run id."""

    runs: Sequence[EarlierRun]
    values: Mapping[str, Values]
    groups: frozenset[str] = frozenset()
    """Metrics of groups that are 0 where they are absent."""

    def examples(self, at: datetime, seasons: Seasons) -> list[EarlierRun]:
        """The runs that one at ``at`` is compared with: they stood, were before it, and in the same season."""
        season = seasons.of(at)
        return [
            run
            for run in self.runs
            if run.stood and run.label != INCIDENT and run.started_at < at and seasons.of(run.started_at) == season
        ]

    def expected(self, at: datetime, *, but: str = "") -> list[EarlierRun]:
        """The runs up to then of which a person said that the like is no news; those that did not stand too."""
        return [
            run
            for run in self.runs
            if run.label == EXPECTED
            and run.started_at <= at
            and run.run_id != but
            and (run.label_until is None or run.label_until > at)
        ]

    def of(self, run: EarlierRun) -> Values:
        """What is watched of a run."""
        return self.values.get(run.run_id, {})

    def complete(self, values: Values, read: int) -> Values:
        """The numbers of an update, with 0 for the groups that it has none of."""
        counted = {name.split(".", 2)[1] for name in values if name.startswith("groups.")}
        absent = {name: 0.0 for name in self.groups if not read or name.split(".", 2)[1] in counted}
        return {**absent, **values}


@dataclass(frozen=True, slots=True)
class Foretold:
    """What the examples say about the update to come."""

    past: Past
    at: datetime
    season: str | None
    examples: Sequence[EarlierRun]
    baseline: Baseline
    settings: Historical

    @property
    def phase(self) -> Phase:
        """How far the past goes."""
        from validate_updates_historical.rule import phase_of

        phase, _ = phase_of(self.baseline, self.settings)
        return phase

    def judge(self, values: Values) -> Judgement:
        """What the past says about these numbers."""
        from validate_updates_historical.rule import decide

        return decide(self.baseline, values, settings=self.settings)

    def like_an_expected_run(self, alert: Alert, *, but: str) -> str | None:
        """The id of a run labelled as expected, other than ``but``, that was about as far out; None: there is none."""
        off = alert.value - alert.expected
        for run in self.past.expected(self.at, but=but):
            value = self.past.of(run).get(alert.metric)
            if value is None:
                continue
            was = value - alert.expected
            if value == alert.value or (off * was > 0 and 1 / LIKE <= off / was <= LIKE):
                return run.run_id
        return None

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Of each metric with enough past, where nineteen of twenty good runs lie."""
        high = self._at(2.0)
        return {metric: (low, high[metric]) for metric, low in self._at(-2.0).items()}

    def middles(self) -> dict[str, float]:
        """Of each of these, what is expected."""
        return self._at(0.0)

    def _at(self, step: float) -> dict[str, float]:
        """So many scales from the centre."""
        found: dict[str, float] = {}
        for group in self.baseline.groups:
            point, last = group.families[0], group.table.values[:, -1]
            values = group.scales.back(point.centre + step * point.scale, last)
            found |= dict(zip(group.table.metrics, values.tolist(), strict=True))
        return found

    def series(self, metric: str) -> list[tuple[EarlierRun, float]]:
        """The metric in the examples that have it, newest first."""
        return [(run, self.past.of(run)[metric]) for run in self.examples if metric in self.past.of(run)]


def past_of(
    history: History, settings: Historical, *, limit: int | None = None, runs: Sequence[EarlierRun] | None = None
) -> Past:
    """The last ``limit`` runs (``window`` unless given) with what is watched of them; ``runs``: if known already."""
    limit = limit or settings.window
    runs = history.runs(limit, committed=False) if runs is None else runs
    values = history.metrics(settings.watch, limit, committed=False)
    groups = frozenset(_groups(values.values()))
    past = Past(runs, values, groups)
    if not groups:
        return past
    return Past(runs, {run.run_id: past.complete(past.of(run), _read(run)) for run in runs}, groups)


def foretold(past: Past, at: datetime, settings: Historical, seasons: Seasons) -> Foretold:
    """What the past foretells of a run at ``at``."""
    from validate_updates_historical.baseline import learn
    from validate_updates_historical.series import Series

    examples = past.examples(at, seasons)
    history = {name: Series(times, values) for name, (times, values) in _columns(past, examples).items()}
    return Foretold(past, at, seasons.of(at), examples, learn(history, at, window=settings.window), settings)


def _columns(past: Past, runs: Iterable[EarlierRun]) -> dict[str, tuple[list[datetime], list[float]]]:
    """By metric, when it was measured and what it was. Metrics of the same runs share their times.

    Runs with the same metrics are turned into columns at once, which is most of the time that this takes.
    """
    alike: dict[tuple[str, ...], list[tuple[datetime, Iterable[float]]]] = {}
    for run in runs:
        values = past.of(run)
        alike.setdefault(tuple(values), []).append((run.started_at, values.values()))
    moments: list[tuple[datetime, ...]] = []
    parts: dict[str, list[int]] = {}
    numbers: dict[str, list[float]] = {}
    for place, (names, same) in enumerate(alike.items()):
        times, rows = zip(*same, strict=True)
        moments.append(times)
        for name, column in zip(names, zip(*rows, strict=True), strict=True):
            parts.setdefault(name, []).append(place)
            numbers.setdefault(name, []).extend(column)
    shared: dict[tuple[int, ...], list[datetime]] = {}
    for places in {tuple(places) for places in parts.values()}:
        shared[places] = [time for place in places for time in moments[place]]
    return {name: (shared[tuple(places)], numbers[name]) for name, places in parts.items()}


def watched_of(metrics: Values, settings: Historical) -> dict[str, float]:
    """Those of an update's metrics that are judged."""
    is_watched = names_like(settings.watch)
    return {name: value for name, value in metrics.items() if is_watched(name)}


def _read(run: EarlierRun) -> int:
    """Records of a run; of one by another program that is not known."""
    return 1 if run.kind == "import" else run.counts.read


def _groups(values: Iterable[Values]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for names, runs in Counter(tuple(one) for one in values).items():
        seen.update({name: runs for name in names if name.startswith("groups.")})
    return (name for name, runs in seen.items() if runs >= LEAST_SEEN)
