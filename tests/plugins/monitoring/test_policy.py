"""The policy, over real runs: what each severity does to them, to their plugins, and what it leaves alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, Said, command, plain_terminal
from tests.core.engine.target import Target
from tests.core.plugins.test_observers import Watching
from validate_updates import Context, Finding, Moment, Observation, Occasion, Validator, Verdict, hookimpl, run
from validate_updates.engine import execute
from validate_updates.job import Job, Silent
from validate_updates.secret import SecretUrl

__all__ = ["command", "plain_terminal"]

START = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SETTINGS = """
target = "{url}"

[tasks.daily]
source = "daily.jsonl"
plugins = {plugins}

[tasks.daily.tables.t]

[plugins.batch]
size = 2
max_quarantined = "100 %"
max_failed_batches = "{budget}"

[plugins.monitoring]
{more}
"""
PLUGINS = ("batch", "static_thresholds", "monitoring")


@dataclass
class World:
    """A task of the settings, its runs a day after each other unless told otherwise."""

    command: Command
    target: Target
    folder: Path
    now: datetime = START
    given: int = 0
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text CHECK (name <> 'bad'))")
        self.set()

    def set(self, more: str = "", *, budget: str = "100 %", plugins: tuple[str, ...] = PLUGINS) -> None:
        text = SETTINGS.format(url=self.target.url, plugins=json.dumps(plugins), budget=budget, more=more)
        (self.folder / "validate-updates.toml").write_text(text)

    def run(self, records: int = 4, bad: int = 0, *, after: timedelta = DAY) -> Mapping[str, Any]:
        """The first so many records are bad."""
        rows = [{"id": self.given + n, "name": "bad" if n < bad else "good"} for n in range(records)]
        self.given += records
        (self.folder / "daily.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.now += after
        said = self.command("run", "daily", "--as-of", f"{self.now:%Y-%m-%dT%H:%M:%SZ}", "--format", "json")
        found: Mapping[str, Any] = said.json
        assert found["exit_code"] == said.code
        return found

    def off(self) -> dict[str, str]:
        """Plugins that are switched off, and who did it."""
        listed = self.command("plugins", "list", "--task", "daily", "--format", "json").json["plugins"]
        return {one["plugin"]: one["switch"]["made_by"] for one in listed if one["mode"] == "off"}

    def what_if(self) -> Mapping[str, Any]:
        said = self.command("monitor", "--what-if", "--as-of", f"{self.now:%Y-%m-%dT%H:%M:%SZ}", "--format", "json")
        assert said.code == 0, said.err
        (task,) = said.json["tasks"]
        return dict(task)

    def journal(self) -> dict[str, list[str]]:
        """Every row of every table of the journal."""
        names = [name for name in self.target.all_tables() if name.startswith("update_")]
        return {name: sorted(map(repr, self.target.rows(f"SELECT * FROM {name}"))) for name in names}


@pytest.fixture
def world(command: Command, target: Target, tmp_path: Path) -> World:
    return World(command, target, tmp_path)


@pytest.fixture
def light(command: Command, sqlite_url: str, tmp_path: Path) -> World:
    """On SQLite alone."""
    return World(command, Target(sqlite_url), tmp_path)


def said(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the policy said: code and severity of each finding."""
    return [(one["code"], one["severity"]) for one in result["findings"] if one["plugin"] == "monitoring"]


def message(result: Mapping[str, Any], code: str) -> Mapping[str, Any]:
    (found,) = (one for one in result["findings"] if one["code"] == code)
    return dict(found)


# Failed batches: 3 %, 12 %, 30 %


def test_three_of_a_hundred_batches_are_told_with_what_to_type(world: World) -> None:
    result = world.run(200, bad=6)

    assert (result["verdict"], said(result)) == ("committed with quarantine", [("severity_3", "warning")])
    told = message(result, "severity_3")
    assert "batches failed: 3 of 100 (3.0 %)" in told["message"]
    assert told["hint"] == f"validate-updates quarantine list --run {result['run_id']} --task daily"
    assert world.command(*told["hint"].split()[1:]).code == 0
    assert world.off() == {}
    assert not (world.folder / "incidents").exists()


