"""What a detector of unusual updates is tested with: histories, anomalies in them, and what it finds.

A detector is a function of the earlier runs and the one under judgement whose answer is true for an alarm.
:func:`check_detector` is its whole test; :func:`evaluate` says how good it is; :func:`history`, :func:`suite` and
:func:`anomalies` make what they walk through, the same for the same seed; :func:`histories` and
:func:`faulty_histories` are the same for Hypothesis (``validate-updates[testing]``); :func:`read_history` reads a CSV.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from validate_updates.testing.csv_files import read_history
    from validate_updates.testing.detectors import find_detector
    from validate_updates.testing.evaluation import Evaluation, HistoryScore, KindScore, Tally, evaluate
    from validate_updates.testing.faults import FAR, INSIDE, LEAST_RUNS, START, Anomaly, anomalies
    from validate_updates.testing.generators import RUNS, SHAPES, history, suite
    from validate_updates.testing.kinds import Kind
    from validate_updates.testing.law import check_detector
    from validate_updates.testing.past import Detector, History, Role, Update
    from validate_updates.testing.strategies import faulty_histories, histories

_HOMES = {
    "csv_files": ("read_history",),
    "detectors": ("find_detector",),
    "evaluation": ("Evaluation", "HistoryScore", "KindScore", "Tally", "evaluate"),
    "faults": ("FAR", "INSIDE", "LEAST_RUNS", "START", "Anomaly", "anomalies"),
    "generators": ("RUNS", "SHAPES", "history", "suite"),
    "kinds": ("Kind",),
    "law": ("check_detector",),
    "past": ("Detector", "History", "Role", "Update"),
    "strategies": ("faulty_histories", "histories"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "FAR",
    "INSIDE",
    "LEAST_RUNS",
    "RUNS",
    "SHAPES",
    "START",
    "Anomaly",
    "Detector",
    "Evaluation",
    "History",
    "HistoryScore",
    "Kind",
    "KindScore",
    "Role",
    "Tally",
    "Update",
    "anomalies",
    "check_detector",
    "evaluate",
    "faulty_histories",
    "find_detector",
    "histories",
    "history",
    "read_history",
    "suite",
]


def __getattr__(name: str) -> Any:
    """Hypothesis is loaded only where its strategies are used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
