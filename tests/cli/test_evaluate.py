"""``evaluate``: the table at 80 columns, the same as JSON, reproducible."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from validate_updates.testing import SHAPES, Kind, history

RARELY = """
def detect(past, update):
    return update.metrics.get("records") == 0 or update.metrics.get("rows") == 0
"""


@pytest.fixture(autouse=True)
def detector(tmp_path: Path, plain_terminal: None) -> Iterator[None]:  # noqa: ARG001  # which makes this the folder
    (tmp_path / "rarely.py").write_text(RARELY)
    yield
    sys.modules.pop("rarely", None)


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A history of 70 runs as a file."""
    rows = (
        f"{run.moment.isoformat()},{run.metrics['records']}\n" for run in history("weekly", seed=9, runs=70).updates
    )
    (tmp_path / "own.csv").write_text("date,records\n" + "".join(rows))
    return "own.csv"


def test_the_page_fits_a_terminal_and_names_every_kind_and_history(command: Command, own: str) -> None:
    said = command("evaluate", own, "--detector", "rarely:detect", "--runs", "70", "--verbose")
    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= 80
    words = said.out.partition("Missed")[0]
    assert all(f"  {name} " in words for name in (*Kind, *SHAPES, own))
    assert "spike (x " in said.out.partition("Missed")[2]


def test_the_same_seed_gives_the_same_bytes(command: Command) -> None:
    words = ("evaluate", "--detector", "rarely:detect", "--runs", "66", "--format", "json")
    first, again, other = command(*words), command(*words), command(*words, "--seed", "5")
    assert first.out == again.out != other.out


def test_json_has_the_counts(command: Command, own: str) -> None:
    found = command("evaluate", own, "--detector", "rarely:detect", "--runs", "66", "--format", "json").json
    assert found["detector"] == "rarely:detect"
    assert found["seed"] == 0
    kinds = {score["kind"]: score for score in found["evaluation"]["kinds"]}
    assert kinds["zero"]["far"]["hits"] == kinds["zero"]["far"]["of"] > 0
    assert kinds["spike"]["far"]["hits"] == 0 < kinds["spike"]["far"]["of"]
    assert len(kinds["spike"]["missed"]) == kinds["spike"]["far"]["of"]
    histories = {score["name"]: score for score in found["evaluation"]["histories"]}
    assert histories[own]["false_alarms"] == {"hits": 0, "of": 40}
    assert histories["intermittent"]["false_alarms"]["hits"] > 0
    assert found["evaluation"]["false_alarms"]["of"] == sum(one["false_alarms"]["of"] for one in histories.values())


def test_the_plugin_historical_by_default_under_the_settings(command: Command, tmp_path: Path) -> None:
    """Settings under which it cannot have learned enough: it never alarms."""
    (tmp_path / "validate-updates.toml").write_text("[plugins.historical]\nmin_days = 3000\n")
    found = command("evaluate", "--runs", "66", "--format", "json").json
    assert found["detector"] == "historical"
    assert found["evaluation"]["far"]["hits"] == 0 < found["evaluation"]["far"]["of"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--runs", "20"), 2, "--runs 20 leaves no room for anomalies"),
        (("--seed", "x"), 2, "--seed 'x' is not a whole number"),
        (("--detector", "nobody"), 2, "no plugin is called 'nobody'"),
        (("--detector", "nobody:detect"), 2, "the detector nobody:detect cannot be loaded: ModuleNotFoundError"),
        (("--detector", "batch"), 2, "the plugin batch has no detector"),
        (("none.csv", "--detector", "rarely:detect"), 3, "none.csv cannot be read"),
        (("short.csv", "--detector", "rarely:detect"), 3, "short.csv has 1 runs, which leaves no room for anomalies"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    command: Command, tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    (tmp_path / "short.csv").write_text("date,records\n2025-01-14,3\n")
    said = command("evaluate", *words)
    assert (said.code, said.out) == (code, "")
    assert told in said.err.splitlines()[0]


def test_a_detector_that_fails_is_no_defect_of_ours(command: Command, tmp_path: Path) -> None:
    (tmp_path / "rarely.py").write_text("def detect(past, update):\n    return past[0]['x']\n")
    said = command("evaluate", "--detector", "rarely:detect", "--runs", "66")
    assert said.code == 2
    assert "the detector rarely:detect failed at the run of 2024-0" in said.err
