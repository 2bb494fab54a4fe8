"""``evaluate``: what a detector of unusual updates finds, and how often it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from validate_updates.errors import SourceError, UsageError
from validate_updates.text import printable
from validate_updates_cli.commands.opening import settings_of
from validate_updates_cli.output import Shared, answer
from validate_updates_cli.progress import watching

if TYPE_CHECKING:
    from validate_updates.testing import History


def evaluate_detector(shared: Shared, files: Sequence[str], *, detector: str, seed: int, runs: int) -> int:
    """Walk the detector through the made-up histories and those of the files, with anomalies and without."""
    from validate_updates.testing import evaluate, find_detector
    from validate_updates_cli.render.evaluation import evaluation_page

    settings = settings_of(shared)
    asked = find_detector(detector, settings.plugin_tables, origins=settings.origins)
    histories = list(_histories(files, seed, runs))
    with watching(shared) as progress:
        found = evaluate(asked, histories, seed=seed, progress=progress.stage)
    data = {"detector": detector, "seed": seed, "evaluation": found}
    answer(shared, data, lambda look: evaluation_page(found, detector, look, verbose=shared.verbose))
    return 0


def _histories(files: Sequence[str], seed: int, runs: int) -> Iterator[History]:
    from validate_updates.testing import LEAST_RUNS, read_history, suite

    if runs < LEAST_RUNS:
        raise UsageError(f"--runs {runs} leaves no room for anomalies", hint=f"at least {LEAST_RUNS}")
    yield from suite(seed=seed, runs=runs)
    for file in files:
        history = read_history(Path(file))
        if len(history.updates) < LEAST_RUNS:
            raise SourceError(
                f"{printable(file, 300)} has {len(history.updates)} runs, which leaves no room for anomalies",
                hint=f"at least {LEAST_RUNS}",
            )
        yield history
