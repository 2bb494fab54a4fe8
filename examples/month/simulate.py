"""A month of a generated hearings task, hourly and daily, on a clock of its own: a canary, a bad week, a recovery.

    python examples/month/simulate.py FOLDER [--short]

``FOLDER`` is made. In it a database, the settings, and every command that an operator types, each at its hour
(``--as-of``). What each severity does, what ``health`` says and what the reports tell is looked at when it happens: the
exit status is 0 if all of it is as the documents say, else 1. ``--short`` is the same story in fewer days and hours.
"""

from __future__ import annotations

import argparse
import io
import json
import shlex
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from feed import BATCH, BATCHES, UNCHANGED, Feed, Record

from validate_updates_cli.main import main as validate_updates

LIMIT = 10_000
"""Witnesses without a statement from which on it is told; there are never so many."""
START = date(2026, 3, 2)
"""A Monday."""
SETTINGS = f"""\
target = "sqlite:///hearings.db"

[tasks.daily]
source = "daily.jsonl"
plugins = ["static_thresholds", "monitoring"]
[tasks.daily.tables.hearings]

[tasks.hourly]
source = "hourly.jsonl"
plugins = ["static_thresholds", "monitoring"]
[tasks.hourly.tables.witnesses]

[plugins.batch]
size = {BATCH}
on_failure = "skip"
max_quarantined = "50 %"
max_failed_batches = "50 %"

[plugins.monitoring]
watched = ["batch", "historical", "lookup"]

[plugins.monitoring.severity_1]
auto_rollback = true

[plugins.static_thresholds]
missing_exempt = ["statement"]

[[plugins.static_thresholds.checks]]
name = "without_statement"
sql = "SELECT count(*) FROM witnesses WHERE statement IS NULL"
warn_above = {LIMIT}
"""


@dataclass(frozen=True, slots=True)
class Length:
    """How long the story is."""

    hours: Sequence[int]
    """Of the day, at which the hourly task runs."""
    plain: int
    """Days before the canary."""
    canary: int
    """Runs on trial."""


WHOLE = Length(range(24), plain=7, canary=14)
SHORT = Length((9, 12, 15, 18), plain=5, canary=5)
PAST = 40
"""Days of a log from before."""
MORNING, EVENING = 5, 21


