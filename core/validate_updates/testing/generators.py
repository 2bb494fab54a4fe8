"""Made-up histories of updates, of the shapes that real ones have; the same seed gives the same history.

Each run has the metrics ``records`` (or ``rows``, the total, where it is trending), ``coverage``, the share of records
with everything in them, and ``error_rate``, the share refused.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from validate_updates.testing.chance import binomial, chance, poisson
from validate_updates.testing.past import History, Role, Update

TRENDING: Final = "trending"
BEGIN: Final = datetime(2024, 1, 1, 6, tzinfo=UTC)
"""The first run of every made-up history, a Monday."""
RUNS: Final = 200
"""Runs of a history unless told otherwise: two of them in three can be judged by a month or more."""
WEEK: Final = (1.3, 1.2, 1.1, 1.2, 0.9, 0.25, 0.2)
"""Volume from Monday to Sunday, where nobody works at the weekend."""
SEASON: Final = 28
"""Runs from one recess to the next, which lasts 7."""

_Moments = Iterator[datetime]
_Volume = Callable[[random.Random, datetime, int], int]


def _daily(rng: random.Random) -> _Moments:
    moment = BEGIN
    while True:
        yield moment + timedelta(minutes=rng.random() * 10)
        moment += timedelta(days=1)


def _thrice_a_day(rng: random.Random) -> _Moments:
    moment = BEGIN
    while True:
        yield moment + timedelta(minutes=rng.random() * 10)
        moment += timedelta(hours=8)


def _weekly(rng: random.Random, moment: datetime, _run: int) -> int:
    return _around(rng, 120 * WEEK[moment.weekday()], 0.12)


def _bursty(rng: random.Random, _moment: datetime, _run: int) -> int:
    burst = rng.uniform(3, 12) if rng.random() < 0.06 else 1.0
    return _around(rng, 40 * burst, 0.35)


def _trending(rng: random.Random, _moment: datetime, _run: int) -> int:
    """What a run adds to the total."""
    return _around(rng, 25, 0.3)


def _intermittent(rng: random.Random, _moment: datetime, _run: int) -> int:
    return poisson(rng, rng.uniform(3, 15)) if rng.random() < 0.45 else 0


def _near_constant(rng: random.Random, _moment: datetime, _run: int) -> int:
    return 434 if rng.random() < 0.004 else 435


def _with_recesses(rng: random.Random, moment: datetime, run: int) -> int:
    return _around(rng, 120 * WEEK[moment.weekday()] * (0.1 if run % SEASON >= SEASON - 7 else 1.0), 0.12)


def _several_a_day(rng: random.Random, moment: datetime, _run: int) -> int:
    return _around(rng, {6: 90, 14: 160, 22: 30}[moment.hour], 0.12)


def _around(rng: random.Random, level: float, spread: float) -> int:
    """Records where the level itself varies by about ``spread`` of it."""
    return poisson(rng, level * math.exp(rng.gauss(0, spread)))


_VOLUMES: Final[dict[str, _Volume]] = {
    "weekly": _weekly,
    "bursty": _bursty,
    TRENDING: _trending,
    "intermittent": _intermittent,
    "near-constant": _near_constant,
    "recesses": _with_recesses,
    "several a day": _several_a_day,
}
SHAPES: Final = tuple(_VOLUMES)
"""``weekly``, ``bursty``, ``trending``, ``intermittent``, ``near-constant``, ``recesses``, ``several a day``."""


def history(shape: str, *, seed: int = 0, runs: int = RUNS) -> History:
    """A history of one of the :data:`SHAPES`. Raises ``ValueError`` for any other."""
    if shape not in _VOLUMES:
        raise ValueError(f"no history has the shape {shape!r}; there are {', '.join(SHAPES)}")
    rng = chance(seed, shape)
    moments = _thrice_a_day(rng) if shape == "several a day" else _daily(rng)
    updates = tuple(_updates(rng, moments, shape, runs))
    lead = {"rows": Role.TOTAL} if shape == TRENDING else {"records": Role.COUNT}
    return History(
        name=shape,
        updates=updates,
        roles={**lead, "coverage": Role.SHARE, "error_rate": Role.SHARE},
        quiet=tuple(_recesses(runs)) if shape == "recesses" else (),
    )


def suite(*, seed: int = 0, runs: int = RUNS) -> tuple[History, ...]:
    """One history of every shape."""
    return tuple(history(shape, seed=seed, runs=runs) for shape in SHAPES)


def _updates(rng: random.Random, moments: _Moments, shape: str, runs: int) -> Iterator[Update]:
    """All of a run is drawn before the next one: a longer history begins like a shorter one."""
    rows = 20_000
    for run, moment in zip(range(runs), moments, strict=False):
        records = _VOLUMES[shape](rng, moment, run)
        rows += records
        lead = {"rows": float(rows)} if shape == TRENDING else {"records": float(records)}
        yield Update(moment, {**lead, **_shares(rng)})


def _shares(rng: random.Random) -> dict[str, float]:
    """Shares of 400 records: as many as a run looks at, whatever it changes."""
    return {"coverage": binomial(rng, 400, 0.95) / 400, "error_rate": poisson(rng, 1.0) / 400}


def _recesses(runs: int) -> Iterator[range]:
    for begin in range(SEASON - 7, runs, SEASON):
        yield range(begin, min(begin + 7, runs))
