"""The families of signals that look at sizes: one run, three, a week, a month, a step of a total, a sum of few.

Each is a deviation ``z`` of every past run and, since it is linear in the newest value, of the run to come as soon as
that is known: ``z = weight * (y - centre) / scale``. So all that costs time is done before the update is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from validate_updates_historical import expected, sums, tails
from validate_updates_historical.rolling import (
    Flags,
    Floats,
    Slots,
    chosen,
    levels_before,
    mean_over,
    median,
    nine_tenths,
    root_error,
)
from validate_updates_historical.scales import Scales

CLIP: Final = 3.0
"""Larger deviations count as this in means over several runs: one bad run is the business of the family `point`."""
LIGHT: Final = 2.75
"""Single runs that are out by no more than this in one of a hundred have no long tail: a Gaussian's is 2.33."""
CALM: Final = 1.3
"""A mean that varies up to so much more than if its runs had nothing to do with each other: they have not."""
KNOWN: Final = 60
"""Runs from which these can be told."""
SELDOM: Final = 0.3
"""What three runs or a week show, one run or a month mostly shows, too: half the alarms (10 ** -0.3) are theirs."""


@dataclass(frozen=True, slots=True)
class Family:
    """One way to look at metrics: where the next values should lie, and how rare deviations are."""

    name: str
    centre: Floats
    """The next value that this family expects, on the scale of judgement (of `step`: as it is; of `sum`: the sum)."""
    scale: Floats
    weight: float
    clip: Floats | None
    """(metrics, 2): lowest and highest value that counts, where the family takes a mean."""
    past: Floats
    """metrics x runs: past deviations, in usual sizes."""
    up: tails.Tail
    down: tails.Tail
    memory: int
    """A pause of so many runs does not end an episode."""
    of: Flags
    """Metrics that this family looks at."""
    tied: Flags
    """Metrics that mostly repeat their value, where a deviation that was seen twice is no news."""
    skip: int
    share: float
    """-log10 of its share of the false alarms."""
    sums: sums.Sums | None = None
    """Of the family that looks at sums."""

    def deviation(self, raw: Floats, values: Floats) -> Floats:
        """How far out the new values are, in usual sizes: as they are, and on the scale of judgement."""
        if self.name == "step":
            values = raw
        if self.sums is not None:
            values = self.sums.ending_with(raw)
        if self.clip is not None:
            values = np.clip(values, self.clip[:, 0], self.clip[:, 1])
        return np.asarray(self.weight * (values - self.centre) / self.scale)

    def strength(self, z: Floats, side: int) -> Floats:
        """How rare the deviations of new values are, upwards (+1) or downwards (-1)."""
        strength = (self.up if side > 0 else self.down).strength(side * z)
        return np.where(self.of, strength - self.share, 0.0)

    def strength_of(self, metric: int, side: int, runs: slice) -> Floats:
        """How rare the past deviations of a metric were."""
        tail = (self.up if side > 0 else self.down).pick(slice(metric, metric + 1))
        strength = tail.strength(side * self.past[metric : metric + 1, runs])[0]
        return np.asarray(np.where(self.of[metric], strength - self.share, 0.0))

    def strongest(self) -> Floats:
        """The most that it said of any metric, on either side, in each past run."""
        said = np.maximum(self.up.strength(self.past), self.down.strength(-self.past)) - self.share
        return np.asarray(np.max(np.where(self.of[:, None], said, 0.0), axis=0))

    def pick(self, rows: Slots) -> Family:
        """The same of these metrics, in this order."""
        return replace(
            self,
            centre=self.centre[rows],
            scale=self.scale[rows],
            clip=None if self.clip is None else self.clip[rows],
            past=self.past[rows],
            up=self.up.pick(rows),
            down=self.down.pick(rows),
            of=self.of[rows],
            tied=self.tied[rows],
            sums=None if self.sums is None else self.sums.pick(rows),
        )

    @property
    def is_one_run(self) -> bool:
        """Whether it looks at the new run alone."""
        return self.name in {"point", "step"}


