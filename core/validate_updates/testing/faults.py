"""Faults put into a history, one at a time, at graded sizes; what came before them is untouched.

Some are made to a size (a spike three times as far out as the history ever goes), the others have a form of their own
(a feed cut to a tenth of its records), and their size is measured.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from validate_updates.testing.chance import chance
from validate_updates.testing.kinds import RECIPES, Kind, Recipe
from validate_updates.testing.noise import Noise
from validate_updates.testing.past import History

START: Final = 30
"""Runs before the first anomaly: what a detector may learn from."""
LEAST_RUNS: Final = START + max(recipe.within for recipe in RECIPES)
"""Runs of a history into which every kind can be put."""
INSIDE: Final = 1.0
"""Up to this size an anomaly is like what the history does by itself, and nobody can be asked to find it."""
FAR: Final = 1.5
"""From this size on it is far outside: to be found."""
GRADES: Final = (0.5, 1.2, 1.8, 3.0)
"""Sizes of anomalies that are made to a size: inside, near, far outside, and farther."""

_Made = tuple[float, float, Sequence[float]]
"""Strength, size and the values from the place on."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A fault in a history."""

    kind: Kind
    form: str
    """What it is, in words: ``x 3.12``."""
    metric: str
    begin: int
    """Place of the first run that it touches."""
    within: int
    """Runs, from the first on, in which a detector may find it."""
    size: float
    """In units of the history's own noise: 1 is as far out as the untouched history ever goes on that side."""
    history: History
    """With the fault in it."""

    @property
    def inside(self) -> bool:
        """Whether it is like what the history does by itself."""
        return self.size <= INSIDE

    @property
    def far(self) -> bool:
        """Whether it is far outside."""
        return self.size >= FAR

    def __str__(self) -> str:
        return (
            f"{self.kind} ({self.form}, size {self.size:.2f}) of {self.metric} in {self.history.name}, run {self.begin}"
        )


def anomalies(
    history: History, *, seed: int = 0, sites: int = 1, kinds: Sequence[Kind] = tuple(Kind)
) -> Iterator[Anomaly]:
    """Every kind that the history can have, in each size, at ``sites`` places each; the same for the same seed."""
    for metric in history.roles:
        noise = Noise(history, metric)
        for recipe in RECIPES:
            if recipe.kind in kinds and noise.role in recipe.roles:
                rng = chance(seed, history.name, metric, recipe.kind, recipe.form)
                yield from _of_recipe(noise, recipe, rng, sites)


def _of_recipe(noise: Noise, recipe: Recipe, rng: random.Random, sites: int) -> Iterator[Anomaly]:
    free = [place for place in range(START, len(noise) - recipe.within + 1) if _free(noise, recipe, place)]
    make = _of_strength if recipe.strengths else _of_size
    for grade in recipe.strengths or GRADES:
        for place in sorted(rng.sample(free, min(sites, len(free)))):
            made = make(noise, recipe, place, grade)
            if made is not None:
                yield _anomaly(noise, recipe, place, made)


def _anomaly(noise: Noise, recipe: Recipe, place: int, made: _Made) -> Anomaly:
    strength, size, values = made
    runs = noise.runs[place:]
    return Anomaly(
        kind=recipe.kind,
        form=recipe.form.format(strength),
        metric=noise.metric,
        begin=runs[0],
        within=runs[recipe.within - 1] - runs[0] + 1,
        size=abs(size),
        history=noise.history.with_values(noise.metric, dict(zip(runs, values, strict=False))),
    )


def _free(noise: Noise, recipe: Recipe, place: int) -> bool:
    return all(noise.good[place : place + recipe.within]) and recipe.fits(noise, place)


def _of_strength(noise: Noise, recipe: Recipe, place: int, strength: float) -> _Made | None:
    values = recipe.touched(noise, place, strength)
    if values is None or values == noise.values[place : place + len(values)]:
        return None
    if recipe.kind is Kind.STUCK:
        return strength, len(values) / noise.longest_repeat(), values
    after = noise.values[place + len(values) :]
    return strength, noise.size([*noise.values[:place], *values, *after], place, recipe.span), values


def _of_size(noise: Noise, recipe: Recipe, place: int, asked: float) -> _Made | None:
    """Of the strength that comes nearest to the size; None where all are too small, or it grows in larger steps."""
    weak, strong = recipe.between
    for _ in range(50):
        middle = (weak + strong) / 2
        made = _of_strength(noise, recipe, place, middle)
        if (made[1] * recipe.side if made else 0.0) < asked:
            weak = middle
        else:
            strong = middle
    made = _of_strength(noise, recipe, place, strong)
    return made if made and abs(made[1] * recipe.side - asked) <= 0.15 * asked else None
