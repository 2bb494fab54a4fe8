"""What the reports say of journals that real runs have written, on a controlled clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.engine.target import Target
from tests.plugins.reports.world import World, record, rows, section
from validate_updates import Verdict
from validate_updates_reports.words import number


@pytest.fixture
def world(target: Target, tmp_path: Path) -> World:
    return World(target, tmp_path).made()


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where nothing is asked of a database that the two answer in their own way."""


def marks(given: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {name: row[-1] for name, row in given.items() if row[-1]}


def test_a_good_day(world: World) -> None:
    world.update(record(1), record(2), days=3)
    world.update(record(1, "b"), record(2), record(3), hours=2)

    given = world.report("daily")

    found = rows(given, "Checklist")
    figures = {name: row[0] for name, row in found.items()}
    assert figures["updates"] == "1: 1 committed"
    assert [figures[name] for name in ("checked", "updated", "added", "unchanged")] == ["3 records", "1", "1", "1"]
    assert set(marks(found).values()) <= {"OK", "not known"}
    assert not section(given, "Checklist").lines
    assert given.data["reports"]["counts"]["updated"] == 1


@on_sqlite
def test_a_bad_day_says_where_to_look(world: World) -> None:
    for day in range(5, 1, -1):
        world.update(record(day), days=day)
    refused = world.update(record(9, amount=-1), hours=3)
    loud = world.update(record(8, "LOUD"), hours=2)
    assert refused.verdict is Verdict.REJECTED

    given = world.report("daily")

    found, lines = rows(given, "Checklist"), section(given, "Checklist").lines
    assert {name for name, mark in marks(found).items() if mark == "look here"} >= {"updates", "alerts"}
    assert any(refused.run_id in line and line.startswith("updates") for line in lines)
    assert f"alerts: say what it was: validate-updates runs ack {loud.run_id} --expected|--incident" in lines
    world.label(loud, "expected")
    assert marks(rows(world.report("daily"), "Checklist"))["alerts"] == "OK"


@on_sqlite
def test_a_day_without_an_update_is_no_good_day(world: World) -> None:
    world.update(record(1), days=3)
    assert marks(rows(world.report("daily"), "Checklist"))["updates"] == "look here"


@on_sqlite
def test_counts_that_do_not_add_up(world: World) -> None:
    run = world.update(record(1), record(2), hours=1)
    world.target.execute("UPDATE update_logs SET inserted = inserted - 1")
    found = world.report("daily")
    assert rows(found, "Checklist")["counts add up"] == ("no", "look here")
    assert any(run.run_id in line for line in section(found, "Checklist").lines)


@on_sqlite
def test_the_week_in_bars(world: World) -> None:
    for day in range(7):
        world.update(*(record(100 * day + number) for number in range(day + 1)), days=6 - day, hours=1)

    found = rows(world.report("daily"), "The week in days")

    assert found["added"] == ("▁▂▃▅▆▇█", "7", "4")
    assert found["updates"] == ("▄▄▄▄▄▄▄", "1", "1")


def test_what_has_changed_is_sampled_with_old_and_new_cells(world: World) -> None:
    world.update(record(1, "old"), *(record(number) for number in range(10, 40)), days=3)
    world.update(record(1, "new"), record(2, "tw\x1bo", 7), hours=2)

    found = section(world.report("daily"), "What has changed")

    assert set(found.rows) == {
        ("t", "changed", "id=1", "title: old -> new"),
        ("t", "added", "id=2", "title=tw\x1bo, amount=7"),
    }
    assert found.lines == ("2 of 2 changes, in t",)
    month = section(world.report("daily", days=30), "What has changed")
    assert len(month.rows) == 7
    assert "7 of 33 changes, in t" in month.lines


@on_sqlite
def test_runs_that_wrote_nothing_hide_no_change(world: World) -> None:
    world.update(record(1), hours=20)
    for hours in range(12, 0, -1):
        world.update(record(1), hours=hours)

    found = section(world.report("daily"), "What has changed")

    assert [row[:3] for row in found.rows] == [("t", "added", "id=1")]
    assert found.lines == ("1 of 1 changes, in t",)


@on_sqlite
def test_a_failure_of_a_plugin_is_looked_for_in_its_run(world: World) -> None:
    failed = world.update(record(1, "LOUD"), hours=3)
    world.target.execute("UPDATE update_findings SET code = 'validator_failed'")
    world.update(record(2), hours=1)
    lines = section(world.report("daily"), "Checklist").lines
    assert f"errors: see which check failed: validate-updates runs show {failed.run_id}" in lines


@pytest.mark.parametrize(("value", "said"), [(1440.5, "1,440.5"), (1250, "1,250"), (4.12, "4.1"), (0.0, "0")])
def test_numbers_are_said_whole(value: float, said: str) -> None:
    assert number(value) == said


@on_sqlite
def test_of_a_run_that_was_taken_back_nothing_has_changed(world: World) -> None:
    world.update(record(1), hours=2)
    world.target.execute("DELETE FROM update_undo")
    assert section(world.report("daily"), "What has changed").lines == ("its undo log is no longer there",)


def test_the_week_beside_the_week_before(world: World) -> None:
    world.update(*map(record, range(4)), days=10)
    world.update(*map(record, range(4, 10)), days=5)
    worst = world.update(record(11, amount=-1), days=4)
    loud = world.update(record(12, "LOUD"), days=3)
    world.update(record(13), days=1)

    given = world.report("weekly")

    found = rows(given, "This time, and the time before")
    assert found["added"] == ("8", "4", "+100 %")
    assert found["did not stand"] == ("1", "0", "")
    assert [row[0] for row in section(given, "The worst runs").rows] == [worst.run_id, loud.run_id]
    assert given.data["reports"]["unanswered"] == [loud.run_id]
    assert [row[0] for row in section(given, "Alerts").rows] == [loud.run_id]


@on_sqlite
def test_a_run_at_the_border_is_of_one_week(world: World) -> None:
    world.update(record(1), days=10)
    world.update(record(2), record(3), days=7)
    assert rows(world.report("weekly"), "This time, and the time before")["added"] == ("2", "1", "+100 %")


def test_what_waits_in_quarantine_is_summed_up_by_reason(world: World) -> None:
    world.update(record(1), {"id": "x"}, {"id": "y"}, {"id": 2, "nobody": "knows"}, days=2)
    found = section(world.report("weekly"), "Open in the quarantine")
    assert sum(int(row[1]) for row in found.rows) == 3
    assert int(found.rows[0][1]) == 2, "the most frequent first"
    assert found.lines == ("3 records: validate-updates quarantine list --task daily",)


def test_looking_back_says_which_checks_were_right_and_what_to_do(world: World) -> None:
    right = world.update(record(1, "LOUD"), days=20)
    wrong = world.update(record(2, "LOUD"), days=10)
    open_one = world.update(record(3, "LOUD"), days=5)
    world.update(record(4), days=1)
    world.label(right, "incident")
    world.label(wrong, "expected")

    given = world.report("retrospective")

    (loud,) = section(given, "Which checks earned their keep").rows
    assert loud == ("given.loud", "4", "3", "1", "1", "1")
    assert section(given, "Which checks earned their keep").lines == ("1 check had nothing to say",)
    advice = given.data["reports"]["suggestions"]
    assert any(f"validate-updates runs ack {open_one.run_id}" in one for one in advice)
    assert any("validate-updates plugins shadow given --task daily" in one for one in advice)
    assert [one["run_id"] for one in given.data["reports"]["incidents"]] == [right.run_id]


@on_sqlite
def test_how_long_it_took_until_somebody_could_know(world: World) -> None:
    silent = world.update(record(1), days=9)
    loud = world.update(record(2, "LOUD"), days=8)
    world.update(record(3), days=7)
    told_by_person = world.update(record(4), days=6)
    world.update(record(5), days=5)
    world.update(record(6, amount=-1), days=4)
    for run in (silent, loud, told_by_person):
        world.label(run, "incident")

    found = [row[1:] for row in section(world.report("retrospective"), "Incidents").rows]

    assert found == [("1", "at once", "rejected"), ("1", "", "a person"), ("2", "24.0 h", "an alert")]


@on_sqlite
def test_nothing_to_suggest_is_said(world: World) -> None:
    world.update(record(1), days=2)
    world.target.execute("UPDATE update_logs SET backup = 'one'")
    assert section(world.report("retrospective"), "Suggestions").lines == ("none: go on as before",)
    assert section(world.report("retrospective"), "Incidents").lines == ("none",)


@on_sqlite
def test_the_past_is_drawn_with_what_was_expected_and_the_marked_runs(world: World) -> None:
    for day in range(12, 0, -1):
        world.update(*(record(1000 * day + number) for number in range(10 + day % 3)), days=day)
    bad = world.update(*(record(number) for number in range(90)), hours=3)
    world.label(bad, "incident")

    (found,) = [one for one in world.report("daily").sections if one.charts]

    chart = next(one for one in found.charts if one.metric == "records.inserted")
    assert len(chart.points) == 13
    assert [point.label for point in chart.points if point.label] == ["incident"]
    last = chart.points[-1]
    assert last.value == 90
    assert last.range is not None
    assert 0 <= last.range.low <= last.range.expected <= last.range.high < 90
    assert "records.updated" not in {one.metric for one in found.charts}, "what was always 0 is not drawn"
