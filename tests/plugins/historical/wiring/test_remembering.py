"""The past is learned from once, and again when it has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.plugins.historical.wiring.world import NOW, Feed, unusual, usual
from validate_updates_historical import baseline, remembering

Learned = Callable[[], int]


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> Learned:
    """How often the past was learned from since it was asked last."""
    times: list[Any] = []
    learn = baseline.learn

    def counted(*arguments: Any, **more: Any) -> baseline.Baseline:
        times.append(arguments)
        return learn(*arguments, **more)

    monkeypatch.setattr(baseline, "learn", counted)
    monkeypatch.setattr(remembering, "_known", {})  # that of other tests is the same

    def since() -> int:
        found = len(times)
        times.clear()
        return found

    return since


def test_what_changes_nothing_is_not_learned_from_again(any_feed: Feed, learned: Learned) -> None:
    any_feed.past(usual(60, seed=71))

    for count in (205, 400, 195):
        any_feed.update(any_feed.records(count), dry_run=True, at=NOW + timedelta(minutes=count % 60))

    assert learned() == 1


@pytest.mark.parametrize("change", ["an update", "a label", "an import", "a setting", "an hour", "a calendar"])
def test_a_past_that_changed_is_learned_from_anew(feed: Feed, learned: Learned, change: str) -> None:
    feed.past(usual(60, seed=72))
    first = feed.update(feed.records(205))
    feed.update(feed.records(205), dry_run=True)
    assert learned() == 2
    settings: dict[str, Any] = {}
    at = NOW
    if change == "an update":
        feed.update(feed.records(205))
        learned()
    elif change == "a label":
        feed.label(first.run_id, "incident")
    elif change == "an import":
        feed.past(usual(10, seed=73), until=NOW - timedelta(days=100))
    elif change == "a setting":
        settings = {"window": 50}
    elif change == "a calendar":
        settings = {"calendar": {"month_ends": 1}}
    else:
        at = NOW + timedelta(hours=1)

    feed.update(feed.records(205), dry_run=True, at=at, **settings)

    assert learned() == 1


def test_a_rejected_update_teaches_nothing_and_is_found_again(feed: Feed) -> None:
    feed.past(usual(60, seed=74))

    told = [unusual(feed.update(feed.records(400), on_alert="reject")) for _ in range(3)]

    assert all(set(found) == {"records.read"} for found in told)


def test_few_pasts_are_kept(feed: Feed) -> None:
    for window in range(30, 40):
        feed.update(feed.records(1), dry_run=True, window=window)

    assert len(remembering._known) <= remembering.KEPT
