"""How far out a number is, in units of the history's own noise: 1 is as far as the untouched history ever goes.

Counts are compared by their logarithm, shares as they are, totals by what they change from run to run. What a run is
compared with is the median of its neighbours on both sides, of its own weekday or hour where these tell much; a
detector sees the one side only. Runs of recesses are no neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Final

from validate_updates.testing.past import History, Role

NEIGHBOURS: Final = 28
"""Runs on either side that make the level of a run; 42 where only those of its weekday count."""
BEFORE: Final = 56
"""Runs before an anomaly that make the level which a lasting one is compared with."""
LOOK: Final = 180
"""Runs on either side whose noise counts."""
FLAT: Final = 0.01
"""Part of a count's level up to which it is flat."""
TELLING: Final = 0.35
"""Part of the variance that weekday or hour must explain before they count."""
MEASURED: Final = 1e-6
"""Smaller differences of shares are rounding."""

Span = tuple[int, int]
"""Runs after the begin, from and to (not included), whose mean is compared."""


class Noise:
    """The noise of one metric in a history without a fault. Places are those in the metric's own runs."""

    def __init__(self, history: History, metric: str) -> None:
        self.history, self.metric = history, metric
        self.values = history.values(metric)
        self.role = history.roles[metric]
        self.records = _records(self.values) if self.role is Role.SHARE else 1
        """Of how many records all shares are: None where that differs. What else there is comes by ones."""
        self.runs = history.runs_of(metric)
        quiet = {run for spell in history.quiet for run in spell}
        self.good = [run not in quiet for run in self.runs]
        self.slots = _slots(history, self.runs)
        self._y = [self._scaled(value) for value in self.values]
        if not _tells(self.slots, self._y, self.good):
            self.slots = [0] * len(self.slots)
        self.slotted = len(set(self.slots)) > 1
        self._expected = cache(self._level)
        self._base = cache(self._level_before)
        self._clean = cache(self._window_of_clean)

    def __len__(self) -> int:
        return len(self.values)

    def size(self, values: Sequence[float], begin: int, span: Span) -> float:
        """How far out ``values`` are over the ``span`` from ``begin``: below 0 where they are lower than usual.

        0 where there is nothing to compare with.
        """
        if span == (0, 1):
            return self._in_units(self._point(values, begin), [self._point(self.values, u) for u in self._near(begin)])
        reach = span[1]
        clean = [self._clean(u, span) for u in self._near(begin, apart=reach) if self._undisturbed(u, reach)]
        return self._in_units(self._window(values, begin, span), clean)

    def longest_repeat(self) -> int:
        """Runs of the longest spell with one value."""
        longest = length = 1
        for one, other in pairwise(self.values):
            length = length + 1 if one == other else 1
            longest = max(longest, length)
        return longest

    def level(self, place: int) -> float:
        """What is usual there, as a value."""
        nearby = self.values[max(0, place - 30) : place] or self.values[:1]
        return _median(nearby)

    def _in_units(self, deviation: float, clean: Iterable[float]) -> float:
        clean = list(clean)
        if not clean:
            return 0.0
        centre = _median(clean) if self.role is Role.TOTAL else 0.0
        side = 1.0 if deviation >= centre else -1.0
        farthest = max((one - centre) * side for one in clean)
        return (deviation - centre) / max(farthest, self._least())

    def _least(self) -> float:
        """The smallest noise there can be: of a share a tenth of a per cent, else one record, of a count one per cent.

        A count that is always the same is flat to those who read it: two of 435 more are nobody's fault.
        """
        if self.role is Role.SHARE:
            return 0.001
        usual = max(_median(self.values), 0.0)
        more = max(1.0, FLAT * usual) if self.role is Role.COUNT else 1.0
        return math.log1p(usual + more) - math.log1p(usual)

    def _point(self, values: Sequence[float], place: int) -> float:
        now = self._scaled(values[place])
        return now - (self._y[place - 1] if self.role is Role.TOTAL else self._expected(place))

    def _window(self, values: Sequence[float], begin: int, span: Span) -> float:
        first, last = span
        if self.role is Role.TOTAL:
            return self._scaled(values[begin + last - 1]) - self._y[begin - 1]
        places = range(begin + first, begin + last)
        return sum(self._scaled(values[place]) - self._base(begin, place) for place in places) / len(places)

    def _window_of_clean(self, begin: int, span: Span) -> float:
        return self._window(self.values, begin, span)

    def _undisturbed(self, begin: int, reach: int) -> bool:
        return begin >= 14 and begin + reach <= len(self) and all(self.good[begin : begin + reach])

    def _near(self, begin: int, apart: int = 0) -> list[int]:
        places = range(max(1, begin - LOOK), min(len(self), begin + LOOK))
        return [place for place in places if self.good[place] and abs(place - begin) > apart]

    def _level(self, place: int) -> float:
        reach = NEIGHBOURS * 3 // 2 if self.slotted else NEIGHBOURS
        around = range(max(0, place - reach), min(len(self), place + reach + 1))
        return self._middle((one for one in around if one != place), place)

    def _level_before(self, begin: int, place: int) -> float:
        return self._middle(range(max(0, begin - BEFORE), begin), place)

    def _middle(self, places: Iterable[int], like: int) -> float:
        """The median over places like ``like``; over all of them where too few are."""
        good = [place for place in places if self.good[place]]
        alike = [place for place in good if self.slots[place] == self.slots[like]]
        chosen = alike if len(alike) >= 3 else good
        return _median([self._y[place] for place in chosen]) if chosen else self._y[like]

    def _scaled(self, value: float) -> float:
        return value if self.role is Role.SHARE else math.log1p(max(value, 0.0))


def _records(shares: Sequence[float]) -> int | None:
    """The records that all shares are of; None where they are of different numbers."""
    known = sorted({*shares})
    step = min((after - before for before, after in pairwise(known)), default=0.0)
    records = round(1 / step) if step > MEASURED else 0
    whole = records > 0 and all(abs(share * records - round(share * records)) < MEASURED for share in known)
    return records if whole else None


def _slots(history: History, runs: Sequence[int]) -> list[int]:
    """Weekdays, or parts of the day where there are several runs in one."""
    moments = [history.updates[run].moment for run in runs]
    gaps = [(after - before).total_seconds() for before, after in pairwise(moments)]
    if gaps and _median(gaps) < 18 * 3600:
        return [moment.hour // 4 for moment in moments]
    return [moment.weekday() for moment in moments]


def _tells(slots: Sequence[int], y: Sequence[float], good: Sequence[bool]) -> bool:
    """Whether the slot explains much of the variance."""
    groups: dict[int, list[float]] = {}
    for slot, value, counts in zip(slots, y, good, strict=True):
        if counts:
            groups.setdefault(slot, []).append(value)
    every = [value for group in groups.values() for value in group]
    whole = _squares(every)
    return len(groups) > 1 and whole > 0 and 1 - sum(map(_squares, groups.values())) / whole > TELLING


def _squares(values: Sequence[float]) -> float:
    mean = sum(values) / len(values) if values else 0.0
    return sum((value - mean) ** 2 for value in values)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
