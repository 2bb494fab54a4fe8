"""The families of signals that look at sizes: one run, three, a week, a month, and the step of a total.

Each is a deviation ``z`` of every past run and, since it is linear in the newest value, of the run to come as soon as that is
known: ``z = weight * (y - centre) / scale``. So all that costs time is done before the update is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from validate_updates_historical import expected, tails
from validate_updates_historical.rolling import Flags, Floats, Slots, level_before, mean_over
from validate_updates_historical.scales import Scales

CLIP: Final = 3.0
"""Deviations beyond this count as this in means over several runs: one bad run is the business of the family `point`."""


@dataclass(frozen=True, slots=True)
class Family:
    """One way to look at a metric: where the next value should lie, and how rare deviations are. Arrays: one per metric."""

    name: str
    centre: Floats
    """The next value that this family expects, on the scale of judgement (of `step`: as it is)."""
    scale: Floats
    weight: float
    clip: Floats | None
    """(metrics, 2): lowest and highest value that counts, where the family takes a mean."""
    past: Floats
    """metrics x runs: past deviations, in usual sizes."""
    up: tails.Tail
    down: tails.Tail
    memory: int
    """An alert is not repeated for so many runs."""
    of: Flags
    """Metrics that this family looks at."""
    tied: Flags
    """Metrics that mostly repeat their value, where a deviation that was seen twice is no news."""
    skip: int

    def deviation(self, values: Floats) -> Floats:
        """How far out the new values are, in usual sizes."""
        if self.clip is not None:
            values = np.clip(values, self.clip[:, 0], self.clip[:, 1])
        return np.asarray(self.weight * (values - self.centre) / self.scale)


@dataclass(frozen=True, slots=True)
class Window:
    """A mean over ``width`` runs against the level ``lag`` runs ago."""

    name: str
    width: int
    lag: int
    levels: tuple[int, ...]
    memory: int
    skip: int

    def within(self, runs: int) -> Window:
        """The same, made to fit a short history: a third of it against what was half of it ago."""
        if runs >= self.lag + self.width + 7:
            return self
        return replace(self, width=min(self.width, runs // 3), lag=min(self.lag, runs // 2), skip=min(self.skip, 2))


WINDOWS: Final = (
    Window("days", width=3, lag=3, levels=(3, 7, 28), memory=4, skip=2),
    Window("week", width=7, lag=7, levels=(7, 28), memory=10, skip=6),
    Window("month", width=7, lag=28, levels=(7, 28), memory=21, skip=20),
)
"""Three runs show a small shift first, a week a smaller one, and a month a slow decline that a shorter window follows."""


def learn(raw: Floats, values: Floats, past: expected.Past, weekdays: Slots, scales: Scales) -> Iterator[Family]:
    """The families, fastest first. ``raw`` and ``values``: metrics x runs, as they are and on the scale of judgement."""
    runs = values.shape[1]
    judged = expected.settled(runs)
    errors = values - past.expected[:, :runs]
    scale = tails.usual_size(errors, judged, skip=0, least=scales.chance(values)[:, None], weekdays=weekdays)
    stock = scales.stock
    tied = (np.median(np.abs(np.diff(values, axis=1)), axis=1) == 0) & (np.mean(raw == 0, axis=1) <= 0.3)
    every = np.ones(len(values), dtype=bool)
    yield _family("point", past.expected[:, runs], scale, errors, judged, memory=1, of=every, tied=tied)
    if stock.any():
        yield _step(raw, stock)
    low, high = past.expected - CLIP * scale, past.expected + CLIP * scale
    clipped = np.clip(values, low[:, :runs], high[:, :runs]) - past.weekday[:, :runs]
    bounds = np.stack([low[:, runs], high[:, runs]], axis=1)
    for window in WINDOWS:
        fitting = window.within(runs)
        if fitting.lag >= fitting.width:
            yield _window(fitting, clipped, past, bounds, tied & (window.name != "month"), scale)


def _family(
    name: str,
    centre: Floats,
    scale: Floats,
    errors: Floats,
    judged: Flags,
    *,
    memory: int,
    of: Flags,
    tied: Flags,
    weight: float = 1.0,
    clip: Floats | None = None,
    skip: int = 0,
) -> Family:
    runs = errors.shape[1]
    z = errors / scale[:, :runs]
    known = z[:, judged]
    known = known[:, : max(8, known.shape[1] - skip)]
    up, down = tails.tail(known), tails.tail(-known)
    return Family(name, centre, scale[:, runs], weight, clip, z, up, down, memory, of, tied, skip)


def _window(
    window: Window, clipped: Floats, past: expected.Past, bounds: Floats, tied: Flags, single: Floats
) -> Family:
    runs = clipped.shape[1]
    means = mean_over(clipped, window.width)
    options = []
    for width in window.levels:
        level, enough = level_before(
            past.cleaned, min(width, max(3, runs - window.lag - window.width - 4)), window.lag - 1
        )
        options.append((level, enough))
    judged = np.logical_and.reduce([enough[:runs] for _, enough in options])
    if np.sum(judged) < 8:
        judged = np.ones(runs, dtype=bool)
    levels = np.array([level for level, _ in options])
    wrong = np.array([np.mean(np.sqrt(np.abs(means - level[:, :runs])[:, judged]), axis=1) for level in levels])
    level = levels[np.argmin(wrong, axis=0), np.arange(len(clipped))]
    errors = means - level[:, :runs]
    so_far = np.sum(clipped[:, runs - window.width + 1 :], axis=1)
    return _family(
        window.name,
        window.width * level[:, runs] - so_far + past.weekday[:, runs],
        np.maximum(
            tails.usual_size(errors, judged, skip=window.skip),
            _least(window) * np.median(single, axis=1, keepdims=True),
        ),
        errors,
        judged,
        memory=window.memory,
        of=np.ones(len(clipped), dtype=bool),
        tied=tied,
        weight=1 / window.width,
        clip=bounds,
        skip=window.skip,
    )


def _least(window: Window) -> float:
    """A mean varies at least as if its runs had nothing to do with each other, in deviations of single runs."""
    return math.sqrt(1 / window.width + 1 / max(window.levels))


def _step(raw: Floats, stock: Flags) -> Family:
    """The change of a total relative to itself: a step of 5 % is news where a run changes a thousandth."""
    runs = raw.shape[1]
    before = np.maximum(np.abs(raw), np.finfo(np.float64).tiny)
    change = np.diff(raw, axis=1, prepend=raw[:, :1]) / np.concatenate([before[:, :1], before[:, :-1]], axis=1)
    change = np.where(stock[:, None], change, 0.0)
    usual = np.maximum(np.quantile(np.abs(change[:, 1:]), 0.9, axis=1) / 1.645, 1e-12)
    scale = np.repeat(usual[:, None], runs + 1, axis=1)
    scale[:, runs] = usual * np.where(stock, before[:, -1], 1.0)
    judged = np.arange(runs) > 0
    nothing = np.zeros(len(raw), dtype=bool)
    return _family("step", raw[:, -1], scale, change, judged, memory=1, of=stock, tied=nothing)
