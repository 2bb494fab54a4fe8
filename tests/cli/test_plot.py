"""``history plot``: from the journal to a file that a browser shows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import Command
from validate_updates.testing import history

RUNS = history("weekly", seed=6, runs=50).updates


@pytest.fixture
def target(hearings: Path, tmp_path: Path, command: Command) -> str:
    """A database into whose journal a log of 50 runs was brought, the last but one of ten times the records."""
    rows = [f"{run.moment:%Y-%m-%d},{run.metrics['records']:.0f}" for run in RUNS]
    rows[-2] = f"{RUNS[-2].moment:%Y-%m-%d},{10 * RUNS[-2].metrics['records'] + 900:.0f}"
    (tmp_path / "log.csv").write_text("\n".join(["started_at,records.read", *rows]))
    url = f"sqlite:///{hearings}"
    said = command("history", "import", "log.csv", "--target", url, "--task", "hearings")
    assert said.code == 0, said.err
    return url


def test_a_drawing_with_the_alert(command: Command, target: str, tmp_path: Path) -> None:
    said = command("history", "plot", "records.read", "--target", target, "--output", "chart.svg")
    assert (said.code, said.out) == (0, "records.read of hearings, 50 runs: chart.svg\n")
    drawing = ET.parse(tmp_path / "chart.svg").getroot()
    alerts = [one for one in drawing.iter("{http://www.w3.org/2000/svg}circle") if one.get("class") == "alert"]
    assert f"{RUNS[-2].moment:%Y-%m-%d}" in "".join(text for alert in alerts for text in alert.itertext())


def test_labels_are_drawn_and_runs_are_limited(command: Command, target: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(target.removeprefix("sqlite:///"))) as database:
        newest = database.execute("SELECT run_id FROM update_logs ORDER BY run_no DESC LIMIT 1").fetchone()[0]
    assert command("runs", "ack", newest, "--incident", "--target", target).code == 0
    said = command(
        "history", "plot", "records.read", "--target", target, "--output", "c.html", "--limit", "9", "--format", "json"
    )
    assert said.json == {
        "schema_version": 1,
        "task": "hearings",
        "metric": "records.read",
        "runs": 9,
        "output": "c.html",
    }
    page = (tmp_path / "c.html").read_text()
    assert "<td>incident</td>" in page
    assert f"{RUNS[-10].moment:%Y-%m-%d}" not in page


@pytest.mark.parametrize(
    ("words", "told", "hint"),
    [
        (("nothing", "--output", "c.svg"), "no update of hearings has a metric nothing", "there are: records.read"),
        (("records.read", "--output", "c.gif"), "a chart is not written as .gif", "as .svg, .png or .html"),
        (
            ("records.read", "--output", "c.svg", "--detector", "batch"),
            "the plugin batch has no chart",
            "chart(settings)",
        ),
        (("records.read", "--output", "c.svg", "--task", "other"), "no update of other has a metric", "none yet"),
        (("records.read",), "--output is missing", "--help"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    command: Command, target: str, words: tuple[str, ...], told: str, hint: str
) -> None:
    said = command("history", "plot", *words, "--target", target)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert hint in said.err


def test_without_a_journal_there_is_nothing_to_draw(command: Command, hearings: Path) -> None:
    said = command(
        "history", "plot", "m", "--target", f"sqlite:///{hearings}", "--task", "hearings", "--output", "c.svg"
    )
    assert said.code == 2
    assert "there is no history yet" in said.err
