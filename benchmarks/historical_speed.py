"""What judging by the past costs: ``python -m benchmarks.historical_speed``. CPU time, imports apart.

Cold: from the numbers of earlier runs to a judgement. Cached: the same, with the baseline at hand.
"""

from __future__ import annotations

import time
from datetime import date, timedelta
from statistics import median

import numpy as np

from validate_updates_historical.baseline import learn
from validate_updates_historical.rule import decide
from validate_updates_historical.series import Series
from validate_updates_historical.settings import Historical

REPEATS = 5
SIZES = [(metrics, runs) for metrics in (10, 1000) for runs in (30, 365, 3650)]


def measure(metrics: int, runs: int) -> tuple[float, float]:
    """Median milliseconds, cold and cached."""
    rng = np.random.default_rng(1)
    days = [date(2015, 1, 1) + timedelta(day) for day in range(runs + 1)]
    levels = rng.uniform(1, 300, metrics)
    history = {
        f"metric {number}": Series(days[:-1], rng.poisson(level, runs).astype(float).tolist())
        for number, level in enumerate(levels)
    }
    update = {name: float(series.values[-1]) for name, series in history.items()}
    cold, cached = [], []
    for _ in range(REPEATS):
        start = time.process_time()
        baseline = learn(history, days[-1])
        learnt = time.process_time()
        decide(baseline, update, settings=Historical())
        done = time.process_time()
        cold.append(1000 * (done - start))
        cached.append(1000 * (done - learnt))
    return median(cold), median(cached)


def main() -> None:
    """Print the table. Of 3,650 runs the last 365 are looked at, which is the default."""
    start = time.process_time()
    measure(1, 60)
    print(f"first judgement, scipy's filters imported: {1000 * (time.process_time() - start):.0f} ms\n")
    print("| metrics | runs | cold ms | cached ms |\n| --- | --- | --- | --- |")
    for metrics, runs in SIZES:
        cold, cached = measure(metrics, runs)
        print(f"| {metrics:,} | {runs:,} | {cold:.1f} | {cached:.1f} |")


if __name__ == "__main__":
    main()
