"""The latest values of a metric as a small drawing for terminals, with the range that was expected drawn in.

.. code-block:: text

                        ●  400


    ░░•░░░•░░░░░░•░░░░░    172 to 226 expected
    •░░•░░░•░•░░•░░•░•░
    ░•░░•░░░•░•░░░•░░░•
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

ROWS: Final = 6
VALUE, LATEST, BAND, NOTHING = "•", "●", "░", " "


def sketch(values: Sequence[float], low: float, high: float, said: Sequence[str]) -> tuple[str, ...]:
    """The values, oldest first, the newest marked; ``said``: of that one, and of the range from ``low`` to ``high``.

    Nothing where a number is not finite.
    """
    if not values or not all(map(math.isfinite, (*values, low, high))):
        return ()
    bottom, top = min(*values, low), max(*values, high)

    def row(value: float) -> int:
        """From 0 at the bottom. Halves first: the difference of two huge numbers would not be finite."""
        part = (value / 2 - bottom / 2) / (top / 2 - bottom / 2) if top > bottom else 0.0
        return min(int(part * ROWS), ROWS - 1)

    newest, band = row(values[-1]), range(row(low), row(high) + 1)
    legend = {band[-1]: f"{said[1]} expected"}
    legend[newest] = ", ".join(filter(None, (said[0], legend.get(newest, ""))))
    places = [row(value) for value in values]
    height = max(newest, band[-1], *places)
    return tuple(
        f"{''.join(_line(places, number, shaded=number in band))}  {legend.get(number, '')}".rstrip()
        for number in range(height, -1, -1)
    )


def _line(places: Sequence[int], number: int, *, shaded: bool) -> Iterator[str]:
    for run, place in enumerate(places):
        mark = LATEST if run == len(places) - 1 else VALUE
        yield mark if place == number else BAND if shaded else NOTHING
