"""The law of a detector, as one call for its tests: what is far outside is found, what is inside is not flagged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from validate_updates.testing.evaluation import Evaluation, Tally, evaluate, total
from validate_updates.testing.generators import suite
from validate_updates.testing.past import Detector, History


def check_detector(
    detector: Detector,
    histories: Iterable[History] | None = None,
    *,
    seed: int = 0,
    least_found: float = 0.9,
    most_false: float = 0.02,
    most_inside: float = 0.1,
) -> Evaluation:
    """Raise ``AssertionError``, which says what was missed, unless the detector keeps the law.

    Of the anomalies far outside it finds the part ``least_found``, of each kind; it calls unusual at most the part
    ``most_false`` of good runs, and ``most_inside`` of the anomalies that are like what the history does by itself
    (those that last get a false alarm at times, which is no fault of theirs). ``histories`` are those of the suite,
    unless others are given.
    """
    found = evaluate(detector, suite(seed=seed) if histories is None else histories, seed=seed)
    broken = list(_broken(found, least_found, most_false, most_inside))
    if broken:
        raise AssertionError("\n".join(broken))
    return found


def _broken(found: Evaluation, least_found: float, most_false: float, most_inside: float) -> Iterator[str]:
    for score in found.kinds:
        if _share(score.far, 1.0) < least_found:
            yield f"{score.kind}: {_of(score.far)} far outside found, at least {least_found:.0%} must be:"
            yield from (f"  {missed}" for missed in score.missed)
    for history in found.histories:
        if _share(history.false_alarms, 0.0) > most_false:
            yield f"{history.name}: {_of(history.false_alarms)} good runs flagged, at most {most_false:.1%} may be"
    inside = total(score.inside for score in found.kinds)
    if _share(inside, 0.0) > most_inside:
        yield f"{_of(inside)} anomalies inside the noise flagged, at most {most_inside:.0%} may be"


def _share(tally: Tally, without: float) -> float:
    return without if tally.share is None else tally.share


def _of(tally: Tally) -> str:
    return f"{tally.hits} of {tally.of}"