def test_twelve_per_cent_switch_the_plugin_at_fault_off_from_the_next_run_on(world: World) -> None:
    result = world.run(50, bad=6)

    assert said(result) == [("severity_2", "warning")]
    assert (
        "batches failed: 3 of 25 (12.0 %). From the next run of daily on, off: batch"
        in message(result, "severity_2")["message"]
    )
    assert world.off() == {"batch": "monitoring"}
    ((reason,),) = world.target.rows("SELECT reason FROM update_switches")
    assert reason.startswith(f"severity 2 in run {result['run_id']}: batches failed: 3 of 25")
    later = world.run(4, bad=1)
    assert (later["strategy"], later["verdict"]) == ("all_or_nothing", "rejected")
    assert [one["name"] for one in later["plugins"]] == ["monitoring", "static_thresholds"]
    assert world.target.rows("SELECT count(*) FROM t") == [(44,)]


@pytest.mark.parametrize("auto", [False, True])
def test_thirty_per_cent_switch_off_what_is_named_and_take_the_run_back_where_allowed(
    world: World, *, auto: bool
) -> None:
    world.set(f"severity_1 = {{ auto_rollback = {str(auto).lower()}, disable = ['batch', 'static_thresholds'] }}")
    world.run()
    before = world.target.dump()

    result = world.run(20, bad=6)

    codes = ["severity_1", *(["run_taken_back"] if auto else []), "incident_reported"]
    assert [code for code, _ in said(result)] == codes
    assert "batches failed: 3 of 10 (30.0 %)" in message(result, "severity_1")["message"]
    assert world.off() == {"batch": "monitoring", "static_thresholds": "monitoring"}
    state = world.target.story(result["run_id"]).run.state
    if auto:
        assert (result["verdict"], result["exit_code"], state) == ("rolled back", 1, "rolled back")
        assert world.target.dump() == before
    else:
        assert (result["verdict"], result["exit_code"]) == ("committed with quarantine", 5)
        assert state == "committed with quarantine"
    assert [one["name"] for one in world.run()["plugins"]] == ["monitoring"]


def test_a_run_that_the_budget_rejected_is_judged_too_and_there_is_nothing_to_take_back(light: World) -> None:
    light.set("severity_1 = { auto_rollback = true }", budget="20 %")

    result = light.run(20, bad=6)

    assert (result["verdict"], result["metrics"]["batches.failed"]) == ("rejected", 3)
    assert [code for code, _ in said(result)] == ["severity_1", "incident_reported"]
    assert light.off() == {"batch": "monitoring"}


def test_one_failed_batch_is_no_matter_for_a_switch(light: World) -> None:
    assert said(light.run(4, bad=2)) == [("severity_3", "warning")]
    assert light.off() == {}


def test_people_are_told(light: World) -> None:
    told = '[plugins.notify.log.here]\npath = "told.log"\n'
    light.set(f"severity_1 = {{ auto_rollback = true }}\n{told}", plugins=(*PLUGINS, "notify"))

    result = light.run(20, bad=6)

    lines = (light.folder / "told.log").read_text()
    assert "severity 1: batches failed: 3 of 10" in lines
    assert f"run {result['run_id']} was taken back" in lines
    assert "daily rejected new outcome: it was committed, and taken back by run" in lines


# Data lost, and what stands in the way of taking a run back


LOSING = {
    True: ("CREATE TRIGGER lose AFTER INSERT ON t WHEN new.name = 'good' BEGIN DELETE FROM t WHERE id = 0; END",),
    False: (
        """CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN DELETE FROM t WHERE id = 0; RETURN NULL; END $$""",
        "CREATE TRIGGER lose AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION lose()",
    ),
}


def test_a_row_that_went_without_being_counted_is_data_lost(world: World) -> None:
    world.run()
    world.target.execute(*LOSING[world.target.is_sqlite])

    result = world.run()

    told = message(result, "severity_1")["message"]
    assert "data loss: t had 4 rows and has 7, though 4 added and 0 deleted" in told
    assert world.off() == {"batch": "monitoring"}
    assert result["verdict"] == "committed"


