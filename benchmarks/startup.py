"""What it costs to start: ``python -m benchmarks.startup``.

Processor time of whole processes, since that is what a job started every few minutes pays, and which of the heavy
libraries were loaded by then.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Final

from benchmarks import generate
from benchmarks.as_json import Figure, json_option, write
from benchmarks.report import Bar

COMMAND: Final = Path(sys.executable).with_name("validate-updates")
HEAVY: Final = ("alembic", "arro3", "msgspec", "numpy", "pluggy", "psycopg", "rich", "scipy", "sqlalchemy", "typer")
PROBE: Final = f"""
import sys, time
source = sys.argv.pop(1)
told = []

def tell(*_):
    loaded = [name for name in {HEAVY} if name in sys.modules]
    told[:] = [time.process_time(), *loaded]

sys.addaudithook(lambda event, what: tell() if event == "open" and str(what[0]) == source else None)
from validate_updates_cli.main import main
try:
    main()
finally:
    if not source:
        tell()
    print("probe:", *told)
"""
"""Runs the command; says how much time it had taken, and what it had loaded, when it last opened the source."""


def main() -> None:
    """Measure, print one line for each start and whether the bars hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description="Measure what it costs to start.")
    parser.add_argument("--repeats", type=int, default=11, help="measurements of each start (11)")
    json_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = generate.dataset(10, Path(folder))
        run = ["run", str(data.source), "--target", f"sqlite:///{data.base}", "--table", generate.TABLE]
        starts: dict[str, Callable[[], float]] = {
            "python -c pass": lambda: _whole([sys.executable, "-c", "pass"]),
            "validate-updates --version": lambda: _whole([str(COMMAND), "--version"]),
            "validate-updates run, to its first record": lambda: _probed(run, str(data.source))[0],
            "validate-updates run, ten records": lambda: _whole([str(COMMAND), *run]),
        }
        times: dict[str, list[float]] = {name: [] for name in starts}
        for _ in range(options.repeats):
            for name, start in starts.items():
                times[name].append(start() * 1000)
        loaded = {
            "validate-updates --version": _probed(["--version"], "")[1],
            "validate-updates run, to its first record": _probed(run, str(data.source))[1],
        }
    for name, each in times.items():
        print(f"{name:42} {median(each):6.0f} ms CPU   {' '.join(loaded.get(name, ()))}".rstrip())
    print()
    bars = [
        Bar(what=f"{name}: ms of CPU", limit=limit, value=median(times[name]))
        for name, limit in (("validate-updates --version", 200), ("validate-updates run, to its first record", 450))
    ]
    print(*bars, sep="\n")
    measured = ((name, repeat, time) for name, each in times.items() for repeat, time in enumerate(each))
    figures = (Figure("cpu", time, "ms", {"start": name, "repeat": repeat}) for name, repeat, time in measured)
    write(options.json, "startup", figures, bars)


def _whole(command: list[str]) -> float:
    """Seconds of processor time of a process from start to end."""
    before = getrusage(RUSAGE_CHILDREN)
    _output(command)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _probed(arguments: list[str], source: str) -> tuple[float, list[str]]:
    """Seconds of processor time until the source is opened, and the heavy libraries loaded by then."""
    output = _output([sys.executable, "-c", PROBE, source, *arguments])
    seconds, *loaded = output.rpartition("probe:")[2].split()
    return float(seconds), loaded


def _output(command: list[str]) -> str:
    child = subprocess.run(command, check=False, capture_output=True, text=True)
    if child.returncode != 0:
        raise SystemExit(f"{command} ended with {child.returncode}:\n{child.stdout}{child.stderr}")
    return child.stdout


if __name__ == "__main__":
    main()
