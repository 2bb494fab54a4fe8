"""One update from outside: what it does, what it says, and what it writes down."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target, jsonl
from validate_updates import Counts, ExitCode, UsageError, Verdict
from validate_updates.journal.rows import RunState

TABLE = (
    "CREATE TABLE t (id integer PRIMARY KEY, name text, note text DEFAULT 'none')",
    "INSERT INTO t VALUES (1, 'same', 'mine'), (2, 'old', 'mine')",
)
RECORDS: list[dict[str, Any]] = [{"id": 1, "name": "same"}, {"id": 2, "name": "new"}, {"id": 3, "name": "added"}]


def test_new_records_are_added_changed_ones_changed_and_the_rest_is_left_alone(target: Target) -> None:
    target.execute(*TABLE)
    target.watch()

    result = target.update(RECORDS)

    assert (result.verdict, result.exit_code) == (Verdict.COMMITTED, ExitCode.OK)
    assert result.counts == Counts(read=3, inserted=1, updated=1, unchanged=1)
    assert result.reason == "1 added, 1 changed; nothing critical was found"
    assert sorted(target.rows("SELECT * FROM t")) == [(1, "same", "mine"), (2, "new", "mine"), (3, "added", "none")]
    assert target.written() == ["INSERT", "UPDATE"]
    assert (result.rows_before, result.rows_after) == (2, 3)
    assert result.findings == ()
    assert [name for name, _ in result.timings][:4] == ["stage", "plan", "judge", "apply"]


def test_absent_means_leave_alone_and_null_means_null(target: Target) -> None:
    target.execute(*TABLE)

    target.update([{"id": 1, "note": None}, {"id": 2, "name": None}])

    assert sorted(target.rows("SELECT * FROM t")) == [(1, "same", None), (2, None, "mine")]


def test_the_changes_are_shown_cell_by_cell(target: Target) -> None:
    target.execute(*TABLE)

    result = target.update([*RECORDS, {"id": 1, "name": "other", "note": None}])

    shown = {change.key: (change.action, [(c.column, c.old, c.new) for c in change.cells]) for change in result.changes}
    assert shown == {
        "id=1": ("update", [("name", "same", "other"), ("note", "mine", None)]),
        "id=2": ("update", [("name", "old", "new")]),
        "id=3": ("insert", [("name", None, "added")]),
    }


def test_the_journal_has_it_all(target: Target, tmp_path: Path) -> None:
    target.execute(*TABLE)
    source = jsonl(tmp_path / "records.jsonl", [*RECORDS, {"id": "x", "name": "\x1b[31m"}])

    result = target.update(source, task="daily")
    story = target.story(result.run_id)

    assert (story.run.state, story.run.task, story.run.table) == (RunState.COMMITTED_WITH_QUARANTINE, "daily", "t")
    assert story.run.counts == result.counts == Counts(read=4, inserted=1, updated=1, unchanged=1, quarantined=1)
    assert (story.run.key, story.run.source) == (("id",), "records.jsonl")
    assert (story.run.rows_before, story.run.rows_after) == (2, 3)
    assert story.metrics == result.metrics
    (entry,) = story.kept_out
    assert (entry.code, entry.line, entry.file, entry.key) == ("wrong_type", 4, "records.jsonl", "id=x")
    assert entry.record == '{"id":"x","name":"\\u001b[31m"}'
    assert story.kept_out_total == 1


@pytest.mark.parametrize("source", ["", "\n\n", "[]"], ids=["no bytes", "blank lines", "no elements"])
def test_an_empty_source_is_nothing_to_do(target: Target, tmp_path: Path, source: str) -> None:
    target.execute(*TABLE)
    before = target.dump()
    path = tmp_path / f"records.{'json' if source == '[]' else 'jsonl'}"
    path.write_text(source)

    result = target.update(path)

    assert (result.verdict, result.exit_code, result.counts) == (Verdict.COMMITTED, ExitCode.OK, Counts())
    assert result.reason == "the source has no records; there is nothing to do"
    assert target.dump() == before


def test_a_source_that_is_not_there(target: Target, tmp_path: Path) -> None:
    target.execute(*TABLE)

    result = target.update(tmp_path / "nowhere.jsonl")

    assert (result.verdict, result.exit_code) == (Verdict.FAILED, ExitCode.FAILED)
    assert "nowhere.jsonl cannot be opened" in result.reason
    assert target.states() == ["failed"]


def test_a_source_that_breaks_off_leaves_everything_as_it_was(target: Target, tmp_path: Path) -> None:
    target.execute(*TABLE)
    before = target.dump()
    whole = gzip.compress(b"".join(b'{"id":%d,"name":"%d"}\n' % (number, number * 7919) for number in range(5000)))
    path = tmp_path / "records.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])

    result = target.update(path)

    assert result.verdict is Verdict.FAILED
    assert "records.jsonl.gz cannot be read to its end" in result.reason
    assert target.dump() == before
    assert result.counts.add_up
    assert result.counts.rolled_back == result.counts.read


def test_an_iterable_that_raises_leaves_everything_as_it_was(target: Target) -> None:
    target.execute(*TABLE)
    before = target.dump()

    def records() -> Iterator[dict[str, Any]]:
        yield from RECORDS
        raise ValueError("no more")

    result = target.update(records())

    assert (result.verdict, "no more" in result.reason) == (Verdict.FAILED, True)
    assert target.dump() == before
    assert target.states() == ["failed"]


def test_a_defect_of_ours_is_written_down_and_raised(target: Target) -> None:
    """Whatever it is: the run does not stay open, and nothing of it lands."""
    target.execute(*TABLE)
    before = target.dump()

    class Careless:
        def stage(self, name: str) -> None:
            if name == "verdict":
                raise ZeroDivisionError

        def advance(self, records: int, total: int | None = None) -> None:
            """Nothing."""

    with pytest.raises(ZeroDivisionError):
        target.update(RECORDS, progress=Careless())

    assert target.dump() == before
    assert target.states() == ["failed"]
    assert target.update(RECORDS).verdict is Verdict.COMMITTED


def test_progress_is_told(target: Target) -> None:
    target.execute(*TABLE)
    told: list[Any] = []

    class Told:
        def stage(self, name: str) -> None:
            told.append(name)

        def advance(self, records: int, total: int | None = None) -> None:
            told.append((records, total))

    target.update(RECORDS, progress=Told())

    assert [one for one in told if isinstance(one, str)] == ["stage", "plan", "judge", "apply", "verdict"]
    assert (3, None) in told


def test_a_time_that_counts_as_now(target: Target) -> None:
    target.execute(*TABLE)
    then = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)

    result = target.update(RECORDS, as_of=then)

    assert result.started_at == then
    assert result.run_id.startswith("20240229-120000")
    assert target.story().run.started_at == then


def test_without_room_for_an_unknown_plugin(target: Target) -> None:
    target.execute(*TABLE)

    with pytest.raises(UsageError):
        target.update(RECORDS, plugins=("nonsense",))

    assert target.all_tables() == ["t"], "nothing was begun"


def test_run_after_run(target: Target) -> None:
    target.execute(*TABLE)
    for number in range(4):
        target.update([{"id": 1, "name": f"name {number}"}])

    assert target.rows("SELECT name FROM t WHERE id = 1") == [("name 3",)]
    assert target.states() == ["committed"] * 4


def test_every_record_kept_out_is_counted_and_a_bounded_number_kept(sqlite: Target) -> None:
    sqlite.execute(*TABLE)

    result = sqlite.update(({"id": f"x{number}"} for number in range(12_000)), key="id")

    assert (result.counts.quarantined, result.counts.add_up) == (12_000, True)
    assert sqlite.story().kept_out_total == 10_000
    (finding,) = result.findings
    assert (finding.code, finding.observed) == ("quarantine_full", 12_000)
    assert len(result.kept_out) <= 20


def test_more_shapes_than_a_feed_has_are_kept_out(sqlite: Target) -> None:
    names = [f"c{number}" for number in range(12)]
    sqlite.execute(f"CREATE TABLE t (id integer PRIMARY KEY, {', '.join(f'{name} integer' for name in names)})")
    records = [
        {"id": number, **{name: 1 for bit, name in enumerate(names) if number >> bit & 1}} for number in range(2100)
    ]

    result = sqlite.update(records, dry_run=True)

    assert (result.counts.inserted, result.counts.quarantined) == (2000, 100)
    assert {entry.code for entry in result.kept_out} == {"too_many_shapes"}