def test_a_conflict_at_the_take_back_is_told_and_needs_a_person(light: World) -> None:
    light.set("severity_1 = { auto_rollback = true }")
    light.run()
    light.target.execute(
        "CREATE TRIGGER others AFTER INSERT ON update_findings WHEN new.code = 'severity_1'"
        " BEGIN UPDATE t SET name = 'mine' WHERE id = 10; END"
    )

    result = light.run(20, bad=6)

    assert (result["verdict"], result["exit_code"], result["rows_left"]) == ("rolled back", 4, 1)
    assert ("run_taken_back_in_part", "critical") in said(result)
    assert light.target.rows("SELECT id, name FROM t WHERE id > 3") == [(10, "mine")]
    text = (light.folder / "incidents" / f"incident-{result['run_id']}.md").read_text()
    assert "but for 1 row" in text


# A check that fails, and a process that dies


def raises(_: Context) -> Iterable[Finding]:
    raise KeyError("what")


def hangs(_: Context) -> Iterable[Finding]:
    while True:
        time.sleep(0.01)


@dataclass(frozen=True)
class Failing:
    """A plugin whose check does not end well."""

    check: Callable[[Context], Iterable[Finding]]

    @hookimpl
    def vu_validators(self) -> Iterable[Validator]:
        yield Validator(name="check", moment=Moment.PLAN, check=self.check, summary="a check", time_limit=0.3)


@pytest.mark.parametrize(("check", "why"), [(raises, "raised KeyError"), (hangs, "did not end within 0.3 s")])
def test_a_check_that_fails_is_switched_off_with_what_is_named(
    world: World, check: Callable[[Context], Iterable[Finding]], why: str
) -> None:
    given = {"given": Failing(check)}

    result = run(
        [{"id": 1}], target=world.target.url, table="t", task="daily", plugins=("batch", "monitoring"), extra=given
    )

    assert result.verdict is Verdict.REJECTED
    (told,) = (one for one in result.findings if one.code == "severity_1")
    assert "check failed: validator given.check" in told.message
    assert why in told.message
    assert world.off() == {"batch": "monitoring", "given": "monitoring"}


def test_a_run_that_ended_without_a_word_is_an_incident_of_its_own_task(light: World) -> None:
    dead = light.run()["run_id"]
    light.target.execute(f"UPDATE update_logs SET state = 'running', task = 'hourly' WHERE run_id = '{dead}'")

    result = light.run()

    told = message(result, "severity_1")
    assert (
        f"interrupted run: run {dead} of hourly ended without a word. From the next run of hourly on, off: batch"
        in told["message"]
    )
    assert light.off() == {}
    assert light.target.rows("SELECT task, plugin, mode FROM update_switches") == [("hourly", "batch", "off")]
    assert (light.folder / "incidents" / f"incident-{dead}.md").exists()


# False alarms, and slow runs: over many runs


def alarmed(world: World) -> str:
    """A run that comes too soon, about which static_thresholds warns; somebody says that it was right."""
    run_id = str(world.run(after=timedelta(minutes=10))["run_id"])
    assert world.command("runs", "ack", run_id, "--expected", "--task", "daily").code == 0
    return run_id


def test_false_alarms_are_told_then_the_plugin_is_switched_off_and_begins_anew(light: World) -> None:
    light.set("severity_2 = { false_alarms = 20.0 }")
    for _ in range(4):
        light.run()
    alarmed(light)

    third = light.run()
    again = light.run()

    assert said(third) == [("severity_3", "warning")]
    assert "false alarms: of static_thresholds in 1 of 6 runs (16.7 %)" in message(third, "severity_3")["message"]
    assert message(third, "severity_3")["hint"] == "validate-updates plugins show static_thresholds"
    assert said(again) == [], "once is enough"
    alarmed(light)
    second = light.run()
    assert said(second) == [("severity_2", "warning")]
    assert light.off() == {"static_thresholds": "monitoring"}
    assert "static_thresholds" not in [one["name"] for one in light.run()["plugins"]]
    light.command("plugins", "reset", "static_thresholds", "--task", "daily", "--reason", "mended")
    assert said(light.run()) == [], "what was dealt with does not count again"
    assert light.off() == {}


