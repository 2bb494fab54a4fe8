"""The figures for Prometheus: a file that node_exporter's textfile collector reads, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from validate_updates import RunError, RunState, write_whole
from validate_updates_monitoring.criteria import State
from validate_updates_monitoring.health import Report

_PREFIX = "validate_updates"
_HELP = {
    "health": "0 healthy, 1 degraded, 2 unhealthy",
    "last_success_timestamp_seconds": "end of the last run that was committed",
    "last_run_timestamp_seconds": "start of the last run",
    "runs": "updates in the window, by how they ended",
    "records": "records in the window, by what became of them",
    "criterion_value": "the figure of a criterion of success",
    "criterion_pass": "1 where a criterion is met, 0 where it is not; absent where it is not known",
}
_FATES = ("inserted", "updated", "unchanged", "duplicates", "quarantined", "rolled_back", "deleted")

Sample = tuple[str, dict[str, str], float]


def write_textfile(path: Path, reports: Sequence[Report]) -> None:
    """Write the file, for others to read. Raises ``RunError`` where that cannot be."""
    try:
        write_whole(path, exposition(reports), mode=0o644)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}", hint="check the folder: --textfile") from None


def exposition(reports: Sequence[Report]) -> str:
    """The figures of all tasks in Prometheus' text form."""
    samples = [sample for report in reports for sample in _samples(report)]
    lines: list[str] = []
    for name, told in _HELP.items():
        of_name = [one for one in samples if one[0] == name]
        if of_name:
            lines += [f"# HELP {_PREFIX}_{name} {told}", f"# TYPE {_PREFIX}_{name} gauge"]
            lines += [f"{_PREFIX}_{name}{{{_labels(labels)}}} {value:.17g}" for _, labels, value in of_name]
    return "\n".join([*lines, ""])


def _samples(report: Report) -> Iterator[Sample]:
    figures, task = report.figures, {"task": report.figures.task}
    yield "health", task, report.health.rank
    if figures.last_success:
        yield "last_success_timestamp_seconds", task, figures.last_success.timestamp()
    if figures.runs:
        yield "last_run_timestamp_seconds", task, figures.runs[0].started_at.timestamp()
    for state in RunState:
        if state is not RunState.RUNNING:
            yield "runs", {**task, "state": state.value}, len(figures.of(state))
    ended = [run.fates for run in figures.runs]
    for fate in _FATES:
        yield "records", {**task, "fate": fate}, sum(getattr(one, fate) for one in ended)
    for one in report.criteria:
        labels = {**task, "criterion": one.name.replace(" ", "_")}
        if one.value is not None:
            yield "criterion_value", labels, one.value
        if one.state in {State.PASS, State.FAIL}:
            yield "criterion_pass", labels, float(one.state is State.PASS)


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