@dataclass
class Month:
    """The world, its clock, and what was not as it should be."""

    length: Length
    feed: Feed
    day: date = START
    facts: int = 0
    wrong: list[str] = field(default_factory=list)

    # The clock

    def at(self, hour: int, minute: int = 0) -> str:
        """A time of the day as it is typed."""
        return f"{datetime.combine(self.day, time(hour, minute)):%Y-%m-%dT%H:%MZ}"

    def ordinary(self, days: int) -> None:
        """Days on which nothing happens."""
        for _ in range(days):
            self.daily()
            self.hourly()
            self.next_day()

    def next_day(self) -> None:
        """The next one begins."""
        self.day += timedelta(days=1)

    # What runs by itself

    def daily(self, *, broken: int = 0, ends: int = 0) -> Run:
        """The update of the day, with a bad record in so many batches."""
        records = self.feed.daily(self.day)
        self.feed.write("daily", self.feed.broken(records, broken) if broken else records)
        return self.run("daily", self.at(6), ends=ends)

    def hourly(self) -> None:
        """The updates of the hours."""
        for hour in self.length.hours:
            self.one_hour(hour)

    def one_hour(self, hour: int) -> Run:
        """One of them."""
        self.feed.write("hourly", self.feed.hourly())
        return self.run("hourly", self.at(hour, 30))

    def run(self, task: str, at: str, *, ends: int = 0) -> Run:
        """An update."""
        return Run(self.type("run", task, "--as-of", at, ends=ends, show=ends != 0))

    # What people type, and what they expect

    def report(self, name: str, task: str, at: str) -> dict[str, list[list[str]]]:
        """The tables of a report, by title."""
        (about,) = self.type("report", name, "--task", task, "--as-of", at)["tasks"]
        return {one["title"]: one["rows"] for one in about["sections"]}

    def type(self, *words: str, ends: int = 0, show: bool = True, form: str = "json") -> Any:
        """A command, and what it answers."""
        if show:
            print(f"  {self.day} $ validate-updates {shlex.join(words)}", flush=True)
        said, complaint = io.StringIO(), io.StringIO()
        with redirect_stdout(said), redirect_stderr(complaint):
            code = validate_updates([*words, "--format", form])
        if code != ends:
            self.tell(f"{shlex.join(words)} ends with {code}, not {ends}. {complaint.getvalue().strip()}")
        return json.loads(said.getvalue() or "{}")

    def expect(self, fact: object, said: str) -> None:
        """What must be so."""
        self.facts += 1
        if fact:
            print(f"    yes  {said}", flush=True)
        else:
            self.tell(said)

    def tell(self, trouble: str) -> None:
        """Something is not as it should be."""
        print(f"    NO   {trouble}", flush=True)
        self.wrong.append(f"{self.day}: {trouble}")

    def modes(self, task: str) -> dict[str, str]:
        """How plugins take part in the next run of a task; those that do not are left out."""
        listed = self.type("plugins", "list", "--task", task, show=False)["plugins"]
        return {one["plugin"]: one["mode"] for one in listed if one["mode"] != "off"}

    def expect_health(self, wanted: str, at: str) -> None:
        """What a probe sees."""
        ends = {"healthy": 0, "degraded": 1, "unhealthy": 3}[wanted]
        found = self.type("health", "--as-of", at, ends=ends)
        told = [f"{one['task']}: {'; '.join(one['reasons']) or one['health']}" for one in found["tasks"]]
        self.expect(found["health"] == wanted, f"health is {wanted}. {'. '.join(told)}")

    def expect_severity(self, run: Run, level: int) -> None:
        """What the policy saw in a run, and nothing else."""
        said = run.severity(level) or f"it is of severity {level}, and not of {run.severities}"
        self.expect(run.severities == [level], said)

    def mend(self) -> None:
        """The morning after: the records in quarantine are exported, put right and brought in."""
        self.type("quarantine", "export", "mend.jsonl", "--task", "daily", "--force")
        mended = Path("mend.jsonl")
        known = self.feed.hearings
        keys = [json.loads(line)["event_id"] for line in mended.read_text().splitlines()]
        mended.write_text("".join(f"{json.dumps(known[key])}\n" for key in keys))
        self.type("quarantine", "replay", "--from", "mend.jsonl", "--as-of", self.at(7))

    def database(self, statement: str) -> None:
        """What somebody else does to the database, by the bare driver."""
        with closing(sqlite3.connect("hearings.db")) as connection, connection:
            connection.execute(statement)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """A table, cell by cell, by the bare driver."""
        with closing(sqlite3.connect("hearings.db")) as connection:
            return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


@dataclass(frozen=True, slots=True)
class Run:
    """What an update came to."""

    result: Mapping[str, Any]

    @property
    def id(self) -> str:
        """By which the journal knows it."""
        return str(self.result["run_id"])

    def severity(self, level: int) -> str:
        """What the policy says of it; empty where it sees nothing of that severity."""
        return next((one["message"] for one in self.result["findings"] if one["code"] == f"severity_{level}"), "")

    @property
    def severities(self) -> list[int]:
        """All that it sees."""
        return [level for level in (1, 2, 3) if self.severity(level)]


# The story


def the_past(month: Month) -> None:
    """A log of the job from before, brought in."""
    lines = ["started_at,read,inserted,updated,unchanged,quarantined"]
    for ago in range(PAST, 0, -1):
        new = BATCH * BATCHES // 2 + ago * 7 % 11 - 5
        rest = BATCH * BATCHES - new
        lines.append(
            f"{START - timedelta(days=ago)}T06:00:00Z,{BATCH * BATCHES + UNCHANGED},{new},{rest},{UNCHANGED},0"
        )
    Path("past.csv").write_text("\n".join(lines))
    found = month.type("history", "import", "past.csv", "--task", "daily")
    month.expect(found["written"] == PAST, f"{PAST} runs from before are known")