def test_an_incident_is_no_false_alarm(light: World) -> None:
    light.set("least_runs = 2")
    light.run()
    for _ in range(2):
        run_id = light.run(after=timedelta(minutes=10))["run_id"]
        light.command("runs", "ack", run_id, "--incident", "--task", "daily")

    assert said(light.run()) == []


@pytest.mark.parametrize(("seconds", "code"), [(10.5, None), (11.5, "severity_3"), (13.0, "severity_2")])
def test_a_plugin_that_makes_runs_slow(world: World, seconds: float, code: str | None) -> None:
    world.set(plugins=("monitoring",))
    world.run(1)
    world.set("least_runs = 1\nseverity_days = 30", plugins=("batch", "monitoring"))
    for _ in range(2):
        world.run(1)
    world.target.execute(f"UPDATE update_logs SET seconds = CASE WHEN strategy = 'batch' THEN {seconds} ELSE 10 END")

    result = world.run(1)

    assert [one for one, _ in said(result)] == ([code] if code else [])
    assert world.off() == ({"batch": "monitoring"} if code == "severity_2" else {})
    if code:
        assert f"slowdown: {seconds:.2f} s, 10.00 s before" in message(result, code)["message"]


# What if


def test_what_would_be_done_is_shown_and_not_done(world: World) -> None:
    world.set(plugins=("batch", "static_thresholds"))
    result = world.run(20, bad=6)
    world.set("severity_1 = { auto_rollback = true }", plugins=("batch", "static_thresholds"))
    before = (world.journal(), world.target.dump())

    found = world.what_if()
    page = world.command("monitor", "--what-if").out

    assert (world.journal(), world.target.dump()) == before
    assert not (world.folder / "incidents").exists()
    (would,) = found["would"]
    assert (found["run_id"], found["in_force"]) == (result["run_id"], False)
    assert (would["severity"], would["switch_off"], would["take_back"], would["report"]) == (1, ["batch"], True, True)
    assert would["because"][0]["evidence"] == "3 of 10 (30.0 %)"
    assert "the policy is not in force on daily" in page
    assert "nothing was done now" in page


def test_where_nothing_is_wrong_nothing_would_be_done(light: World) -> None:
    light.run()

    assert (light.what_if()["would"], light.what_if()["in_force"]) == ([], True)


def test_what_goes_on_is_not_told_as_new(light: World) -> None:
    for _ in range(4):
        light.run()
    alarmed(light)
    light.set(plugins=("batch", "static_thresholds"))
    light.run()
    assert (len(light.what_if()["would"]), light.what_if()["told_before"]) == (1, []), "told by nobody yet"
    light.set()
    light.run()

    found = light.what_if()

    assert found["would"] == []
    assert [one["what"] for one in found["told_before"]] == ["false alarms"]
    page = light.command("monitor", "--what-if", "--as-of", f"{light.now:%Y-%m-%dT%H:%M:%SZ}").out
    assert "told before, and goes on: false alarms: of static_thresholds in 1 of 7 runs" in page


def test_a_plugin_that_is_off_already_is_not_switched_once_more(light: World) -> None:
    light.run(50, bad=6)

    (would,) = light.what_if()["would"]

    assert (would["severity"], would["switch_off"]) == (2, [])


# The report


def test_the_report_tells_the_story(world: World) -> None:
    world.set("severity_1 = { auto_rollback = true }")
    result = world.run(20, bad=6)
    run_id = result["run_id"]
    world.command("runs", "ack", run_id, "--incident", "--task", "daily", "--note", "the feed was broken")

    written = (world.folder / "incidents" / f"incident-{run_id}.md").read_text()
    asked = world.command("monitoring", "incident", run_id, "--report", "markdown=again.md")

    assert asked.code == 0
    assert (world.folder / "incidents" / f"incident-{run_id}.md").stat().st_mode & 0o077 == 0
    again = (world.folder / "again.md").read_text()
    for text in (written, again):
        assert text.startswith(f"### Incident\\: run {run_id}\n")
        parts = [
            "begun, with",
            "judged: ",
            "applied by batch",
            "committed with quarantine",
            "batch set to off by monitoring",
            "roll-back ",
        ]
        places = [text.index(part) for part in parts]
        assert places == sorted(places)
        assert "asked for by monitoring: severity 1 in run" in text
        assert "3 failed" in text
        assert f"validate\\-updates runs show {run_id}" in text or f"validate-updates runs show {run_id}" in text
    assert "called incident by a person" in again
    assert "called incident" not in written
    assert "Timeline, in UTC" in asked.out


