"""What is measured of an update, in numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.plugins.historical.wiring.world import NOW, Feed, unusual

EVERYTHING = ["columns.*"]


def measured(feed: Feed, records: list[dict[str, Any]], **settings: Any) -> dict[str, float]:
    metrics = feed.update(records, **settings).metrics
    return {name: value for name, value in metrics.items() if name.startswith(("columns.", "groups.", "errors."))}


def test_every_kind_of_number_of_every_column(any_feed: Feed) -> None:
    records = [
        *any_feed.records(10, title="abcd", seats=10, day="2025-07-01"),
        *any_feed.records(6, title="", seats=None, day="2025-07-06"),
        *any_feed.records(4, title="ab", seats=30, day=None),
    ]

    found = measured(any_feed, records, watch=EVERYTHING)

    assert found["columns.missing.title"] == 30.0
    assert found["columns.missing.id"] == 0.0
    assert found["columns.missing.seats"] == 30.0
    assert found["columns.distinct.id"] == 100.0
    assert found["columns.distinct.title"] == pytest.approx(200 / 14)
    assert found["columns.length.title"] == pytest.approx((10 * 4 + 4 * 2) / 14)
    assert found["columns.mean.seats"] == pytest.approx((10 * 10 + 4 * 30) / 14)
    assert found["columns.age.day"] == 2.0
    assert "columns.mean.title" not in found


def test_only_what_is_watched_is_measured(feed: Feed) -> None:
    found = measured(feed, feed.records(20), watch=["columns.mean.*", "columns.missing.title"])

    assert set(found) == {"columns.mean.id", "columns.mean.seats", "columns.missing.title", "errors.percent"}


def test_few_records_have_no_shares(feed: Feed) -> None:
    assert measured(feed, feed.records(19)) == {}
    assert "columns.missing.title" in measured(feed, feed.records(19), least_records=19)


def test_a_column_that_is_not_carried_is_missing_in_all(feed: Feed) -> None:
    records = [{"id": record["id"]} for record in feed.records(20)]

    found = measured(feed, records)

    assert found["columns.missing.title"] == 100.0
    assert found["columns.missing.id"] == 0.0


@pytest.mark.parametrize("name", ['the "real" title', "100 %", "at:once", "Title", "select"])
def test_a_column_of_any_name(any_feed: Feed, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    any_feed.target.execute("DROP TABLE t")
    any_feed.target.execute(f"CREATE TABLE t (id integer PRIMARY KEY, {quoted} text)")
    records = [{"id": number, name: "" if number < 5 else "abcd"} for number in range(20)]

    found = measured(any_feed, records, watch=EVERYTHING)

    assert found[f"columns.missing.{name}"] == 25.0
    assert found[f"columns.length.{name}"] == 4.0


def test_groups_with_records_without_a_value(any_feed: Feed) -> None:
    records = [*any_feed.records(3), *any_feed.records(2, chamber="Senate"), *any_feed.records(1, chamber=None)]

    found = measured(any_feed, records, group_by=["chamber"])

    assert found == {"groups.chamber.House": 3, "groups.chamber.Senate": 2, "groups.chamber.(none)": 1}


def test_the_largest_groups_of_many(feed: Feed) -> None:
    records = [record for number in range(60) for record in feed.records(1 + (number < 5), chamber=f"c{number:02}")]

    found = measured(feed, records, group_by=["chamber"], watch=["groups.*"])
    groups = {name for name in found if name.startswith("groups.")}

    assert len(groups) == 50
    assert {f"groups.chamber.c{number:02}" for number in range(5)} <= groups


def test_a_column_that_does_not_exist_is_told(feed: Feed) -> None:
    result = feed.update(feed.records(3), group_by=["chambre"])

    [finding] = [finding for finding in result.findings if finding.code == "metric_failed"]
    assert "no column chambre" in finding.message


def test_errors_in_per_cent(feed: Feed) -> None:
    records = [*feed.records(30), *feed.records(10, seats="many")]

    assert measured(feed, records, watch=[], plugins=("historical",), static={"errors_percent": 50}) == {
        "errors.percent": 25.0
    }


def test_the_age_of_a_moment_counts_hours(feed: Feed) -> None:
    feed.target.execute("ALTER TABLE t ADD COLUMN changed timestamp")
    records = feed.records(20, changed=f"{NOW - timedelta(hours=6):%Y-%m-%d %H:%M:%S}")

    assert measured(feed, records, watch=["columns.age.changed"])["columns.age.changed"] == 0.25


def test_how_long_it_took_is_measured_before_the_result_is_judged(any_feed: Feed) -> None:
    plain = any_feed.update(any_feed.records(30), plugins=())
    watched = any_feed.update(any_feed.records(30), at=NOW + timedelta(days=1))

    assert 0 < plain.metrics["duration"] < plain.seconds
    assert 0 < watched.metrics["duration"] < watched.seconds


def test_a_run_that_is_much_faster_than_ever_is_told_where_that_is_watched(feed: Feed) -> None:
    feed.past([{"duration": 3600.0 + day % 7, "records.read": 200.0 + day % 5} for day in range(60)])

    found = unusual(feed.update(feed.records(201), watch=["duration"]))
    quiet = unusual(feed.update(feed.records(201), at=NOW + timedelta(days=1)))

    assert set(found) == {"duration"}
    assert found["duration"].moment == "result"
    assert quiet == {}


def test_batches_that_fail_are_told_where_that_is_watched(feed: Feed) -> None:
    feed.past([{"batches.failed": 0.0, "records.read": 200.0 + day % 5} for day in range(60)])
    feed.target.execute("DROP TABLE t")
    feed.target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, title text, chamber text CHECK (chamber = 'House'), seats integer,"
        " day date)"
    )
    records = [*feed.records(180), *feed.records(20, chamber="Sentate")]

    result = feed.update(records, plugins=("historical", "batch"), batch={"size": 10}, watch=["batches.*"])

    assert result.verdict == "committed with quarantine"
    assert result.metrics["batches.failed"] == 2
    assert unusual(result)["batches.failed"].observed == 2
