"""Updates judged by their past, on a real database, before the commit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.plugins.historical.wiring.world import NOW, Feed, codes, unusual, usual
from validate_updates import Severity


def test_a_usual_update_passes_without_a_word(any_feed: Feed) -> None:
    any_feed.past(usual(60))

    result = any_feed.update(any_feed.records(205))

    assert result.verdict == "committed"
    assert codes(result) == []
    assert result.sections == ()
    assert {one.validator: one.outcome for one in result.judged}["unusual"] == "passed"


def test_a_doubled_import_is_told_with_its_evidence(any_feed: Feed) -> None:
    any_feed.past(usual(60))

    result = any_feed.update(any_feed.records(400))

    finding = unusual(result)["records.read"]
    assert result.verdict == "committed"
    assert (finding.severity, finding.observed, finding.moment) == (Severity.WARNING, 400.0, "plan")
    low, high = (int(part) for part in str(finding.expected).split(" to "))
    assert 140 < low < 200 < high < 260
    assert "was the highest: this run alone" in finding.message
    assert f"runs ack {result.run_id} --expected" in finding.hint
    assert len(finding.runs) == 60
    assert len(set(finding.samples[0])) > 1
    assert any("once in" in sample or "less than once" in sample for sample in finding.samples[1:])


@pytest.mark.parametrize(
    ("on_alert", "verdict", "written", "hint"),
    [("warn", "committed", 400, "--expected"), ("reject", "rejected", 0, "again"), ("hold", "rejected", 0, "accept")],
)
def test_what_an_alert_does(feed: Feed, on_alert: str, verdict: str, written: int, hint: str) -> None:
    feed.past(usual(60))

    result = feed.update(feed.records(400), on_alert=on_alert)

    assert result.verdict == verdict
    assert feed.target.rows("SELECT count(*) FROM t") == [(written,)]
    assert hint in unusual(result)["records.read"].hint


def test_a_dry_run_says_the_same_and_names_no_run_that_will_not_be_there(feed: Feed) -> None:
    feed.past(usual(60))

    result = feed.update(feed.records(400), dry_run=True)

    finding = unusual(result)["records.read"]
    assert result.run_id not in finding.hint
    assert finding.severity is Severity.WARNING


def test_a_rejected_run_and_an_incident_teach_nothing(feed: Feed) -> None:
    feed.past(usual(60))
    for day in range(3):
        rejected = feed.update(feed.records(400), at=NOW + timedelta(days=day), on_alert="reject")
        assert rejected.verdict == "rejected"
    feed.update(feed.records(400), at=NOW + timedelta(days=3))
    feed.label("last", "incident")

    finding = unusual(feed.update(feed.records(400), at=NOW + timedelta(days=4)))["records.read"]

    assert len(finding.runs) == 60


@pytest.mark.parametrize(("runs", "said"), [(0, "0 of 30"), (7, "7 of 30"), (12, "12 of 30"), (29, "29 of 30")])
def test_while_it_learns_the_fixed_limits_judge_though_they_are_not_selected(feed: Feed, runs: int, said: str) -> None:
    feed.past(usual(runs))

    result = feed.update(feed.records(1200), static={"added_most": 500})

    by_code = {finding.code: finding for finding in result.findings}
    assert result.verdict == "rejected"
    assert f"learning, {said} runs" in by_code["learning"].message
    assert by_code["learning"].severity is Severity.INFO
    assert (by_code["rows_added_high"].plugin, by_code["rows_added_high"].validator) == ("historical", "fixed_limits")
    assert {one.name for one in result.plugins} == {"historical"}
    assert all(finding.severity is Severity.INFO for finding in unusual(result).values())
    assert bool(unusual(result)) is (runs >= 8)


@pytest.mark.parametrize("runs", [0, 5, 30, 100])
@pytest.mark.parametrize("beside", [(), ("batch",), ("static_thresholds",), ("batch", "static_thresholds")])
def test_with_any_past_beside_any_plugin(feed: Feed, runs: int, beside: tuple[str, ...]) -> None:
    feed.past(usual(runs))

    good = feed.update(feed.records(205), plugins=("historical", *beside), batch={"size": 50})
    doubled = feed.update(feed.records(410), plugins=("historical", *beside), batch={"size": 50})

    assert (good.verdict, doubled.verdict) == ("committed", "committed")
    assert unusual(good) == {}
    assert set(unusual(doubled, Severity.WARNING)) == ({"records.read"} if runs >= 30 else set())
    assert ("learning" in codes(good)) is (runs < 30)
    assert feed.target.rows("SELECT count(*) FROM t") == [(615,)]


def test_fixed_limits_at_the_end_too(feed: Feed) -> None:
    result = feed.update(feed.records(30, day="1999-01-01"))

    found = {finding.code: finding.validator for finding in result.findings}
    assert found["dates_out_of_range"] == "fixed_limits_result"


def test_with_enough_past_the_fixed_limits_are_silent(feed: Feed) -> None:
    feed.past(usual(30))

    result = feed.update(feed.records(205), static={"added_most": 5})

    assert result.verdict == "committed"
    assert codes(result) == []


def test_fixed_limits_that_are_selected_are_asked_once_and_always(feed: Feed) -> None:
    feed.past(usual(60))

    result = feed.update(feed.records(205), plugins=("historical", "static_thresholds"), static={"added_most": 5})

    assert result.verdict == "rejected"
    assert codes(result).count("rows_added_high") == 1
    assert not [one for one in result.judged if one.validator.startswith("fixed_limits")]


def test_seventeen_runs_where_that_is_enough(feed: Feed) -> None:
    feed.past(usual(17))

    assert unusual(feed.update(feed.records(800), min_days=17), Severity.WARNING)


def test_a_young_metric_is_in_shadow_by_itself(feed: Feed) -> None:
    share = [{"columns.missing.title": 1.0 + day % 3} if day >= 40 else {} for day in range(60)]
    feed.past([one | more for one, more in zip(usual(60), share, strict=True)])

    result = feed.update(feed.records(200, title=None))

    finding = unusual(result)["columns.missing.title"]
    assert finding.severity is Severity.INFO
    assert "in shadow, 20 of 30 runs" in finding.message
    assert result.verdict == "committed"


def test_what_batches_keep_out_is_judged_at_the_end(feed: Feed) -> None:
    feed.past([one | {"errors.percent": day % 2 * 0.5} for day, one in enumerate(usual(60))])
    records = [*feed.records(150), *feed.records(50, seats="many")]

    result = feed.update(records, plugins=("historical",), on_alert="reject", watch=["errors.percent"])

    finding = unusual(result)["errors.percent"]
    assert (finding.moment, finding.observed, result.verdict) == ("result", 25.0, "rejected")


def test_a_column_that_empties_and_one_that_is_gone(any_feed: Feed) -> None:
    any_feed.past([one | {"columns.missing.title": 0.5, "columns.missing.seats": 2.0} for one in usual(60)])
    records = any_feed.records(200, title="")
    for record in records:
        del record["seats"]

    found = unusual(any_feed.update(records))

    assert {"columns.missing.title", "columns.missing.seats"} <= set(found)
    assert "look at title in the source" in found["columns.missing.title"].hint


def test_a_group_that_is_missing_counts_as_none(any_feed: Feed) -> None:
    any_feed.past(
        [{"groups.chamber.House": 100.0 + day % 7, "groups.chamber.Senate": 90.0 + day % 5} for day in range(60)]
    )

    found = unusual(any_feed.update(any_feed.records(103), group_by=["chamber"], watch=["groups.*"]))

    assert set(found) == {"groups.chamber.Senate"}
    assert found["groups.chamber.Senate"].observed == 0.0


def test_identical_counts_for_days(feed: Feed) -> None:
    feed.past(usual(60))

    days = [unusual(feed.update(feed.records(200), at=NOW + timedelta(days=day))) for day in range(10)]

    told = [day for day, found in enumerate(days) if "records.read" in found]
    assert told
    assert told[0] <= 5
    assert "still refreshed" in days[told[0]]["records.read"].hint


@pytest.mark.parametrize(("days", "silent"), [(None, True), (30, True), (3, False)])
def test_expected_silences_the_like_until_the_day(feed: Feed, days: int | None, *, silent: bool) -> None:
    feed.past(usual(60))
    first = feed.update(feed.records(400))
    feed.label(first.run_id, "expected", until=NOW + timedelta(days=days) if days else None)
    for day in range(1, 8):
        assert not unusual(feed.update(feed.records(190 + day * 7 % 23), at=NOW + timedelta(days=day)))
    at = NOW + timedelta(days=8)

    like = feed.update(feed.records(420), at=at, dry_run=True)
    farther = feed.update(feed.records(3000), at=at, dry_run=True)
    below = feed.update(feed.records(20), at=at, dry_run=True)

    said = [finding.runs for finding in like.findings if finding.code == "unusual_but_expected"]
    assert ("records.read" not in unusual(like)) is silent
    assert ((first.run_id,) in said) is silent
    assert "records.read" in unusual(farther)
    assert "records.read" in unusual(below)


def test_a_recess_is_compared_with_recesses(feed: Feed) -> None:
    busy, quiet = usual(70, 200), usual(14, 8, seed=2)
    feed.past([*busy[:30], *quiet[:10], *busy[30:]], until=NOW)
    recess = f"{(NOW - timedelta(days=50)).date()}/{(NOW - timedelta(days=41)).date()}"
    again = f"{NOW.date()}"
    records = feed.records(8)

    judged = feed.update(records, dry_run=True)
    explained = feed.update(records, dry_run=True, calendar={"periods": {"recess": [recess, again]}})

    assert "records.read" in unusual(judged, Severity.WARNING)
    assert unusual(explained) == {}
    [learning] = [finding for finding in explained.findings if finding.code == "learning"]
    assert "learning, 10 of 30 runs of the period recess" in learning.message


def test_a_replay_is_not_compared_with_updates(feed: Feed) -> None:
    from dataclasses import replace

    from validate_updates.engine import execute
    from validate_updates.job import Job, Replay
    from validate_updates.secret import SecretUrl

    feed.past(usual(60))
    job = Job(source=feed.records(1), target=SecretUrl(feed.target.url), table="t", plugins=("historical",), as_of=NOW)

    result = execute(replace(job, replay=Replay(entries=frozenset())))

    assert "not_checked" in codes(result)
    assert not unusual(result)


def test_the_summary_has_a_line_for_each_alert(feed: Feed) -> None:
    feed.past(usual(60))

    [section] = feed.update(feed.records(400)).sections

    rows = {row[0]: row for row in section.rows}
    assert rows["records.read"][2] == "400"
    assert rows["records.read"][4].endswith("●")
    assert "├" in rows["records.read"][4]
    assert section.drawing[0] == "records.read:"
    assert section.drawing[1].endswith("●  400")
    assert any("░" in line and line.endswith("expected") for line in section.drawing)


def test_a_truncated_feed(feed: Feed) -> None:
    feed.past(usual(60))

    found = unusual(feed.update(feed.records(20)))

    assert "was the lowest" in found["records.read"].message
    assert "complete" in found["records.read"].hint


def test_the_volume_of_a_monday_on_a_sunday(feed: Feed) -> None:
    sunday = NOW + timedelta(days=5)
    week = [50.0, 400.0, 420.0, 410.0, 390.0, 400.0, 60.0]
    counts = [week[day % 7] + day * 7 % 13 for day in range(91)]
    feed.past([{"records.read": count} for count in counts], until=sunday)

    assert (sunday.weekday(), unusual(feed.update(feed.records(55), at=sunday, dry_run=True))) == (6, {})
    assert "records.read" in unusual(feed.update(feed.records(400), at=sunday, dry_run=True))
