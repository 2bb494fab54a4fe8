"""``plugins enable|shadow|disable|reset``, and where what they did is shown."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import Command

SETTINGS = """
target = "sqlite:///{database}"

[tasks.daily]
source = "day.jsonl"
plugins = ["batch", "static_thresholds:shadow"]

[tasks.daily.tables.hearings]

[tasks.hourly]
source = "day.jsonl"

[tasks.hourly.tables.hearings]

[plugins.static_thresholds]
added_most = 1
"""
OCEANS, SPACE = {"event_id": 3, "title": "Oceans", "room": "C"}, {"event_id": 4, "title": "Space", "room": "D"}


@pytest.fixture(autouse=True)
def job(tmp_path: Path, hearings: Path, records: Callable[..., Path]) -> Path:
    file = tmp_path / "validate-updates.toml"
    file.write_text(SETTINGS.format(database=hearings))
    records(OCEANS, SPACE)
    return file


def test_a_switch_is_made_and_shown(command: Command) -> None:
    said = command("plugins", "enable", "static_thresholds", "--task", "daily", "--reason", "two good weeks")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("daily: from its next run on static_thresholds is enforce\n")
    listed = command("plugins", "list", "--task", "daily").out
    assert f"static_thresholds  enforce  switch of {getpass.getuser()}, 20" in listed
    assert "batch              enforce  validate-updates.toml: tasks.daily.plugins" in listed
    shown = command("config", "show", "--origin").out
    assert "tasks.daily.plugins: static_thresholds" in shown
    assert "two good weeks" in shown
    assert '"reject"  # default\n' in shown, "however long a reason is, values stay on their line"
    assert "two good weeks" not in command("config", "show").out
    assert command("run", "daily").code == 1

    command("plugins", "reset", "static_thresholds", "--task", "daily", "--reason", "too strict")

    assert "static_thresholds  shadow   validate-updates.toml" in command("plugins", "list", "--task", "daily").out
    assert command("run", "daily").code == 0


def test_as_json(command: Command) -> None:
    made = command("plugins", "disable", "batch", "--task", "hourly", "--reason", "a try", "--format", "json").json

    assert made["mode"] == "off"
    assert made["switch"] | {"made_at": ""} == {
        "task": "hourly", "plugin": "batch", "mode": "off", "reason": "a try", "made_at": "",
        "made_by": getpass.getuser(),
    }  # fmt: skip
    listed = command("plugins", "list", "--task", "hourly", "--format", "json").json
    assert [(one["plugin"], one["mode"], one["origin"]) for one in listed["plugins"]] == [
        ("batch", "off", ""),
        ("static_thresholds", "enforce", "default_plugins"),
    ]
    assert listed["plugins"][0]["switch"] == made["switch"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["enable", "batch", "--reason", "x"], "for which task? --task NAME"),
        (["enable", "batch", "--task", "daily"], "why? --reason TEXT"),
        (["enable", "batch", "--task", "daily", "--reason", " "], "why? --reason TEXT"),
        (["enable", "batch", "--task", "dayly", "--reason", "x"], "there is no task 'dayly'"),
        (["shadow", "bach", "--task", "daily", "--reason", "x"], "no plugin is called 'bach'"),
        (["disable", "bach", "--task", "daily", "--reason", "x"], "no plugin is called 'bach'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_written(command: Command, words: list[str], said: str) -> None:
    refused = command("plugins", *words)

    assert refused.code == 2
    assert said in refused.err
    assert "switch of" not in command("plugins", "list", "--task", "daily").out


def test_settings_that_the_next_run_would_stumble_over_refuse_a_switch(command: Command, job: Path) -> None:
    job.write_text(job.read_text() + "\n[plugins.historical]\nmin_dais = 3\n")

    refused = command("plugins", "shadow", "historical", "--task", "daily", "--reason", "x")

    assert refused.code == 2
    assert "plugins.historical.min_dais: unknown key" in refused.err
    assert command("plugins", "disable", "historical", "--task", "daily", "--reason", "x").code == 0


def test_a_database_that_cannot_be_asked_is_told_and_hides_no_settings(command: Command, hearings: Path) -> None:
    hearings.unlink()

    said = command("config", "show", "--origin")

    assert said.code == 0
    assert "tasks.daily.source" in said.out
    assert "its switches are not known: task daily, hourly: there is no database file hearings.db" in said.err


# Where what a plugin in shadow said is shown


def test_the_summary_and_the_reports_show_it_apart(command: Command, tmp_path: Path) -> None:
    said = command("run", "daily", "--report", "junit=r.xml", "--report", "markdown=r.md", "--report", "json=r.json")

    assert said.code == 0
    assert said.out.startswith("✔ COMMITTED  daily\n")
    shadow = said.out.partition("In shadow: this decided nothing\n")[2]
    assert shadow.startswith(
        "  static_thresholds would have rejected it, were it not in shadow\n  ✖ critical  rows_added_high"
    )
    assert "  in shadow: 1 critical, 3 info" in said.out
    assert "Findings\n" not in said.out

    suite = ET.parse(tmp_path / "r.xml").getroot()[0]
    assert suite.get("failures") == "0"
    case = next(one for one in suite if one.get("name") == "rows_added_high (plan)")
    assert case.get("classname") == "static_thresholds (shadow)"
    assert "would have rejected the update: the update would add 2 records" in (case.findtext("system-out") or "")

    page = (tmp_path / "r.md").read_text()
    assert "### In shadow: this decided nothing\n\nstatic\\_thresholds would have rejected it" in page
    assert "### Findings" not in page

    result = json.loads((tmp_path / "r.json").read_text())
    assert (result["verdict"], result["opposed_in_shadow"]) == ("committed", ["static_thresholds"])
    assert "rows_added_high" in {one["code"] for one in result["shadow"]}
    assert {one["mode"] for one in result["judged"]} == {"shadow"}

    shown = command("runs", "show", "last")
    assert "In shadow: this decided nothing" in shown.out
    assert command("runs", "show", "last", "--format", "json").json["shadow"] == result["shadow"]


def test_a_flag_goes_before_a_switch_and_says_so(command: Command) -> None:
    command("plugins", "disable", "batch", "--task", "daily", "--reason", "incident")

    said = command("run", "daily", "--plugins", "batch")

    assert said.code == 0
    words = " ".join(said.out.split())
    assert "batch was set to off by" in words
    assert "--plugins overrules that" in words