def canary(month: Month) -> None:
    """New plugins, enforced on the daily task and in shadow on the hourly one, until the rule promotes them."""
    runs = month.length.canary
    month.type("canary", "start", "daily", "--plugins", "batch,historical", "--runs", str(runs), "--as-of", month.at(5))
    month.expect(month.modes("daily")["batch"] == "enforce", "the plugins on trial are enforced on daily")
    month.expect(month.modes("hourly")["historical"] == "shadow", "and in shadow on hourly")
    month.ordinary(runs // 2)
    status = month.type("canary", "status", "daily")["answer"]
    rows = {row[0]: row[1:] for row in status["rows"]}
    month.expect(rows["runs"][0] == str(runs // 2), f"halfway it rests on {rows['runs'][0]} runs, and says so")
    month.expect(rows["runs"][2] == str(runs // 2 * len(month.length.hours)), f"beside {rows['runs'][2]} in shadow")
    month.ordinary(runs - runs // 2)
    month.expect(
        month.modes("hourly") == month.modes("daily") and month.modes("daily")["batch"] == "enforce",
        f"after {runs} runs they are promoted, by the rule, on both tasks",
    )
    title, *_ = month.report("canary", "daily", month.at(MORNING))
    month.expect(title.endswith(": promoted"), f"the report of it is called {title}")


def three_per_cent(month: Month) -> Run:
    """Severity 3: told, and nothing switched."""
    before = month.modes("daily")
    run = month.daily(broken=1, ends=5)
    month.expect_severity(run, 3)
    month.expect(month.modes("daily") == before, "nothing is switched")
    (would,) = month.type("monitor", "--what-if", "--task", "daily", "--as-of", month.at(7))["tasks"]
    month.expect(
        [one["severity"] for one in would["would"]] == [3] and not would["would"][0]["switch_off"],
        "the preview says the same",
    )
    after(month, run)
    return run


def twelve_per_cent(month: Month) -> Run:
    """Severity 2: only the plugin at fault goes."""
    before = month.modes("daily")
    run = month.daily(broken=4, ends=5)
    month.expect_severity(run, 2)
    month.expect(
        month.modes("daily") == {name: mode for name, mode in before.items() if name != "batch"},
        "batch is off on daily, and nothing else",
    )
    month.expect("batch" in month.modes("hourly"), "hourly has it still")
    enable(month, "daily", "batch")
    after(month, run)
    return run


def thirty_per_cent(month: Month) -> Run:
    """Severity 1: the run is taken back, the new plugins go, and it is reported."""
    before = month.rows("hearings")
    run = month.daily(broken=10, ends=1)
    month.expect_severity(run, 1)
    month.expect(run.result["verdict"] == "rolled back", "the run is taken back")
    month.expect(month.rows("hearings") == before, "the table is as before, cell by cell")
    month.expect(not {"batch", "historical"} & {*month.modes("daily")}, "batch and historical are off on daily")
    month.expect("historical" in month.modes("hourly"), "hourly goes on with them")
    report = Path("incidents", f"incident-{run.id}.md")
    month.expect(report.exists() and run.id in report.read_text(), f"{report} tells of it")
    month.type("runs", "ack", run.id, "--incident", "--note", "the feed was broken")
    enable(month, "daily", "batch", "historical")
    month.feed.write("daily", month.feed.today)
    again = month.run("daily", month.at(9))
    month.expect(not again.severities and again.result["verdict"] == "committed", "the mended feed lands")
    month.hourly()
    month.expect_health("degraded", month.at(EVENING))
    checklist = {row[0]: row[2] for row in month.report("daily", "daily", month.at(EVENING))["Checklist"]}
    asking = [name for name, verdict in checklist.items() if verdict == "look here"]
    month.expect(
        {"updates", "quarantined", "batches"} <= {*asking}, f"the daily report says look at {', '.join(asking)}"
    )
    return run


def slow_runs(month: Month) -> None:
    """Severity 2: a plugin that makes the runs slow goes."""
    month.daily()
    month.type("plugins", "enable", "lookup", "--task", "hourly", "--reason", "are the rooms real?")
    before = month.modes("hourly")
    seen = [run for run in map(month.one_hour, month.length.hours) if run.severities]
    if not seen:  # a short day has too few runs to conclude from
        month.next_day()
        month.daily()
        seen = [run for run in map(month.one_hour, month.length.hours) if run.severities]
    month.expect([run.severities for run in seen] == [[2]], seen[0].severity(2) if seen else "lookup is slow")
    month.expect(
        month.modes("hourly") == {name: mode for name, mode in before.items() if name != "lookup"},
        "lookup is off on hourly, and nothing else",
    )


def false_alarms(month: Month) -> None:
    """Severity 3, then 2: a limit that is too low alarms at every run, and people say each time that all is well."""
    month.daily()
    settings = Path("validate-updates.toml")
    text = settings.read_text()
    settings.write_text(text.replace(f"warn_above = {LIMIT}", "warn_above = 1"))
    before = month.modes("hourly")
    seen = []
    for hour in month.length.hours:
        run = month.one_hour(hour)
        seen += [(level, run) for level in run.severities]
        if 2 in run.severities:
            break
        month.type("runs", "ack", run.id, "--expected", "--note", "statements come late", show=False)
    month.expect([level for level, _ in seen] == [3, 2], " and then ".join(run.severity(level) for level, run in seen))
    month.expect(
        month.modes("hourly") == {name: mode for name, mode in before.items() if name != "static_thresholds"},
        "static_thresholds is off on hourly, and nothing else",
    )
    settings.write_text(text)
    month.type("plugins", "reset", "static_thresholds", "--task", "hourly", "--reason", "the limit is as it was")
    month.expect_health("degraded", month.at(EVENING))


def rows_lost(month: Month) -> None:
    """Severity 1: somebody's trigger deletes rows while an update is under way."""
    month.daily()
    first = month.length.hours[0]
    lose = "DELETE FROM witnesses WHERE witness_id = 1"
    month.database(f"CREATE TRIGGER tidy AFTER INSERT ON witnesses BEGIN {lose}; END")
    before = month.rows("witnesses")
    records = month.feed.hourly()
    month.feed.write("hourly", records)
    run = month.run("hourly", month.at(first, 30), ends=1)
    month.expect_severity(run, 1)
    month.expect("data loss: witnesses had" in run.severity(1), "what did not add up is said")
    month.expect(run.result["verdict"] == "rolled back", "the run is taken back")
    month.expect(month.rows("witnesses") == before[1:], "what it wrote is gone, and the row that it did not delete")
    month.expect(not {"batch", "historical"} & {*month.modes("hourly")}, "batch and historical are off on hourly")
    month.type("runs", "ack", run.id, "--incident", "--note", "a trigger nobody knew of")
    month.database("DROP TRIGGER tidy")
    enable(month, "hourly", "batch", "historical", reason="the trigger is gone")
    month.feed.write("hourly", [month.feed.witnesses[1], *records])
    again = month.run("hourly", month.at(first, 45))
    month.expect(not again.severities and again.result["counts"]["inserted"] == len(records) + 1, "all of it lands")
    for hour in month.length.hours[1:]:
        month.one_hour(hour)


def after(month: Month, run: Run) -> None:
    """What people do about a bad day, and the rest of it."""
    month.type("runs", "ack", run.id, "--incident", "--note", "the feed was broken")
    month.mend()
    month.hourly()


def enable(month: Month, task: str, *plugins: str, reason: str = "the feed was at fault") -> None:
    """The reason is found: what the policy has switched off takes part again."""
    for plugin in plugins:
        month.type("plugins", "enable", plugin, "--task", task, "--reason", reason)


def bad_week(month: Month) -> None:
    """What the roll-back table is for."""
    broken = []
    for act in (three_per_cent, twelve_per_cent, thirty_per_cent, slow_runs, false_alarms, rows_lost):
        print(f"\n{month.day}  {(act.__doc__ or '').splitlines()[0]}", flush=True)
        broken += [run.id for run in (act(month),) if run]
        month.next_day()
    the_reports(month, broken)
    print(f"\n{month.day}  The machine is down over the weekend.")
    month.next_day()
    month.next_day()
    month.expect_health("unhealthy", month.at(MORNING))


def the_reports(month: Month, broken: Sequence[str]) -> None:
    """What is told of the week to those who were not there."""
    print(f"\n{month.day}  The reports of the week.")
    week = month.report("weekly", "daily", month.at(MORNING))
    worst = [row[0] for row in week["The worst runs"]]
    month.expect(
        worst == [*reversed(broken)],
        f"the weekly report names the runs with bad batches, the worst first: {', '.join(worst)}",
    )
    checks = month.report("retrospective", "hourly", month.at(MORNING))["Which checks earned their keep"]
    month.expect(
        checks[0][0] == "static_thresholds.check.without_statement" and int(checks[0][4]) > 1,
        f"the retrospective one begins with the check that alarmed for nothing, {checks[0][4]} times",
    )
    month.type("report", "weekly", "--as-of", month.at(MORNING), "--output", "week.html", form="html")
    page = Path("week.html").read_text()
    month.expect(all(run in page for run in broken), "week.html has them too")


def simulate(folder: Path, length: Length) -> int:
    """The whole of it."""
    folder.mkdir(parents=True)
    install(folder / "site")
    with chdir(folder):
        Path("validate-updates.toml").write_text(SETTINGS)
        month = Month(length, Feed(Path(), START))
        print(f"{month.day}  {length.plain} days with fixed limits, and the past brought in.")
        the_past(month)
        month.ordinary(length.plain)
        month.expect_health("healthy", month.at(MORNING))
        print(f"\n{month.day}  A canary, over {length.canary} runs.")
        canary(month)
        month.expect_health("healthy", month.at(MORNING))
        bad_week(month)
        print(f"\n{month.day}  It recovers.")
        month.ordinary(6)
        month.expect_health("healthy", month.at(MORNING))
        month.expect(not month.type("quarantine", "list")["entries"], "nothing is left in quarantine")
        month.expect(
            month.rows("hearings") == [(*one.values(),) for one in sorted(month.feed.hearings.values(), key=key)],
            f"{len(month.feed.hearings)} hearings are as the source has them, cell by cell",
        )
        month.expect(
            month.rows("witnesses") == [(*one.values(),) for one in month.feed.witnesses.values()],
            f"{len(month.feed.witnesses)} witnesses, too",
        )
    print(f"\n{month.facts} facts looked at, {len(month.wrong)} not as they should be")
    for line in month.wrong:
        print(f"  {line}")
    return 1 if month.wrong else 0


def key(record: Record) -> str:
    """What tells hearings apart."""
    return str(record["event_id"])


def install(site: Path) -> None:
    """Make the plugin of ``lookup.py`` one that is installed, as pip would; in this process alone."""
    about = site / "lookup-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lookup\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[validate_updates]\nlookup = lookup\n")
    sys.path.append(str(site.absolute()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, and say what came of it."""
    parser = argparse.ArgumentParser(description="A month of updates on a clock of its own.")
    parser.add_argument("folder", type=Path, help="where to make it; must not exist")
    parser.add_argument("--short", action="store_true", help="the same story in fewer days and hours")
    given = parser.parse_args(arguments)
    if given.folder.exists():
        parser.error(f"{given.folder} exists already")
    return simulate(given.folder, SHORT if given.short else WHOLE)


if __name__ == "__main__":
    sys.exit(main())
