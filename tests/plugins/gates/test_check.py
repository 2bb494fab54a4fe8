"""``gate check``: each criterion at its boundary, what is missing, and what a pipeline sees of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.plugins.gates.conftest import Gate
from tests.plugins.gates.evidence import benchmark, evaluation, figure, junit, load
from tests.plugins.monitoring.world import ALERT, DAY, WRONG
from validate_updates import Counts, RunResult, Verdict
from validate_updates_cli.render.json import result_json

PASS, FAIL, UNKNOWN = "pass", "fail", "not known"


# testing


def green(gate: Gate, **load_of: Any) -> tuple[str, ...]:
    """All that the gate ``testing`` needs of files."""
    return (
        *("--junit", gate.file("results.xml", junit("", "", '<skipped message="no server"/>'))),
        *("--benchmarks", gate.file("load.json", load(**load_of))),
    )


def test_testing_passes(gate: Gate) -> None:
    run = gate.world.update(records=500, plugins=("batch",))

    found = gate.check("testing", *green(gate))

    assert (found.code, found.decision) == (0, PASS)
    assert {name: state for name, (_, state) in found.criteria.items()} == dict.fromkeys(
        ["tests", "skipped tests", "trial", "trial seconds", "trial success", "load", "load slowdown"], PASS
    )
    assert found.criteria["trial"][0] == "500 in 10"
    assert found.of("trial")["evidence"] == f"run {run.run_id}, committed"
    assert found.of("load slowdown")["evidence"] == (
        "measured 2026-11-28T12:00:00Z: +5.0 % on distinct targets, +5.0 % on one target; beside the others one update"
        " takes so many times as long: 40.0 on distinct targets, 40.0 on one target"
    )


@pytest.mark.parametrize(
    ("cases", "tests", "skipped"),
    [
        (["", "<failure/>"], FAIL, PASS),
        (["", "<skipped/>"], PASS, FAIL),
        (['<skipped message="why"/>'], PASS, PASS),
        ([], UNKNOWN, UNKNOWN),
    ],
)
def test_what_tests_say(lite: Gate, cases: list[str], tests: str, skipped: str) -> None:
    lite.world.update()

    found = lite.check("testing", "--junit", lite.file("results.xml", junit(*cases)))

    assert (found.criteria["tests"][1], found.criteria["skipped tests"][1]) == (tests, skipped)
    assert found.code == 1


def test_skipped_tests_may_be_borne(lite: Gate) -> None:
    lite.world.update()
    lite.set(skipped_tests=1)
    one, two = (lite.file(f"{number}.xml", junit(*["<skipped/>"] * number)) for number in (1, 2))

    assert lite.check("testing", "--junit", one).criteria["skipped tests"] == ("1 of 1", PASS)
    assert lite.check("testing", "--junit", one, "--junit", two).criteria["skipped tests"] == ("3 of 3", FAIL)


@pytest.mark.parametrize(
    ("records", "size", "plugins", "state"),
    [
        (500, 50, ("batch",), PASS),
        (499, 49, ("batch",), UNKNOWN),
        (500, 56, ("batch",), UNKNOWN),
        (500, 50, (), UNKNOWN),
    ],
)
def test_a_trial_is_large_enough_or_none(
    lite: Gate, records: int, size: int, plugins: tuple[str, ...], state: str
) -> None:
    lite.world.update(records=records, plugins=plugins, settings={"batch": {"size": size}} if plugins else {})

    found = lite.check("testing")

    assert {found.criteria[name][1] for name in ("trial", "trial seconds", "trial success")} == {state}
    if state == UNKNOWN:
        todo = "validate-updates run daily --plugins batch, with at least 500 records in 10 batches"
        assert found.of("trial")["todo"] == todo


@pytest.mark.parametrize(("seconds", "state"), [("4.999", PASS), ("5.0", FAIL)])
def test_a_trial_is_quick(lite: Gate, seconds: str, state: str) -> None:
    lite.world.update(records=500, plugins=("batch",))
    lite.world.target.execute(f"UPDATE update_logs SET seconds = {seconds}")

    assert lite.check("testing").criteria["trial seconds"][1] == state


@pytest.mark.parametrize(("refused", "actual", "state"), [(1, "95.0 %", PASS), (3, "90.0 %", FAIL)])
def test_a_trial_lands(gate: Gate, refused: int, actual: str, state: str) -> None:
    gate.set(trial_records=40, trial_batches=20)
    pairs = {"batch": {"size": 2, "max_quarantined": "100 %", "max_failed_batches": "100 %"}}
    gate.world.update(records=40, refused=refused, plugins=("batch",), settings=pairs)

    found = gate.check("testing")

    assert found.criteria["trial success"] == (actual, state)
    assert found.criteria["trial"] == ("40 in 20", PASS)


def test_a_trial_that_was_rejected_fails(lite: Gate) -> None:
    run = lite.world.update(WRONG, records=500, plugins=("batch",))

    found = lite.check("testing")

    assert (found.criteria["trial"][1], found.of("trial")["runs"], found.decision) == (FAIL, [run.run_id], FAIL)


def test_only_the_newest_trial_of_the_window_counts(lite: Gate) -> None:
    lite.world.update(records=500, plugins=("batch",))
    newer = lite.world.update(records=550, plugins=("batch",))
    lite.world.update(records=4, plugins=("batch",))

    assert newer.run_id in lite.check("testing").of("trial")["evidence"]
    assert lite.check("testing", "--days", "0.5").criteria["trial"][1] == UNKNOWN
    assert lite.check("testing", after=-2.5 * DAY).criteria["trial"][1] == UNKNOWN, "it was not there yet"


@pytest.mark.parametrize(
    ("measured", "landed", "slow"),
    [
        (load(slowdown=9.99), PASS, PASS),
        (load(slowdown=10.0), PASS, FAIL),
        (load(slowdown=-40.0), PASS, PASS),
        (load(failed=1), FAIL, PASS),
        (load(updates=99), UNKNOWN, UNKNOWN),
        (load(records=999), UNKNOWN, UNKNOWN),
        (load(batches=99), UNKNOWN, UNKNOWN),
        (benchmark("load"), UNKNOWN, UNKNOWN),
        (benchmark("other", *load()["figures"]), UNKNOWN, UNKNOWN),
    ],
)
def test_many_at_once(lite: Gate, measured: dict[str, Any], landed: str, slow: str) -> None:
    lite.world.update()

    found = lite.check("testing", "--benchmarks", lite.file("load.json", measured))

    assert (found.criteria["load"][1], found.criteria["load slowdown"][1]) == (landed, slow)


def test_of_several_loads_the_worst_counts(lite: Gate) -> None:
    lite.world.update()
    files = [lite.file(f"{number}.json", load(slowdown=slow)) for number, slow in enumerate((5.0, 30.0, 6.0))]

    found = lite.check("testing", *(word for file in files for word in ("--benchmarks", file)))

    assert found.criteria["load slowdown"] == ("+30.0 %", FAIL)


# validation


@pytest.mark.parametrize(
    ("found", "alarms", "detection", "false"),
    [
        ((90, 100), (4, 100), PASS, PASS),
        ((89, 100), (5, 100), FAIL, FAIL),
        ((0, 0), (0, 0), UNKNOWN, UNKNOWN),
        ((100, 100), (0, 100), PASS, PASS),
    ],
)
def test_what_the_detector_is_worth(
    lite: Gate, found: tuple[int, int], alarms: tuple[int, int], detection: str, false: str
) -> None:
    lite.world.update()

    checked = lite.check("validation", "--evaluation", lite.file("e.json", evaluation(found, alarms)))

    assert (checked.criteria["detection"][1], checked.criteria["false alarms"][1]) == (detection, false)


def test_what_evaluate_writes_is_read(lite: Gate) -> None:
    lite.world.update()
    (lite.world.folder / "never.py").write_text("def detect(past, update):\n    return False\n")
    said = lite.command("evaluate", "--detector", "never:detect", "--runs", "65", "--format", "json")

    found = lite.check("validation", "--evaluation", lite.file("e.json", said.out))

    assert (found.criteria["detection"], found.criteria["false alarms"]) == (("0.0 %", FAIL), ("0.0 %", PASS))
    assert "never:detect, seed 0: 0 of " in found.of("detection")["evidence"]


@pytest.mark.parametrize(("slowest", "state"), [(499.9, PASS), (500.0, FAIL)])
def test_a_decision_is_quick(lite: Gate, slowest: float, state: str) -> None:
    lite.world.update()
    measured = benchmark(
        "historical",
        figure("decision, cold", 3.0, metrics=10, runs=30),
        figure("decision, cold", slowest, metrics=1000, runs=365),
        figure("decision, cached", 900.0, metrics=10, runs=30),
    )

    found = lite.check("validation", "--benchmarks", lite.file("h.json", measured))

    assert found.criteria["decision"][1] == state
    assert found.of("decision")["evidence"] == "1,000 metrics, 365 runs, measured 2026-11-28T12:00:00Z"


def test_without_a_benchmark_decisions_are_timed_in_the_journal(gate: Gate) -> None:
    gate.world.update()
    assert gate.check("validation").criteria["decision"][1] == UNKNOWN
    gate.world.update(plugins=("historical",))

    found = gate.check("validation")

    assert found.criteria["decision"][1] == PASS
    assert "the slowest of 1 runs with historical" in found.of("decision")["evidence"]
    gate.set(decision_ms=0.000001)
    assert gate.check("validation").criteria["decision"][1] == FAIL


@pytest.mark.parametrize(("hours", "state"), [(720, PASS), (719, UNKNOWN)])
def test_how_long_the_past_is(gate: Gate, hours: int, state: str) -> None:
    gate.world.update()
    gate.world.update(after=timedelta(hours=hours - 1))

    found = gate.check("validation")

    assert found.criteria["history"] == (f"{hours / 24:.1f} days", state)


def test_the_past_of_a_task_that_runs_often_is_not_cut_short(gate: Gate) -> None:
    gate.world.update()
    begin = gate.world.now - 31 * DAY
    times = (begin + number * timedelta(minutes=20) for number in range(31 * 72))
    log = gate.file("log.csv", "started_at,inserted\n" + "".join(f"{time.isoformat()},1\n" for time in times))
    assert gate.command("history", "import", log, "--task", "daily").code == 0

    assert gate.check("validation").criteria["history"] == ("31.0 days", PASS)


# trial


def dry_run(gate: Gate, number: int, **changes: Any) -> str:
    told = {
        "run_id": f"dry-{number}",
        "task": "daily",
        "verdict": Verdict.COMMITTED,
        "reason": "",
        "counts": Counts(read=3, inserted=3),
        "source": "x",
        "target": "y",
        "table": "t",
        "dry_run": True,
        "started_at": gate.world.now,
    }
    return gate.file(f"dry-{number}.json", result_json(RunResult(**{**told, **changes})))


def dry_runs(gate: Gate, count: int, **changes: Any) -> list[str]:
    return [word for number in range(count) for word in ("--dry-run", dry_run(gate, number, **changes))]


def test_trial_passes_on_dry_runs_and_runs_in_shadow(gate: Gate) -> None:
    for _ in range(3):
        gate.world.update(plugins=("static_thresholds:shadow",))
    gate.world.update(plugins=("static_thresholds",))

    found = gate.check("trial", *dry_runs(gate, 2))

    assert (found.code, found.decision) == (0, PASS)
    assert found.criteria["trial runs"] == ("5", PASS)
    assert found.of("trial runs")["evidence"].startswith("2 dry runs, 3 with a plugin in shadow")
    assert gate.check("trial", *dry_runs(gate, 1)).decision == "not enough evidence"


def test_what_a_real_dry_run_writes_is_read(gate: Gate) -> None:
    gate.world.update()
    (gate.world.folder / "day.jsonl").write_text('{"id": 900, "name": "x"}\n')
    words = ("plan", "daily", "--source", "day.jsonl", *gate.at(), "--report", "json=dry.json")
    assert gate.command(*words).code == 0

    found = gate.check("trial", "--dry-run", "dry.json")

    assert found.of("trial runs")["evidence"].startswith("1 dry runs, 0 with a plugin in shadow")
    assert found.criteria["failed runs"] == ("0", PASS)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"verdict": Verdict.FAILED}, "failed runs"),
        ({"findings": (ALERT.by("acme", "x", "plan"),)}, None),
        ({"findings": (type(ALERT)(code="validator_failed", severity=WRONG.severity, message="m"),)}, "plugin errors"),
        ({"counts": Counts(read=3, inserted=2)}, "data loss"),
        ({"verdict": Verdict.REJECTED}, "spoken against"),
        ({"shadow": (WRONG.by("acme", "x", "plan"),)}, "spoken against"),
    ],
)
def test_one_dry_run_that_goes_wrong(lite: Gate, changes: dict[str, Any], name: str | None) -> None:
    lite.world.update()
    words = [*dry_runs(lite, 9), "--dry-run", dry_run(lite, 10, **changes)]

    found = lite.check("trial", *words)

    assert {one for one, (_, state) in found.criteria.items() if state != PASS} == ({name} if name else set())
    assert found.code == (1 if name else 0)
    if name:
        assert found.of(name)["runs"] == ["dry-10"]


def test_who_speaks_against_an_update_in_shadow(lite: Gate) -> None:
    for _ in range(4):
        lite.world.update(plugins=("static_thresholds:shadow",))
    limits = {"static_thresholds": {"added_most": 1}}
    wrong = lite.world.update(plugins=("static_thresholds:shadow",), settings=limits)

    lite.set(opposed=20.1)
    assert lite.check("trial").criteria["spoken against"] == ("20.0 %", PASS)
    lite.set(opposed=20)
    found = lite.check("trial")
    assert (found.criteria["spoken against"], found.of("spoken against")["runs"]) == (("20.0 %", FAIL), [wrong.run_id])

    lite.world.target.execute(f"UPDATE update_logs SET label = 'incident' WHERE run_id = '{wrong.run_id}'")
    assert lite.check("trial").criteria["spoken against"] == ("0.0 %", PASS), "it was right to"


def test_a_copy_of_a_dry_run_is_no_other_one(lite: Gate) -> None:
    lite.world.update()
    copies = [lite.file(f"{number}.json", (lite.world.folder / dry_run(lite, 1)).read_text()) for number in range(5)]

    found = lite.check("trial", *(word for file in copies for word in ("--dry-run", file)))

    assert found.criteria["trial runs"] == ("1", UNKNOWN)


def test_dry_runs_of_before_the_window_do_not_count(lite: Gate) -> None:
    lite.world.update()

    old = dry_runs(lite, 5, started_at=lite.world.now - 8 * DAY)

    assert lite.check("trial", *old).criteria["trial runs"] == ("0", UNKNOWN)
    assert lite.check("trial", *old, "--days", "9").decision == PASS


# canary, monitoring


def test_canary_and_monitoring_ask_the_plugins(gate: Gate) -> None:
    for _ in range(6):
        gate.world.update(plugins=("batch",))

    live = gate.check("monitoring")
    assert live.criteria["batch success"] == ("100.0 %", PASS)
    assert (live.criteria["overhead"][1], live.decision) == (UNKNOWN, "not enough evidence")
    assert gate.check("canary").criteria == {"canary": ("none", UNKNOWN)}

    gate.set(left_out=["overhead"])
    well = gate.check("monitoring")
    assert (well.code, well.decision, well.data["left_out"]) == (0, PASS, ["overhead"])

    failed = gate.world.failed()
    bad = gate.check("monitoring")
    assert (bad.code, bad.decision, bad.of("failed runs")["runs"]) == (1, FAIL, [failed.run_id])


def test_who_is_asked_about_monitoring_is_a_setting(lite: Gate) -> None:
    lite.world.update()
    lite.set(monitors=["canary"])

    assert list(lite.check("monitoring").criteria) == ["canary"]


def test_nothing_asked_is_no_pass(lite: Gate) -> None:
    lite.world.update()
    lite.set(monitors=[])

    assert lite.check("monitoring").decision == "not enough evidence"


# What people, and pipelines, see


def test_the_page(lite: Gate) -> None:
    lite.world.update()

    said = lite.command("gate", "check", "trial", *lite.at())

    assert said.code == 1
    assert said.out.startswith("gate trial of daily: not enough evidence\n")
    assert "\nEvidence\n" in said.out
    assert "  validate-updates run daily --dry-run --report json=PATH" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_the_report_is_written(lite: Gate) -> None:
    run = lite.world.update(WRONG, records=500, plugins=("batch",))
    for name in ("gate.md", "gate.json"):
        lite.file(name, "of yesterday: pass")

    lite.command("gate", "check", "testing", *lite.at(), "--report", "markdown=gate.md", "--report", "json=gate.json")

    page = (lite.world.folder / "gate.md").read_text()
    assert page.startswith("### gate testing of daily\\: fail\n")
    assert "| `trial` | `500 in 10 batches` | `500 in 10` | `fail` |" in page
    assert f"trial, see {run.run_id}" in page
    assert json.loads((lite.world.folder / "gate.json").read_text())["decision"] == "fail"


def test_a_report_of_yesterday_is_gone_whatever_happens(lite: Gate) -> None:
    lite.world.update()
    lite.file("gate.md", "of yesterday: pass")

    code, _ = lite.refused("testing", "--junit", "nowhere.xml", "--report", "markdown=gate.md")

    assert code == 3
    assert (lite.world.folder / "gate.md").read_text() == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["review"], 2, "there is no gate 'review' here"),
        (["testing", "--days", "0"], 2, "--days is more than 0"),
        (["testing", "--days", "nan"], 2, "--days is more than 0"),
        (["testing", "--task", "dayly"], 2, "there is no task 'dayly'"),
        (["testing", "--report", "junit=x"], 2, "--report junit=x is not known"),
        (["testing", "--junit", "nowhere.xml"], 3, "nowhere.xml cannot be read: No such file"),
        (["testing", "--benchmarks", "broken.json"], 3, "broken.json is not what a benchmark measured: "),
        (["testing", "--benchmarks", "deep.json"], 3, "deep.json is not what a benchmark measured: "),
        (["testing", "--benchmarks", "later.json"], 3, "later.json has version 2 of the form, and 1 is known"),
        (["validation", "--evaluation", "later.json"], 3, "later.json is not an evaluation of a detector: "),
        (["validation", "--evaluation", "many.json"], 3, "many.json is not an evaluation of a detector: 3 of 2"),
        (["validation", "--evaluation", "bytes.json"], 3, "bytes.json is not an evaluation of a detector: "),
        (["trial", "--dry-run", "later.json"], 3, "later.json is not the result of a run: "),
        (["trial", "--dry-run", "real.json"], 3, "real.json is of a run that was no dry run"),
        (["trial", "--dry-run", "other.json"], 3, "other.json is of another task than daily"),
    ],
)
def test_what_makes_no_sense_is_one_line(lite: Gate, words: list[str], code: int, said: str) -> None:
    lite.world.update()
    lite.file("broken.json", '{"schema_version": 1, "benchmark": "load", ')
    lite.file("deep.json", "[" * 100_000)
    lite.file("later.json", {**benchmark("load"), "schema_version": 2})
    lite.file("many.json", evaluation((3, 2), (0, 1)))
    (lite.world.folder / "bytes.json").write_bytes(b"\xff\xfe\x00")
    for name, changes in (("real", {"dry_run": False}), ("other", {"task": "other"})):
        (lite.world.folder / dry_run(lite, 1, **changes)).rename(lite.world.folder / f"{name}.json")

    status, err = lite.refused(*words)

    assert (status, said in err) == (code, True), err
    assert len(err.strip().splitlines()) <= 2


def test_what_fails_is_not_to_be_measured_again(lite: Gate) -> None:
    lite.world.update()

    found = lite.check("validation", "--evaluation", lite.file("e.json", evaluation((0, 9), (0, 9))))

    assert (found.criteria["detection"][1], found.of("detection")["todo"]) == (FAIL, "")
    assert found.of("decision")["todo"].startswith("python -m benchmarks.historical")


def test_a_task_that_has_never_run(lite: Gate) -> None:
    code, err = lite.refused("monitoring")

    assert (code, "no run has been written down" in err, "start one: run TASK" in err) == (2, True, True)


def test_which_task(lite: Gate) -> None:
    lite.world.update()
    lite.world.config.write_text(
        lite.world.config.read_text() + '[tasks.other]\nsource = "x"\n[tasks.other.tables.t]\n'
    )

    code, err = lite.refused("testing")

    assert (code, "which task? --task NAME" in err, "tasks: daily, other" in err) == (2, True, True)
    assert lite.check("testing", "--task", "other").data["task"] == "other"
