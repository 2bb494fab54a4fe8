"""Chance that is the same for the same seed, on every machine and in every version of Python."""

from __future__ import annotations

import math
import random


def chance(*seed: object) -> random.Random:
    """A stream of its own for each seed."""
    return random.Random("/".join(map(str, seed)))  # noqa: S311  # made to be foreseen


def poisson(rng: random.Random, mean: float) -> int:
    """How many of many rare things happen."""
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    left, count = math.exp(-mean), -1
    product = 1.0
    while product > left or count < 0:
        product *= rng.random()
        count += 1
    return count


def binomial(rng: random.Random, tries: int, share: float) -> int:
    """How many of ``tries`` turn out."""
    return sum(rng.random() < share for _ in range(tries))
