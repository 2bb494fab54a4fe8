"""Judging an update by its past: from the numbers of earlier runs and this one to a judgement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby

import numpy as np

from validate_updates_historical import score
from validate_updates_historical.baseline import LEAST, Baseline, Group, learn
from validate_updates_historical.judgement import Alert, Judgement, Phase, Signal
from validate_updates_historical.limits import RARER, limits
from validate_updates_historical.series import Period, Series, cut
from validate_updates_historical.settings import Historical

SAID = {
    "point": "this run alone",
    "step": "the change, relative to the level",
    "days": "the mean of 3 runs, against the runs before",
    "week": "the mean of 7 runs, against the week before and the month",
    "sum": "the sum of 7 runs, against the four weeks before",
    "month": "the mean of 7 runs, against the level four weeks ago",
    "stuck": "the same value again and again",
    "silence": "zeros for longer than ever",
    "constant": "a value that hardly ever changed",
}


def judge(
    history: Mapping[str, Series],
    update: Mapping[str, float],
    *,
    at: date,
    settings: Historical | None = None,
    periods: Iterable[Period] = (),
) -> Judgement:
    """What the committed earlier runs say about the metrics of a run at ``at``.

    To judge again with the same history, keep what ``learn`` gives and call ``decide``.
    """
    settings = settings or Historical()
    return decide(learn(history, at, window=settings.window, periods=periods), update, settings=settings)


def decide(baseline: Baseline, update: Mapping[str, float], *, settings: Historical) -> Judgement:
    """The same, from a baseline that is at hand. Metrics without a past, or that are no numbers, say nothing."""
    phase, runs = phase_of(baseline, settings)
    if phase is Phase.LEARNING:
        return Judgement(phase, runs, settings.min_days, ())
    asked = [group for group in baseline.groups if not update.keys().isdisjoint(group.table.metrics)]
    alerts = [alert for group in asked for alert in _alerts(group, update, baseline, settings)]
    return Judgement(phase, runs, settings.min_days, tuple(sorted(alerts, key=lambda alert: alert.metric)))


def phase_of(baseline: Baseline, settings: Historical) -> tuple[Phase, int]:
    """How far the past goes, and the runs of the metric with most of them."""
    runs = max(baseline.runs.values(), default=0)
    if runs < LEAST:
        return Phase.LEARNING, runs
    return (Phase.SHADOW if runs < settings.min_days else Phase.JUDGING), runs


def _alerts(group: Group, update: Mapping[str, float], baseline: Baseline, settings: Historical) -> Iterable[Alert]:
    values = cut(np.array([_number(update.get(name)) for name in group.table.metrics]))
    rate = settings.false_alarm_rate
    limit = limits(
        rate,
        independent=baseline.independent,
        together=float(group.together.at(rate / RARER)[0]),
        runs=group.runs,
        percent=settings.floor_percent,
        units=settings.floor_units,
    )
    found = sorted(score.hits(group, values, limit), key=lambda hit: (hit.metric, -hit.strength))
    for metric, said in groupby(found, key=lambda hit: hit.metric):
        yield _alert(group, metric, float(values[metric]), list(said))


def _number(value: float | None) -> float:
    return float("nan") if value is None or not np.isfinite(value) else float(value)


def _alert(group: Group, metric: int, value: float, said: list[score.Hit]) -> Alert:
    point, last = group.families[0], group.table.values[:, -1]
    low, middle, high = (
        float(group.scales.back(point.centre + step * point.scale, last)[metric]) for step in (-2.0, 0.0, 2.0)
    )
    return Alert(
        metric=group.table.metrics[metric],
        value=value,
        expected=middle,
        low=low,
        high=high,
        signals=tuple(Signal(hit.name, hit.strength, SAID[hit.name]) for hit in said),
        runs=group.runs,
    )
