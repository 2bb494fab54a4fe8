"""The kinds of faults: what each does to the values of a metric, and where it can begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from validate_updates.testing.noise import Noise, Span
from validate_updates.testing.past import Role


class Kind(StrEnum):
    """What goes wrong."""

    SPIKE = "spike"
    DROP = "drop"
    ZERO = "zero"
    DOUBLED = "doubled import"
    TRUNCATED = "truncated feed"
    LEVEL_SHIFT = "level shift"
    DECLINE = "decline"
    TREND_REVERSAL = "trend reversal"
    STUCK = "stuck feed"
    CONSTANT = "constant that varies"
    ERRORS = "error rise"
    WEEKDAY = "weekday violation"


Touched = Callable[[Noise, int, float], Sequence[float] | None]
"""Values from the place on, under a fault of some strength; None where there is no such fault."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a kind of fault is made."""

    kind: Kind
    roles: frozenset[Role]
    within: int
    span: Span
    """Runs after the begin whose mean says how large it is."""
    touched: Touched
    form: str
    """With the strength in it."""
    strengths: tuple[float, ...] = ()
    """Of the forms it has of its own; where there are none, it is made to the sizes of GRADES."""
    between: tuple[float, float] = (0.0, 1.0)
    """The weakest and the strongest, of one that is made to a size."""
    side: int = 1
    """-1 where it goes down."""
    fits: Callable[[Noise, int], bool] = lambda _noise, _place: True
    """Whether it can begin there."""


# What they do


def _times(noise: Noise, place: int, factor: float, *, runs: int | None = None) -> list[float]:
    """The next runs with ``factor`` times their value."""
    return [_whole(noise, value * factor) for value in noise.values[place:][:runs]]


def _more(noise: Noise, place: int, factor: float) -> list[float]:
    return _times(noise, place, factor, runs=1)


def _less(noise: Noise, place: int, gone: float) -> list[float]:
    return _times(noise, place, 1 - gone, runs=1)


def _lower_level(noise: Noise, place: int, gone: float) -> list[float]:
    return _times(noise, place, 1 - gone)


def _cut(noise: Noise, place: int, part: float) -> list[float]:
    return _times(noise, place, part, runs=3)


def _declining(noise: Noise, place: int, part: float) -> list[float]:
    """Over 28 runs to ``part`` of what it would be, and it stays there."""
    after = noise.values[place:]
    return [value * (1 - (1 - part) * min(1.0, (run + 1) / 28)) for run, value in enumerate(after)]


def _fading(noise: Noise, place: int, gone: float) -> list[float]:
    """The same, to what is left without the part ``gone``."""
    return [_whole(noise, value) for value in _declining(noise, place, 1 - gone)]


def _raised(noise: Noise, place: int, more: float) -> list[float]:
    return [_whole(noise, value + more) for value in noise.values[place:]]


def _stuck(noise: Noise, place: int, runs: float) -> list[float]:
    return [noise.values[place - 1]] * int(runs)


def _other_weekday(noise: Noise, place: int, _: float) -> list[float] | None:
    """The last volume of the strongest weekday, on the weakest one; or the reverse."""
    strong, weak = _strongest_and_weakest(noise)
    other = strong if noise.slots[place] == weak else weak
    before = [one for one in range(max(0, place - 10), place) if noise.slots[one] == other and noise.good[one]]
    return [noise.values[before[-1]]] if before else None


def _reversed(noise: Noise, place: int, strength: float) -> list[float]:
    """It falls for 7 runs, ``strength`` times as fast as it rose, and stays low."""
    slope = (noise.values[place - 1] - noise.values[place - 22]) / 21
    after = noise.values[place:]
    return [_whole(noise, value - (1 + strength) * slope * min(run + 1, 7)) for run, value in enumerate(after)]


def _whole(noise: Noise, value: float) -> float:
    """A number of whole records; of a share, too, where all are of the same number of records."""
    if noise.records is not None:
        value = max(0, round(value * noise.records)) / noise.records
    return min(1.0, value) if noise.role is Role.SHARE else value


# Where they can begin


def _busy(noise: Noise, place: int) -> bool:
    """A run with at least its usual records: what is taken from nothing is nothing."""
    return noise.values[place] >= max(3.0, noise.level(place))


def _running(noise: Noise, place: int) -> bool:
    return noise.level(place) >= 3


def _mostly_full(noise: Noise, place: int) -> bool:
    return noise.level(place) > 0.5