def test_an_incident_of_any_run_can_be_asked_for(light: World) -> None:
    run_id = light.run()["run_id"]

    answer: Said = light.command("monitoring", "incident", "last", "--task", "daily", "--format", "json")

    assert (answer.code, answer.json["run"]["run_id"]) == (0, run_id)
    assert light.command("monitoring", "incident", "nothing").code == 2


def test_the_last_incident_is_a_report(light: World) -> None:
    at = ("--as-of", f"{light.now + 30 * DAY:%Y-%m-%dT%H:%MZ}", "--days", "60")
    light.run()
    none = light.command("report", "incident", *at).out
    assert "No incident on daily" in none
    assert "of any run: validate-updates report incident RUN --task daily" in none
    result = light.run(20, bad=6)
    other = light.run()["run_id"]

    last = light.command("report", "incident", *at)
    named = light.command("report", "incident", other, *at[:2])

    assert f"Incident: run {result['run_id']}" in last.out
    assert f"Incident: run {other}" in named.out, named.err


def test_a_defect_is_a_crash(light: World) -> None:
    class Broken(Silent):
        def stage(self, name: str) -> None:
            if name == "apply":
                raise ZeroDivisionError

    told: list[Finding] = []

    def listen(observation: Observation) -> list[Finding]:
        told.extend(observation.findings)
        return []

    plugins = ("batch", "monitoring", "listening")
    job = Job(source=[{"id": 1}], target=SecretUrl(light.target.url), table="t", task="daily", plugins=plugins)
    with pytest.raises(ZeroDivisionError):
        execute(job, Broken(), extra={"listening": Watching(listen, [Occasion.TELL])})

    assert light.off() == {"batch": "monitoring"}
    assert any("crash: a defect of validate-updates ended the run [ZeroDivisionError]" in one.message for one in told)


@pytest.mark.parametrize(("written", "folder"), [('incidents = "kept"', "kept"), ("", "incidents")])
def test_the_folder_is_beside_the_settings(
    light: World, monkeypatch: pytest.MonkeyPatch, written: str, folder: str
) -> None:
    light.set(written)
    light.run()
    rows = [{"id": light.given + number, "name": "bad"} for number in range(4)]
    (light.folder / "daily.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (light.folder / "elsewhere").mkdir()
    monkeypatch.chdir(light.folder / "elsewhere")

    said = light.command("run", "daily", "--config", str(light.folder / "validate-updates.toml"), "--format", "json")

    assert (light.folder / folder / f"incident-{said.json['run_id']}.md").exists()


def test_without_a_folder_nothing_is_written(light: World) -> None:
    light.set('incidents = ""')

    assert said(light.run(20, bad=6)) == [("severity_1", "critical")]
    assert not list(light.folder.rglob("incident*"))


def test_a_folder_that_cannot_be_made_is_a_finding(light: World) -> None:
    (light.folder / "incidents").write_text("a file is in the way")

    result = light.run(20, bad=6)

    assert result["verdict"] == "committed with quarantine"
    assert said(result)[-1] == ("incident_not_written", "warning")


def test_a_task_without_the_plugin_is_left_alone(light: World) -> None:
    light.set(plugins=("batch",))

    assert said(light.run(20, bad=6)) == []
    assert light.off() == {}


def test_a_dry_run_does_nothing(light: World) -> None:
    light.run()
    light.run(20, bad=6, after=DAY)
    before = light.journal()

    light.command("plan", "daily")

    assert light.journal() == before