@dataclass(frozen=True, slots=True)
class Window:
    """A mean over ``width`` runs against the level ``lag`` runs ago."""

    name: str
    width: int
    lag: int
    levels: tuple[int, ...]
    memory: int
    skip: int
    share: float

    def within(self, runs: int) -> Window:
        """The same, made to fit a short history: a third of it against what was half of it ago."""
        if runs >= self.lag + self.width + 7:
            return self
        return replace(self, width=min(self.width, runs // 3), lag=min(self.lag, runs // 2), skip=min(self.skip, 2))


WINDOWS: Final = (
    Window("days", width=3, lag=3, levels=(3, 7, 28), memory=4, skip=2, share=SELDOM),
    Window("week", width=7, lag=7, levels=(7, 28), memory=10, skip=6, share=SELDOM),
    Window("month", width=7, lag=28, levels=(7, 28), memory=21, skip=20, share=0),
)
"""Three runs show a small shift first, a week a smaller one, a month a slow decline that shorter windows follow."""


def learn(raw: Floats, values: Floats, past: expected.Past, weekdays: Slots, scales: Scales) -> Iterator[Family]:
    """The families, fastest first, from values (metrics x runs) as they are and on the scale of judgement."""
    runs = values.shape[1]
    first = expected.unsettled(runs)
    errors = values - past.expected[:, :runs]
    scale = tails.usual_size(errors, first, skip=0, least=scales.chance(values)[:, None], weekdays=weekdays)
    stock = scales.stock
    tied = (median(np.abs(np.diff(values, axis=1))) == 0) & (np.mean(raw == 0, axis=1) <= 0.3)
    every = np.ones(len(values), dtype=bool)
    point = _family("point", past.expected[:, runs], scale, errors, first, memory=1, of=every, tied=tied)
    light = (point.up.at(0.01) <= LIGHT) & (point.down.at(0.01) <= LIGHT)
    yield point
    if stock.any():
        yield _step(raw, stock)
    low, high = past.expected - CLIP * scale, past.expected + CLIP * scale
    clipped = np.clip(values, low[:, :runs], high[:, :runs]) - past.weekday[:, :runs]
    bounds = np.stack([low[:, runs], high[:, runs]], axis=1)
    for window in WINDOWS:
        fitting = window.within(runs)
        if window.name == "month":  # which is slower than a sum
            yield from _sum(sums.learn(raw, scales.unit, stock | np.any(past.weekday != 0, axis=1)))
        if fitting.lag >= fitting.width:
            same = tied & (window.name != "month")
            yield _window(fitting, clipped, past, scale, bounds=bounds, tied=same, light=light)


def _family(
    name: str,
    centre: Floats,
    scale: Floats,
    errors: Floats,
    first: int,
    *,
    memory: int,
    of: Flags,
    tied: Flags,
    weight: float = 1.0,
    clip: Floats | None = None,
    skip: int = 0,
    share: float = 0.0,
    gaussian: Flags | None = None,
    counted: sums.Sums | None = None,
    one_size: bool = False,
) -> Family:
    """``errors`` count from the run ``first`` on; ``one_size``: are as large either way, so that both judge a side."""
    runs = errors.shape[1]
    z = errors / scale[:, :runs]
    known = z[:, tails.counting(runs, first, skip)]
    if one_size:
        up = down = tails.tail(np.abs(known), gaussian)
    else:
        up, down = (tails.tail(side * known, gaussian) for side in (1, -1))
    return Family(name, centre, scale[:, runs], weight, clip, z, up, down, memory, of, tied, skip, share, counted)


def _window(
    window: Window,
    clipped: Floats,
    past: expected.Past,
    scale: Floats,
    *,
    bounds: Floats,
    tied: Flags,
    light: Flags,
) -> Family:
    runs = clipped.shape[1]
    level, errors, first = _against_level(window, mean_over(clipped, window.width), past.cleaned)
    so_far = np.sum(clipped[:, runs - window.width + 1 :], axis=1)
    independent = math.sqrt(1 / window.width + 1 / max(window.levels)) * median(scale)[:, None]
    usual = tails.usual_size(errors, first, skip=window.skip)
    return _family(
        window.name,
        window.width * level - so_far + past.weekday[:, runs],
        # a mean varies at least as if its runs had nothing to do with each other
        np.maximum(usual, independent),
        errors,
        first,
        memory=window.memory,
        of=np.ones(len(clipped), dtype=bool),
        tied=tied,
        weight=1 / window.width,
        clip=bounds,
        skip=window.skip,
        share=window.share,
        # by the central limit theorem, where it holds: what light tails add up to, if they have nothing to do with
        # each other, has a Gaussian's
        gaussian=light & (runs >= KNOWN) & (median(usual) <= CALM * independent[:, 0]),
    )


def _sum(few: sums.Sums) -> Iterator[Family]:
    if not few.of.any():
        return
    runs = few.past.shape[1]
    errors = few.past - few.expected[:, :runs]
    first = few.first if runs - few.first >= 8 else 0
    skip = sums.WIDTH - 1
    yield _family(
        "sum",
        few.expected[:, runs],
        np.maximum(tails.usual_size(errors, first, skip=skip), few.spread),
        errors,
        first,
        memory=10,
        of=few.of,
        tied=np.zeros(len(errors), dtype=bool),
        skip=skip,
        share=SELDOM,
        gaussian=few.of,
        counted=few,
    )


def _against_level(window: Window, means: Floats, cleaned: Floats) -> tuple[Floats, Floats, int]:
    """The level for the run to come, past deviations from theirs, and the first of these that counts.

    The level is taken over as many runs as fits each metric's past best.
    """
    runs = means.shape[1]
    most = max(3, runs - window.lag - window.width - 4)
    levels, enough = levels_before(cleaned, [min(width, most) for width in window.levels], window.lag - 1)
    first = enough if runs - enough >= 8 else 0
    wrong = np.array([root_error(means[:, first:] - level[:, first:runs]) for level in levels])
    level = chosen(levels, np.argmin(wrong, axis=0))
    return level[:, runs], means - level[:, :runs], first


def _step(raw: Floats, stock: Flags) -> Family:
    """The change of a total relative to itself: a step of 5 % is news where a run changes a thousandth."""
    runs = raw.shape[1]
    level = np.where(stock, median(np.abs(raw)), 1.0)[:, None]
    before = np.maximum(np.abs(raw), level / 1000)  # a total that fell to nothing is compared with what it was
    change = np.diff(raw, axis=1, prepend=raw[:, :1]) / np.concatenate([before[:, :1], before[:, :-1]], axis=1)
    change = np.where(stock[:, None], change, 0.0)
    usual = np.maximum(nine_tenths(np.abs(change[:, 1:])) / 1.645, 1e-12)
    scale = np.repeat(usual[:, None], runs + 1, axis=1)
    scale[:, runs] = usual * np.where(stock, before[:, -1], 1.0)
    nothing = np.zeros(len(raw), dtype=bool)
    # of a total that mostly grows, the few falls say too little by themselves of how large one may be
    return _family("step", raw[:, -1], scale, change, 1, memory=1, of=stock, tied=nothing, one_size=True)
