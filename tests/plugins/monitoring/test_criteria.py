"""Each criterion: what passes, what fails, and when nothing is known yet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.plugins.monitoring.world import ALERT, DAY, WRONG, World
from validate_updates import Verdict
from validate_updates_cli.main import main
from validate_updates_monitoring.criteria import State
from validate_updates_monitoring.health import Health
from validate_updates_monitoring.textfile import exposition

HOUR = timedelta(hours=1)


def verdict(world: World, name: str, **options: object) -> tuple[str, State, str]:
    found = world.criterion(name, **options)
    return found.actual, found.state, found.evidence


def test_a_week_that_goes_well(world: World) -> None:
    for _ in range(7):
        world.update(plugins=("batch",))

    report = world.report()

    assert (report.health, report.reasons) == (Health.HEALTHY, ())
    assert {one.name: one.state for one in report.criteria} == {
        "last success": State.PASS,
        "failed runs": State.PASS,
        "data loss": State.PASS,
        "batch success": State.PASS,
        "good records committed": State.PASS,
        "alerts": State.PASS,
        "false alarms": State.PASS,
        "overhead": State.UNKNOWN,
    }
    assert verdict(world, "good records committed") == ("100.0 %", State.PASS, "28 of 28 records in 7 runs")
    assert verdict(world, "batch success") == ("100.0 %", State.PASS, "7 of 7 batches in 7 runs")


def test_few_runs_conclude_nothing_but_what_is_certain(sqlite: World) -> None:
    sqlite.update(ALERT, plugins=("batch",))
    sqlite.update(WRONG)

    states = {one.name: one.state for one in sqlite.report().criteria}

    assert states["data loss"] is State.PASS
    rates = ("batch success", "good records committed", "alerts", "false alarms", "overhead")
    assert {states[name] for name in rates} == {State.UNKNOWN}


def test_batches_that_records_were_kept_out_of(world: World) -> None:
    for refused in (0, 1, 0, 0, 0):
        halves = {"batch": {"size": 2, "max_quarantined": "100 %", "max_failed_batches": "100 %"}}
        world.update(plugins=("batch",), settings=halves, refused=refused)

    assert verdict(world, "batch success") == ("90.0 %", State.FAIL, "9 of 10 batches in 5 runs")


def test_good_records_that_did_not_land(sqlite: World) -> None:
    for _ in range(9):
        sqlite.update()
    rejected = sqlite.update(WRONG)

    found = sqlite.criterion("good records committed", days=30)

    assert (found.actual, found.state, found.value) == ("90.0 %", State.FAIL, 90.0)
    assert found.evidence == "36 of 40 records in 10 runs"
    assert found.runs == (rejected.run_id,)


def test_what_was_rolled_back_is_not_committed(sqlite: World) -> None:
    for _ in range(10):
        taken = sqlite.update()
    taken_back(sqlite, taken.run_id)

    found = sqlite.criterion("good records committed", days=30)

    assert (found.evidence, found.runs) == ("36 of 40 records in 10 runs", (taken.run_id,))
    exported = exposition([sqlite.report(days=30)])
    assert 'fate="inserted"} 36\n' in exported
    assert 'fate="rolled_back"} 4\n' in exported


def taken_back(world: World, run_id: str) -> None:
    assert main(["rollback", run_id, "--task", "daily", "--config", str(world.config)]) == 0


def test_bad_records_are_no_good_ones(sqlite: World) -> None:
    for _ in range(5):
        partial = sqlite.update(bad=2)

    assert partial.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert verdict(sqlite, "good records committed")[:2] == ("100.0 %", State.PASS)


def test_alerts_and_what_people_made_of_them(sqlite: World) -> None:
    for _ in range(8):
        sqlite.update()
    first, second = sqlite.update(ALERT), sqlite.update(ALERT)

    assert verdict(sqlite, "alerts", days=30) == ("20.0 %", State.FAIL, "2 of 10 runs")
    evidence = "2 alerts: 0 false, 0 true, 2 not acknowledged"
    assert verdict(sqlite, "false alarms", days=30) == ("0.0 %", State.UNANSWERED, evidence)
    label(sqlite, first.run_id, "expected")
    label(sqlite, second.run_id, "incident")
    evidence = "2 alerts: 1 false, 1 true, 0 not acknowledged"
    assert verdict(sqlite, "false alarms", days=30) == ("10.0 %", State.FAIL, evidence)
    assert verdict(sqlite, "false alarms", days=30, false_alarms=10.5)[1] is State.PASS


def label(world: World, run_id: str, text: str) -> None:
    world.target.execute(f"UPDATE update_logs SET label = '{text}' WHERE run_id = '{run_id}'")


def test_failed_runs(sqlite: World) -> None:
    sqlite.update()
    failed = sqlite.failed()
    sqlite.update()

    found = sqlite.criterion("failed runs")

    assert (found.actual, found.state, found.runs) == ("1", State.FAIL, (failed.run_id,))
    assert sqlite.report().health is Health.DEGRADED
    assert sqlite.report(failed_runs=1).health is Health.HEALTHY


def test_a_run_that_its_source_put_off_has_not_failed(sqlite: World) -> None:
    sqlite.update()
    later = sqlite.update(source="given:later")

    assert (later.exit_code, sqlite.criterion("failed runs").actual) == (75, "0")


@pytest.mark.parametrize("change", ["inserted = inserted - 1", "rows_after = rows_after - 1"])
def test_lost_data(sqlite: World, change: str) -> None:
    sqlite.update()
    lost = sqlite.update()
    sqlite.target.execute(f"UPDATE update_logs SET {change} WHERE run_id = '{lost.run_id}'")

    found = sqlite.criterion("data loss")

    assert (found.actual, found.state, found.runs) == ("1", State.FAIL, (lost.run_id,))
    assert sqlite.report().health is Health.UNHEALTHY


def test_lost_data_of_an_update_in_part(sqlite: World) -> None:
    lost = sqlite.update(bad=1)
    assert lost.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    sqlite.target.execute("UPDATE update_logs SET rows_after = rows_after - 1")

    assert sqlite.criterion("data loss").runs == (lost.run_id,)


def test_overhead_against_runs_without_the_plugins(sqlite: World) -> None:
    for _ in range(5):
        sqlite.update()
    for _ in range(5):
        sqlite.update(plugins=("batch",))
    sqlite.target.execute("UPDATE update_logs SET seconds = CASE WHEN strategy = 'batch' THEN 12 ELSE 10 END")

    found = sqlite.criterion("overhead", days=30)

    assert (found.actual, found.state) == ("+20.0 %", State.FAIL)
    assert found.evidence == "5 runs with batch or historical, 5 without: 12.00 s, 10.00 s before"
    assert sqlite.criterion("overhead", days=30, overhead=25.0).state is State.PASS
    assert sqlite.criterion("overhead", days=30, least_seconds=3.0).state is State.PASS
    sqlite.target.execute("UPDATE update_logs SET read = read * 2 WHERE strategy = 'batch'")
    twice = sqlite.criterion("overhead", days=30)
    assert (twice.actual, twice.state) == ("-40.0 %", State.PASS)
    assert twice.evidence.endswith("12.00 s, 10.00 s before x 2.00, as there are more records")


@pytest.mark.parametrize(
    ("after", "health", "state"),
    [
        (30 * HOUR - timedelta(minutes=1), Health.HEALTHY, State.PASS),
        (31 * HOUR, Health.DEGRADED, State.FAIL),
        (49 * HOUR, Health.UNHEALTHY, State.FAIL),
    ],
)
def test_how_long_the_last_success_may_be_ago(sqlite: World, after: timedelta, health: Health, state: State) -> None:
    sqlite.update()

    report = sqlite.report(after=after)

    assert (report.health, report.criteria[0].state) == (health, state)


def test_the_last_success_is_found_however_long_ago_it_was(sqlite: World) -> None:
    sqlite.update()

    report = sqlite.report(after=200 * DAY)

    assert (report.criteria[0].actual, report.figures.runs) == ("4800.0 h ago", ())


def test_a_rejected_run_is_no_success(sqlite: World) -> None:
    sqlite.update()
    sqlite.update(WRONG, after=2 * DAY)

    assert sqlite.report().health is Health.UNHEALTHY


def test_a_task_without_a_success_is_unhealthy(sqlite: World) -> None:
    sqlite.update(WRONG)

    report = sqlite.report()

    assert (report.health, report.criteria[0].actual) == (Health.UNHEALTHY, "never")


def test_only_the_window_counts_and_nothing_after_now(sqlite: World) -> None:
    sqlite.update(WRONG)
    for _ in range(3):
        sqlite.update()

    assert len(sqlite.report(days=3).figures.runs) == 3
    assert len(sqlite.report(days=30).figures.runs) == 4
    assert len(sqlite.report(days=30, after=-1.5 * DAY).figures.runs) == 2


def test_dry_runs_and_other_tasks_do_not_count(sqlite: World) -> None:
    sqlite.update()
    sqlite.update(dry_run=True)
    sqlite.update(task="other")

    assert len(sqlite.report(days=30).figures.runs) == 1


def test_rows_made_for_references_are_not_lost(world: World) -> None:
    world.target.execute("CREATE TABLE c (code text PRIMARY KEY, above text REFERENCES c (code))")
    created = {"c": {"references": {"above": {"to": "c.code", "missing": "create"}}}}
    world.update(source=[{"code": "a", "above": {"code": "b"}}], table="c", tables=created)

    assert world.target.rows("SELECT count(*) FROM c") == [(2,)]
    assert world.criterion("data loss").state is State.PASS


def test_later_runs_do_not_hide_those_of_the_window(sqlite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("validate_updates_monitoring.figures.MOST_RUNS", 2)
    sqlite.update()
    for _ in range(3):
        sqlite.update(after=10 * DAY)

    report = sqlite.report(after=-29 * DAY)

    assert (len(report.figures.runs), report.health) == (1, Health.HEALTHY)
