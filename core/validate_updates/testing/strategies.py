"""Hypothesis strategies of histories, and of histories with an anomaly in them. Needs ``validate-updates[testing]``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from validate_updates.testing.faults import Anomaly, anomalies
from validate_updates.testing.generators import RUNS, SHAPES, history
from validate_updates.testing.kinds import Kind

if TYPE_CHECKING:
    from validate_updates.testing.past import History

_SEEDS = st.integers(0, 2**32)


def histories(*, shapes: Sequence[str] = SHAPES, runs: int = RUNS) -> st.SearchStrategy[History]:
    """Histories without a fault."""
    return st.builds(history, st.sampled_from(tuple(shapes)), seed=_SEEDS, runs=st.just(runs))


@st.composite
def faulty_histories(
    draw: st.DrawFn,
    *,
    shapes: Sequence[str] = SHAPES,
    kinds: Sequence[Kind] = tuple(Kind),
    runs: int = RUNS,
    least: float = 0.0,
    most: float = float("inf"),
) -> Anomaly:
    """An anomaly of one of the ``kinds``, of a size from ``least`` to ``most``; its history is ``anomaly.history``."""
    clean, seed = draw(histories(shapes=shapes, runs=runs)), draw(_SEEDS)
    made = [one for one in anomalies(clean, seed=seed, kinds=kinds) if least <= one.size <= most]
    return draw(st.sampled_from(made) if made else st.nothing())
