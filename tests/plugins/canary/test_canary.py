"""Canaries from beginning to end: commands, runs of several tasks on one database, what the journal says afterwards."""

from __future__ import annotations

import getpass
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, Said, command, plain_terminal
from tests.core.engine.target import Target

__all__ = ["command", "plain_terminal"]

SETTINGS = """
target = "{target}"

[tasks.daily]
source = "daily.jsonl"
plugins = []

[tasks.daily.tables.daily]

[tasks.hourly]
source = "hourly.jsonl"
plugins = []

[tasks.hourly.tables.hourly]

[plugins.static_thresholds]
added_most = 5
"""
TABLE = "CREATE TABLE {} (id integer PRIMARY KEY, name text CHECK (name <> 'bad'))"

IN_NO_RANGE = ("inf", "nan", "1e12", "-1")


@dataclass
class World:
    """Two tasks, each with a table of its own, and a calendar."""

    command: Command
    folder: Path
    given: int = 0
    day: int = 0

    def run(self, task: str, count: int = 2, *names: str) -> Said:
        records = [{"id": self.given + number, "name": "good"} for number in range(1, count + 1)]
        records += [{"id": self.given + count + at, "name": name} for at, name in enumerate(names, 1)]
        self.given += len(records)
        (self.folder / f"{task}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        self.day += 1
        at = f"2026-{self.day // 28 + 1:02}-{self.day % 28 + 1:02}T06:00Z"
        return self.command("run", task, "--as-of", at, "--format", "json")

    def canary(self, *words: str) -> Said:
        return self.command("canary", *words)

    def answer(self, *words: str) -> Mapping[str, Any]:
        said = self.canary(*words, "--format", "json")
        assert said.code == 0, said.err
        found: Mapping[str, Any] = said.json["answer"]
        return found

    def modes(self, task: str) -> dict[str, str]:
        listed = self.command("plugins", "list", "--task", task, "--format", "json").json["plugins"]
        return {one["plugin"]: one["mode"] for one in listed}

    def reasons(self, task: str) -> list[tuple[str, str]]:
        listed = self.command("plugins", "list", "--task", task, "--format", "json").json["plugins"]
        return [(one["switch"]["made_by"], one["switch"]["reason"]) for one in listed if one["switch"]]


def codes(said: Said) -> list[str]:
    return [one["code"] for one in said.json["findings"] if one["plugin"] == "canary"]


def begun(command: Command, folder: Path, target: Target) -> World:
    """A run of one task is all the past there is."""
    target.execute(*(TABLE.format(table) for table in ("daily", "hourly")))
    (folder / "validate-updates.toml").write_text(SETTINGS.format(target=target.url))
    made = World(command, folder)
    made.run("daily")
    return made


@pytest.fixture
def young(command: Command, tmp_path: Path) -> World:
    return begun(command, tmp_path, Target(f"sqlite:///{tmp_path / 'target.db'}"))


@pytest.fixture
def world(young: World) -> World:
    """Some runs of both."""
    for _ in range(5):
        young.run("daily")
    young.run("hourly")
    return young


def test_a_canary_that_stands_the_test_is_promoted_everywhere(world: World) -> None:
    begun = world.answer("start", "daily", "--plugins", "batch,static_thresholds", "--runs", "5")

    assert begun["title"] == "The canary of batch, static_thresholds on daily has begun"
    assert any("it cannot be tried on what is stored" in line for line in begun["lines"])
    assert world.modes("daily") == {"batch": "enforce", "canary": "enforce", "static_thresholds": "enforce"}
    assert world.modes("hourly") == {"batch": "shadow", "static_thresholds": "shadow"}

    first = world.run("daily")
    assert codes(first) == []
    beside = world.run("hourly", 9)
    assert (beside.json["verdict"], beside.json["opposed_in_shadow"]) == ("committed", ["static_thresholds"])
    for _ in range(8):
        world.run("hourly")
    status = world.answer("status", "daily")
    assert {row[0]: row[1:] for row in status["rows"]}["runs"] == ["1", "1", "9"]
    shadow = {row[0]: row[3] for row in status["rows"]}
    assert (shadow["rejected"], shadow["at stake"]) == ("1", "9")
    assert "run 1 of 5 and 9 in shadow on hourly" in status["lines"]
    assert "too few runs to tell: slowdown (1 run to compare with 1)" in status["lines"][-1]

    world.command("runs", "ack", beside.json["run_id"], "--incident")
    for _ in range(3):
        assert codes(world.run("daily", 2, "bad")) == []
    last = world.run("daily")

    assert codes(last) == ["canary_promoted"]
    for task in ("daily", "hourly"):
        modes = world.modes(task)
        assert (modes["batch"], modes["static_thresholds"]) == ("enforce", "enforce")
        assert {by for by, _ in world.reasons(task)} == {"canary"}
        assert all("promoted by its rule, run 5 of 5" in reason for _, reason in world.reasons(task))
    assert "canary" not in world.modes("daily")
    assert world.run("hourly", 9).json["verdict"] == "rejected"
    done = world.answer("status", "daily")
    assert done["title"] == "No canary is under way on daily"
    assert "promoted by its rule" in done["lines"][0]


def test_one_that_fails_is_aborted_at_once_and_all_is_as_before(world: World) -> None:
    world.command("plugins", "shadow", "static_thresholds", "--task", "daily", "--reason", "a first look")
    world.answer("start", "daily", "--plugins", "static_thresholds", "--runs", "5")
    assert world.run("daily").code == 0

    alarms = [world.run("daily", 9) for _ in range(4)]

    assert {one.json["verdict"] for one in alarms} == {"rejected"}
    assert codes(alarms[-1]) == ["canary_aborted"]
    assert "false alarms: 4 in 5 runs" in next(
        one["message"] for one in alarms[-1].json["findings"] if one["code"] == "canary_aborted"
    )
    assert world.modes("daily") == {"static_thresholds": "shadow"}
    assert world.modes("hourly") == {}
    assert world.run("daily", 9).json["verdict"] == "committed"


def test_on_postgresql_too(command: Command, tmp_path: Path, postgres_url: str) -> None:
    world = begun(command, tmp_path, Target(postgres_url))
    world.run("hourly")
    world.answer("start", "daily", "--plugins", "batch,static_thresholds", "--runs", "3")

    kept_out = world.run("daily", 2, "bad")
    assert (kept_out.json["verdict"], kept_out.json["strategy"]) == ("committed with quarantine", "batch")
    assert world.run("hourly", 9).json["opposed_in_shadow"] == ["static_thresholds"]
    world.run("daily")
    last = world.run("daily")

    assert codes(last) == ["canary_undecided"], "three runs say nothing about a rate"
    world.answer("abort", "daily", "--reason", "as before")
    assert (world.modes("daily"), world.modes("hourly")) == ({}, {})


def test_a_run_that_was_rolled_back_has_lost_nothing(young: World) -> None:
    young.answer("start", "daily", "--plugins", "batch", "--runs", "5")
    assert young.command("rollback", young.run("daily").json["run_id"], "--task", "daily").code == 0

    assert codes(young.run("daily")) == []


def test_a_source_that_is_not_there_is_no_fault_of_a_plugin(young: World) -> None:
    young.answer("start", "daily", "--plugins", "batch", "--runs", "5")
    (young.folder / "daily.jsonl").unlink()
    failed = young.command("run", "daily", "--as-of", "2026-01-20T06:00Z", "--format", "json")
    assert failed.json["verdict"] == "failed"

    assert (codes(failed), codes(young.run("daily"))) == ([], [])
    assert young.modes("daily")["batch"] == "enforce"


@pytest.mark.parametrize("word", ["promote", "abort"])
def test_ending_it_by_hand_leaves_what_others_switched(young: World, word: str) -> None:
    young.answer("start", "daily", "--plugins", "batch,static_thresholds")
    for task in ("daily", "hourly"):
        young.command("plugins", "disable", "batch", "--task", task, "--reason", "an incident")

    ended = young.answer(word, "daily", "--reason", "enough")

    assert "batch" not in {row[1] for row in ended["rows"]}
    assert (young.modes("daily")["batch"], young.modes("hourly")["batch"]) == ("off", "off")
    stays = "enforce" if word == "promote" else None
    assert young.modes("daily").get("static_thresholds") == stays


def test_one_that_cannot_be_read_can_be_aborted(young: World) -> None:
    young.answer("start", "daily", "--plugins", "batch")
    with closing(sqlite3.connect(young.folder / "target.db")) as database:
        database.execute("UPDATE update_states SET value = '{' WHERE name = 'canary'")
        database.commit()

    assert codes(young.run("daily")) == []
    ended = young.answer("abort", "daily", "--reason", "it is broken")

    assert "cannot be read" in ended["title"]
    assert "no canary is under way" in young.canary("abort", "daily", "--reason", "again").err


def test_a_task_that_looks_on_at_one_begins_none(young: World) -> None:
    young.answer("start", "daily", "--plugins", "batch")

    refused = young.canary("start", "hourly", "--plugins", "batch")

    assert refused.code == 2
    assert "hourly looks on at the canary of batch on daily" in refused.err
    assert young.modes("hourly") == {"batch": "shadow"}


def test_what_a_person_switches_meanwhile_stays_and_ends_it(young: World) -> None:
    young.answer("start", "daily", "--plugins", "batch,static_thresholds", "--runs", "2")
    young.command("plugins", "disable", "batch", "--task", "daily", "--reason", "an incident")
    young.command("plugins", "disable", "batch", "--task", "hourly", "--reason", "an incident")

    said = young.run("daily")

    assert codes(said) == ["canary_aborted"]
    assert "somebody has switched batch meanwhile" in str(said.json["findings"])
    assert young.modes("daily") == {"batch": "off"}
    assert young.modes("hourly") == {"batch": "off"}


def test_what_cannot_be_told_is_left_to_a_person(young: World) -> None:
    young.answer("start", "daily", "--plugins", "batch", "--runs", "100", "--hours", "24", "--as-of", "2026-01-01")

    said = young.run("daily")

    assert codes(said) == ["canary_undecided"]
    (hint,) = (one["hint"] for one in said.json["findings"] if one["code"] == "canary_undecided")
    assert hint.count('--reason "…"') == 2
    assert codes(young.run("daily")) == [], "once is enough"
    assert young.modes("daily")["batch"] == "enforce"
    assert young.canary("promote", "daily").code == 2
    ended = young.answer("promote", "daily", "--reason", "we have seen enough")
    assert ended["title"] == "The canary of batch on daily promoted: we have seen enough"
    assert young.modes("daily") == {"batch": "enforce"}
    assert young.reasons("hourly") == [(getpass.getuser(), "canary of batch on daily promoted: we have seen enough")]


def test_a_plugin_on_trial_that_breaks_ends_it(young: World) -> None:
    young.answer("start", "daily", "--plugins", "static_thresholds", "--runs", "5")
    with closing(sqlite3.connect(young.folder / "target.db")) as database:
        database.execute(
            "CREATE TRIGGER broken AFTER INSERT ON update_findings WHEN new.plugin = 'static_thresholds' BEGIN"
            " UPDATE update_findings SET code = 'validator_failed' WHERE run_id = new.run_id"
            " AND finding_no = new.finding_no; END"
        )
        database.commit()

    said = young.run("daily", 9)

    assert codes(said) == ["canary_aborted"]
    assert "errors: 1 in 1 run, 0 wanted" in str(said.json["findings"])


def test_the_past_is_replayed_first(young: World) -> None:
    begun = young.answer("start", "daily", "--plugins", "historical")

    assert any(line.startswith("historical, over the past of daily: 0 of ") for line in begun["lines"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["start", "daily"], "which plugins are on trial?"),
        (["start", "dayly", "--plugins", "batch"], "there is no task 'dayly'"),
        (["start", "daily", "--plugins", "bach"], "no plugin is called 'bach'"),
        (["start", "daily", "--plugins", "canary"], "a canary is of other plugins"),
        (["start", "daily", "--plugins", "batch", "--runs", "0"], "takes at least one run"),
        *((["start", "daily", "--plugins", "batch", "--hours", much], "--hours is from 0") for much in IN_NO_RANGE),
        (["start", "daily", "--plugins", "batch", "--as-of", "soon"], "is not a time"),
        (["abort", "daily", "--reason", "x"], "no canary is under way on daily"),
    ],
)
def test_what_makes_no_sense_changes_nothing(young: World, words: Sequence[str], said: str) -> None:
    refused = young.canary(*words)

    assert refused.code == 2, refused.out
    assert said in refused.err
    assert (young.modes("daily"), young.modes("hourly")) == ({}, {})


