"""Sources that plugins bring: what they give, what they say, how far they were read, and what goes wrong in them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target
from tests.core.undo.taking_back import taken_back
from validate_updates import (
    Context,
    ExitCode,
    Finding,
    Moment,
    PlacedRecord,
    PluginError,
    RecordSource,
    RunResult,
    SettingsError,
    Severity,
    SourceContext,
    SourceError,
    TryLater,
    UnreadableRecord,
    UsageError,
    Validator,
    Verdict,
    hookimpl,
)
from validate_updates.intake import ENTRIES
from validate_updates.job import DeletePolicy, Deletes
from validate_updates.signals import stop_on_signals

Reads = Callable[[SourceContext], Any]
TABLE = "CREATE TABLE t (id integer PRIMARY KEY, title text NOT NULL)"


class Given:
    """A plugin with the source ``given:it``, and a check that may say no."""

    def __init__(self, read: Reads, *, refuses: bool = False, whole: bool = False) -> None:
        self.read = read
        self.whole = whole
        self.refuses = refuses
        self.seen: dict[str, float] = {}

    def check(self, context: Context) -> Iterable[Finding]:
        self.seen = dict(context.metrics)
        if self.refuses:
            yield Finding(code="no", severity=Severity.CRITICAL, message="no")

    @hookimpl
    def vu_sources(self) -> Iterable[RecordSource]:
        yield RecordSource(name="it", summary="what a test gives", read=self.read, whole=self.whole)

    @hookimpl
    def vu_validators(self) -> Iterable[Validator]:
        yield Validator(name="check", moment=Moment.PLAN, check=self.check, summary="says no")


def three_more(context: SourceContext) -> Any:
    """Three records after those of the run before."""
    last = int(context.watermark or 0)
    yield from ({"id": number, "title": f"number {number}"} for number in range(last + 1, last + 4))
    context.advance(str(last + 3))


def updated(target: Target, read: Reads, *, refuses: bool = False, whole: bool = False, **options: Any) -> RunResult:
    return target.update("given:it", extra={"given": Given(read, refuses=refuses, whole=whole)}, **options)


def ids(target: Target) -> list[int]:
    return [number for (number,) in target.rows("SELECT id FROM t ORDER BY id")]


@pytest.fixture(autouse=True)
def table(request: pytest.FixtureRequest) -> None:
    for name in {"target", "sqlite"} & set(request.fixturenames):
        request.getfixturevalue(name).execute(TABLE)


def tells_all(context: SourceContext) -> Any:
    yield {"id": 1, "title": "one"}
    yield Finding(code="slow", severity=Severity.WARNING, message="it took a while")
    yield PlacedRecord({"id": 2, "title": None}, "page 7")
    context.measure("requests", 3)
    yield PlacedRecord({"id": 3, "title": "three"}, "page 8")


def test_records_findings_and_numbers_arrive(target: Target) -> None:
    plugin = Given(tells_all)

    result = target.update("given:it", extra={"given": plugin}, plugins=("batch",))

    assert (result.verdict, result.source) == (Verdict.COMMITTED_WITH_QUARANTINE, "given:it")
    assert ids(target) == [1, 3]
    [said] = [finding for finding in result.findings if finding.code == "slow"]
    assert (said.plugin, said.validator) == ("given", "it")
    assert result.metrics["given.requests"] == plugin.seen["given.requests"] == 3
    [kept_out] = target.story().kept_out
    assert (kept_out.file, kept_out.line) == ("given:it, page 7", None)
    assert target.story().run.source == "given:it"


def test_a_record_without_a_place_is_known_by_its_number(target: Target) -> None:
    updated(target, lambda _: [{"id": 1, "title": "one"}, {"id": None, "title": "none"}, "no record"])

    assert [(one.file, one.line, one.code) for one in target.story().kept_out] == [
        ("given:it", 2, "null_key"),
        ("given:it", 3, "not_a_mapping"),
    ]


def test_what_cannot_be_read_waits_until_a_record_of_its_key_lands(target: Target) -> None:
    broken = UnreadableRecord(
        code="server_error", message="it says\x1b[31m 500", place="offset 7", key={"id": 7}, raw="<html>"
    )

    first = updated(target, lambda _: [{"id": 1, "title": "one"}, broken])
    [entry] = target.story(first.run_id).kept_out
    updated(target, lambda _: [{"id": 7, "title": "seven"}])

    assert (entry.code, entry.key, entry.record) == ("server_error", "id=7", "<html>")
    assert entry.message == "it says\\x1b[31m 500"
    assert entry.file == "given:it, offset 7"
    assert target.rows("SELECT state FROM update_quarantine") == [("superseded",)]


def test_a_watermark_is_what_the_next_run_gets(target: Target) -> None:
    for _ in range(3):
        assert updated(target, three_more).exit_code == 0

    assert ids(target) == [*range(1, 10)]
    assert target.rows("SELECT task, source, watermark FROM update_watermarks ORDER BY watermark_no") == [
        ("t", "given:it", "3"),
        ("t", "given:it", "6"),
        ("t", "given:it", "9"),
    ]


def test_each_task_has_a_watermark_of_its_own(target: Target) -> None:
    updated(target, three_more, task="daily")
    updated(target, three_more, task="weekly")
    updated(target, three_more, task="daily")

    assert ids(target) == [1, 2, 3, 4, 5, 6]
    assert target.rows("SELECT task, watermark FROM update_watermarks ORDER BY watermark_no") == [
        ("daily", "3"),
        ("weekly", "3"),
        ("daily", "6"),
    ]


def raising(error: Exception) -> Reads:
    def read(context: SourceContext) -> Any:
        yield from three_more(context)
        raise error

    return read


@pytest.mark.parametrize(
    ("read", "options", "code"),
    [
        pytest.param(three_more, {"dry_run": True}, ExitCode.OK, id="planned"),
        pytest.param(three_more, {"refuses": True}, ExitCode.REJECTED, id="rejected"),
        pytest.param(raising(SourceError("gone")), {}, ExitCode.FAILED, id="failed"),
        pytest.param(raising(TryLater("quota")), {}, ExitCode.TRY_LATER, id="later"),
        pytest.param(lambda context: [*three_more(context), {"id": 9, "title": None}], {}, ExitCode.REJECTED, id="bad"),
    ],
)
def test_an_update_that_does_not_stand_leaves_the_watermark(
    target: Target, read: Reads, options: dict[str, Any], code: ExitCode
) -> None:
    updated(target, three_more)

    result = updated(target, read, **options)

    assert result.exit_code == code
    assert ids(target) == [1, 2, 3]
    assert target.rows("SELECT watermark FROM update_watermarks") == [("3",)]


def test_a_dry_run_sees_the_watermark_of_the_others(target: Target) -> None:
    seen: list[tuple[str | None, bool]] = []

    def read(context: SourceContext) -> Any:
        seen.append((context.watermark, context.dry_run))
        return three_more(context)

    for dry_run in (True, False, True):
        updated(target, read, dry_run=dry_run)

    assert seen == [(None, True), (None, False), ("3", True)]


def test_a_source_that_says_nothing_of_how_far_leaves_the_watermark(target: Target) -> None:
    updated(target, three_more)
    updated(target, lambda _: [{"id": 70, "title": "seventy"}])
    updated(target, three_more)

    assert ids(target) == [1, 2, 3, 4, 5, 6, 70]


def test_a_rollback_takes_the_watermark_back(target: Target) -> None:
    runs = [updated(target, three_more).run_id for _ in range(4)]

    taken_back(target, runs[3])
    assert target.rows("SELECT max(watermark_no) FROM update_watermarks") == [(3,)]
    taken_back(target, runs[1])  # what the run after it read rests on it
    updated(target, three_more)

    assert ids(target) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert target.rows("SELECT watermark FROM update_watermarks ORDER BY watermark_no") == [("3",), ("6",)]


def test_a_rollback_that_takes_nothing_back_leaves_the_watermark(target: Target) -> None:
    updated(target, three_more)
    updated(target, three_more)
    target.execute("UPDATE t SET title = 'mine' WHERE id > 3")

    assert taken_back(target).conflicts == 3
    updated(target, three_more)

    assert ids(target) == list(range(1, 10))
    assert target.rows("SELECT DISTINCT title FROM t WHERE id BETWEEN 4 AND 6") == [("mine",)]


def test_a_rollback_that_is_only_tried_leaves_the_watermark(target: Target) -> None:
    updated(target, three_more)

    taken_back(target, dry_run=True)

    assert target.rows("SELECT watermark FROM update_watermarks") == [("3",)]


def test_records_that_only_the_source_has_keep_the_watermark_where_it_is(sqlite: Target) -> None:
    def read(context: SourceContext) -> Any:
        yield from three_more(context)
        yield from (UnreadableRecord(code="bad", message="bad") for _ in range(ENTRIES + 1))

    result = updated(sqlite, read)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert {"quarantine_full", "watermark_stays"} <= {finding.code for finding in result.findings}
    assert sqlite.rows("SELECT * FROM update_watermarks") == []


def test_to_come_back_later_is_told_to_scripts_and_people(target: Target) -> None:
    result = updated(target, raising(TryLater("the quota is used up", hint="it is renewed at noon")))

    assert (result.verdict, result.try_later, result.exit_code) == (Verdict.FAILED, True, 75)
    assert result.reason == "the quota is used up"
    assert [finding.hint for finding in result.findings] == ["it is renewed at noon"]
    assert target.story().run.error_code == "run_failed.TryLater"


def test_a_setting_that_is_missing_is_for_the_user_to_mend(target: Target) -> None:
    with pytest.raises(SettingsError, match="no key"):
        updated(target, raising(SettingsError("no key is set")))

    assert target.states() == ["failed"]


def prints(_: SourceContext) -> Any:
    sys.stdout.write("noise")
    yield {"id": 1, "title": "one"}
    sys.stdout.write("more noise")


def test_what_it_prints_is_not_for_our_output(sqlite: Target, capsys: pytest.CaptureFixture[str]) -> None:
    assert updated(sqlite, prints).exit_code == 0
    assert capsys.readouterr().out == ""


def broken(item: object) -> Reads:
    return lambda _: [{"id": 1, "title": "one"}, item]


def exits(_: SourceContext) -> Any:
    yield {"id": 1, "title": "one"}
    sys.exit(0)


@pytest.mark.parametrize(
    ("read", "said"),
    [
        pytest.param(raising(KeyError("x\x1b[31m")), "raised KeyError: 'x\\x1b[31m', after 3 records", id="raises"),
        pytest.param(exits, "raised SystemExit: 0, after 1 record", id="exits"),
        pytest.param(lambda _: None, "returned None; it gives records, most simply with yield, after 0", id="nothing"),
        pytest.param(broken(PlacedRecord({"id": 2}, 7)), "whose place is a value of type int", id="place"),  # type: ignore[arg-type]
        pytest.param(broken(UnreadableRecord(code="c", message=None)), "whose message is None", id="message"),  # type: ignore[arg-type]
        pytest.param(
            broken(Finding(code="c", severity="info", message="m")),  # type: ignore[arg-type]
            "gave a finding whose severity is a value of type str",
            id="finding",
        ),
        pytest.param(lambda context: context.advance("x" * 70_000), "a watermark has at most 65536 bytes", id="long"),
        pytest.param(lambda context: context.advance("a\0b"), "a watermark has no NUL character", id="nul"),
        pytest.param(lambda context: context.advance(7), "raised AttributeError", id="number"),
        pytest.param(lambda context: context.measure("two words", 1), "a metric is a finite number with", id="name"),
        pytest.param(lambda context: context.measure("n", float("nan")), "a metric is a finite number", id="nan"),
    ],
)
def test_a_source_that_breaks_fails_the_run_and_nothing_else(sqlite: Target, read: Reads, said: str) -> None:
    result = updated(sqlite, read)

    assert result.verdict is Verdict.FAILED
    assert result.reason.startswith("the source given:it ")
    assert said in result.reason
    assert ids(sqlite) == []
    assert sqlite.states() == ["failed"]


def test_the_code_of_an_unreadable_record_is_bounded(sqlite: Target) -> None:
    updated(sqlite, lambda _: [UnreadableRecord(code="x\x1b" * 500, message="no")])

    [(code,)] = sqlite.rows("SELECT code FROM update_quarantine")
    assert len(code) <= 200
    assert code.isprintable()


@pytest.mark.parametrize("waits", [True, False])
def test_a_signal_stops_a_source(sqlite: Target, waits: bool) -> None:
    def read(context: SourceContext) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        if waits:
            context.pause(3600)
        while True:
            yield {"id": 1, "title": "one"}

    with stop_on_signals():
        result = updated(sqlite, read)

    assert (result.verdict, result.exit_code) == (Verdict.INTERRUPTED, 128 + signal.SIGTERM)


def test_a_pause_ends() -> None:
    SourceContext(as_of=datetime.now(UTC)).pause(0.001)


DELETING = DeletePolicy(mode=Deletes.MISSING, most_rows=100, most_percent=100)


@pytest.mark.parametrize(("whole", "left"), [(False, [1, 2, 3, 50]), (True, [1, 2, 3])])
def test_rows_that_a_source_of_news_does_not_have_are_not_missing(target: Target, whole: bool, left: list[int]) -> None:
    target.execute("INSERT INTO t VALUES (50, 'fifty')")

    result = updated(target, three_more, whole=whole, deletes=DELETING)

    assert ids(target) == left
    assert ("deletes_skipped" in {finding.code for finding in result.findings}) == (not whole)


# How it is named


@pytest.mark.parametrize(
    ("source", "said", "hint"),
    [
        ("other:it", "the source other:it is of a plugin that does not take part", "add 'other' to the task's plugins"),
        ("given:its", "plugin 'given' has no source 'its', did you mean \"it\"?", "its sources: it"),
    ],
)
def test_a_name_that_means_nothing_is_refused_before_anything_is_entered(
    sqlite: Target, source: str, said: str, hint: str
) -> None:
    with pytest.raises(PluginError) as refused:
        sqlite.update(source, extra={"given": Given(three_more)})

    assert refused.value.message == said
    assert hint in refused.value.hint
    assert sqlite.all_tables() == ["t"]


def test_one_alone_in_a_list_is_one(sqlite: Target) -> None:
    assert sqlite.update(["given:it"], extra={"given": Given(three_more)}).source == "given:it"


def test_it_stands_alone_and_has_no_format(sqlite: Target, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="stands alone"):
        sqlite.update(["given:it", str(tmp_path)], extra={"given": Given(three_more)})
    with pytest.raises(UsageError, match="no format"):
        updated(sqlite, three_more, source_format="jsonl")


@pytest.mark.parametrize("name", ["./given:it", "given:it.jsonl"])
def test_a_file_that_looks_like_it(sqlite: Target, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text('{"id": 5, "title": "five"}\n')

    assert sqlite.update(name, extra={"given": Given(three_more)}).exit_code == 0

    assert ids(sqlite) == [5]