def _mostly_empty(noise: Noise, place: int) -> bool:
    return noise.level(place) <= 0.5


def _lively(noise: Noise, place: int) -> bool:
    """Values seldom repeat, and the one that would is not zero."""
    repeats = sum(one == other for one, other in pairwise(noise.values))
    return noise.values[place - 1] > 0 and repeats < 0.5 * len(noise)


def _constant(noise: Noise, place: int) -> bool:
    return {*noise.values[place - 30 : place]} == {noise.values[place]} and noise.values[place] > 0


def _growing(noise: Noise, place: int) -> bool:
    steps = [after - before for before, after in pairwise(noise.values[place - 22 : place])]
    return sum(step > 0 for step in steps) > 0.9 * len(steps)


def _on_a_marked_weekday(noise: Noise, place: int) -> bool:
    return noise.slotted and noise.slots[place] in _strongest_and_weakest(noise)


def _strongest_and_weakest(noise: Noise) -> tuple[int, int]:
    """The slots, where the one has at least twice the volume of the other; else slots that there are not."""
    volumes: dict[int, list[float]] = {}
    for slot, value, good in zip(noise.slots, noise.values, noise.good, strict=True):
        if good:
            volumes.setdefault(slot, []).append(value)
    usual = {slot: sorted(values)[len(values) // 2] for slot, values in volumes.items()}
    strong, weak = max(usual, key=usual.__getitem__), min(usual, key=usual.__getitem__)
    return (strong, weak) if usual[strong] >= 2 * (usual[weak] + 1) else (-1, -1)


_VOLUME: Final = frozenset({Role.COUNT, Role.TOTAL})
_COUNT: Final = frozenset({Role.COUNT})
_SHARE: Final = frozenset({Role.SHARE})
_TOTAL: Final = frozenset({Role.TOTAL})
_ONE: Final = (0, 1)
_UP: Final = (1.0, 1000.0)
RECIPES: Final = (
    Recipe(Kind.SPIKE, _VOLUME, 1, _ONE, _more, "x {:.4g}", between=_UP, fits=_busy),
    Recipe(Kind.DROP, _VOLUME, 1, _ONE, _less, "{:.1%} less", side=-1, fits=_busy),
    Recipe(Kind.ZERO, _VOLUME, 1, _ONE, _more, "none", (0.0,), fits=_busy),
    Recipe(Kind.DOUBLED, _COUNT, 1, _ONE, _more, "x {:.0f}", (2.0,), fits=_busy),
    Recipe(Kind.TRUNCATED, _COUNT, 3, (0, 3), _cut, "3 runs with {:.0%}", (0.5, 0.25, 0.1), fits=_busy),
    Recipe(Kind.LEVEL_SHIFT, _VOLUME, 7, (0, 7), _times, "x {:.4g} from there", between=_UP, fits=_running),
    Recipe(Kind.LEVEL_SHIFT, _VOLUME, 7, (0, 7), _lower_level, "{:.1%} less from there", side=-1, fits=_running),
    Recipe(
        Kind.DECLINE, _SHARE, 35, (28, 35), _declining, "to {:.0%} in 28 runs", (0.95, 0.84, 0.7), fits=_mostly_full
    ),
    Recipe(Kind.DECLINE, _SHARE, 35, (28, 35), _fading, "{:.1%} less in 28 runs", side=-1, fits=_mostly_full),
    Recipe(Kind.DECLINE, _COUNT, 35, (28, 35), _fading, "{:.1%} fewer in 28 runs", side=-1, fits=_running),
    Recipe(
        Kind.TREND_REVERSAL, _TOTAL, 7, (0, 7), _reversed, "back at {:.0f} times the speed", (1.0, 3.0), fits=_growing
    ),
    Recipe(Kind.STUCK, _VOLUME, 10, _ONE, _stuck, "{:.0f} equal runs", (10.0,), fits=_lively),
    Recipe(Kind.CONSTANT, _VOLUME, 1, _ONE, _more, "x {}", (0.9, 1.1, 1.5), fits=_constant),
    Recipe(Kind.ERRORS, _SHARE, 7, (0, 7), _raised, "+ {:.2%}", fits=_mostly_empty),
    Recipe(
        Kind.WEEKDAY, _COUNT, 1, _ONE, _other_weekday, "that of another day or hour", (1.0,), fits=_on_a_marked_weekday
    ),
)
"""Every kind, in every form."""