def test_one_at_a_time_and_only_of_what_is_new(young: World) -> None:
    young.command("plugins", "enable", "static_thresholds", "--task", "daily", "--reason", "known")
    assert (
        "static_thresholds is enforced on daily already"
        in young.canary("start", "daily", "--plugins", "static_thresholds").err
    )
    young.answer("start", "daily", "--plugins", "batch")
    assert "daily has a canary already" in young.canary("start", "daily", "--plugins", "historical").err


def test_a_task_that_enforces_it_already_is_left_alone(young: World, command: Callable[..., Said]) -> None:
    command("plugins", "enable", "static_thresholds", "--task", "hourly", "--reason", "known there")

    young.answer("start", "daily", "--plugins", "static_thresholds")
    assert young.modes("hourly") == {"static_thresholds": "enforce"}
    young.answer("abort", "daily", "--reason", "enough")

    assert young.modes("hourly") == {"static_thresholds": "enforce"}
    assert young.modes("daily") == {}


def test_a_trial_of_more_runs_than_are_read_at_once_ends(young: World) -> None:
    young.answer("start", "daily", "--plugins", "batch", "--runs", "210")
    assert codes(young.run("daily")) == []
    with closing(sqlite3.connect(young.folder / "target.db")) as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(update_logs)") if row[1] != "run_no"]
        copied = ", ".join("'copy ' || n" if name == "run_id" else name for name in names)
        database.execute(
            "WITH RECURSIVE copies (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < 208)"
            f" INSERT INTO update_logs ({', '.join(names)}) SELECT {copied} FROM copies,"
            " (SELECT * FROM update_logs ORDER BY run_no DESC LIMIT 1)"
        )
        database.commit()

    said = young.run("daily")

    assert codes(said) == ["canary_undecided"], "one run before it says nothing about a slowdown"
    assert "run 210 of 210" in str(said.json["findings"])


def test_times_are_told_in_utc(young: World) -> None:
    young.answer("start", "daily", "--plugins", "batch", "--hours", "24", "--as-of", "2026-01-01T06:00+02:00")

    assert "24 hours after 2026-01-01 04:00 UTC" in str(young.answer("status", "daily")["lines"])
