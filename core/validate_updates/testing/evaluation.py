"""What a detector is worth: which anomalies it finds, how late, and how often it calls a good run unusual."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from validate_updates.testing.faults import START, Anomaly, anomalies
from validate_updates.testing.kinds import Kind
from validate_updates.testing.past import Detector, History

SITES: Final = 2
"""Places at which each size of each kind is put into a history."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of how many."""

    hits: int = 0
    of: int = 0

    @property
    def share(self) -> float | None:
        """None where there was nothing to hit."""
        return self.hits / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class KindScore:
    """One kind of anomaly."""

    kind: Kind
    far: Tally
    """Found, of those far outside."""
    near: Tally
    """Found, of those in between."""
    inside: Tally
    """Flagged, of those that are like what the history does by itself."""
    by_chance: Tally
    """Those far outside in whose runs the untouched history raises an alarm, too."""
    delay: float | None
    """Runs from the begin to the first alarm, the mean of those found far outside; 0 where the first run says it."""
    missed: tuple[str, ...]
    """Those far outside that were not found."""


@dataclass(frozen=True, slots=True)
class HistoryScore:
    """One history without a fault, and the anomalies that were put into it."""

    name: str
    false_alarms: Tally
    """Of its runs, without the first ones and the quiet ones."""
    far: Tally
    quiet: tuple[Tally, ...]
    """Alarms in its recesses: the first, the second, ..."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A detector against all histories."""

    kinds: tuple[KindScore, ...]
    histories: tuple[HistoryScore, ...]
    far: Tally = field(init=False)
    false_alarms: Tally = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "far", total(score.far for score in self.kinds))
        object.__setattr__(self, "false_alarms", total(score.false_alarms for score in self.histories))


def evaluate(
    detector: Detector,
    histories: Iterable[History],
    *,
    seed: int = 0,
    sites: int = SITES,
    progress: Callable[[str], object] = lambda _name: None,
) -> Evaluation:
    """Walk through the histories run by run, and through each anomaly that is put into them.

    ``progress`` is called with the name of each history. Raises what the detector raises.
    """
    trials: list[_Trial] = []
    scores = []
    for history in histories:
        progress(history.name)
        walk = _Walk(detector, history)
        tried = [walk.trial(anomaly) for anomaly in anomalies(history, seed=seed, sites=sites)]
        scores.append(walk.score(tried))
        trials += tried
    return Evaluation(tuple(_kind_score(kind, trials) for kind in Kind), tuple(scores))


@dataclass(frozen=True, slots=True)
class _Trial:
    anomaly: Anomaly
    delay: int | None
    """None where it was not found."""
    chance: bool
    """Whether the untouched history raises an alarm in the same runs."""


class _Walk:
    """A detector in an untouched history; each of its runs is judged once."""

    def __init__(self, detector: Detector, history: History) -> None:
        self._detector = detector
        self._history = history
        self._alarms: dict[int, bool] = {}

    def trial(self, anomaly: Anomaly) -> _Trial:
        runs = range(anomaly.begin, anomaly.begin + anomaly.within)
        first = next((run for run in runs if self._judge(anomaly.history, run)), None)
        return _Trial(anomaly, None if first is None else first - anomaly.begin, any(map(self._alarm, runs)))

    def score(self, trials: Sequence[_Trial]) -> HistoryScore:
        quiet = {run for spell in self._history.quiet for run in spell}
        good = [run for run in range(START, len(self._history.updates)) if run not in quiet]
        return HistoryScore(
            name=self._history.name,
            false_alarms=Tally(sum(map(self._alarm, good)), len(good)),
            far=_found(trial for trial in trials if trial.anomaly.far),
            quiet=tuple(Tally(sum(map(self._alarm, spell)), len(spell)) for spell in self._history.quiet),
        )

    def _alarm(self, run: int) -> bool:
        if run not in self._alarms:
            self._alarms[run] = self._judge(self._history, run)
        return self._alarms[run]

    def _judge(self, history: History, run: int) -> bool:
        return bool(self._detector(history.before(run), history.updates[run]))


def _kind_score(kind: Kind, trials: Sequence[_Trial]) -> KindScore:
    tried = [trial for trial in trials if trial.anomaly.kind is kind]
    far = [trial for trial in tried if trial.anomaly.far]
    inside = [trial for trial in tried if trial.anomaly.inside]
    delays = [trial.delay for trial in far if trial.delay is not None]
    return KindScore(
        kind=kind,
        far=_found(far),
        near=_found(trial for trial in tried if not (trial.anomaly.far or trial.anomaly.inside)),
        inside=_found(inside),
        by_chance=Tally(sum(trial.chance for trial in far), len(far)),
        delay=sum(delays) / len(delays) if delays else None,
        missed=tuple(str(trial.anomaly) for trial in far if trial.delay is None),
    )


def _found(trials: Iterable[_Trial]) -> Tally:
    tried = list(trials)
    return Tally(sum(trial.delay is not None for trial in tried), len(tried))


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    every = list(tallies)
    return Tally(sum(one.hits for one in every), sum(one.of for one in every))
