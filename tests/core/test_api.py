"""What a call from Python may say, and what it gets where it makes no sense."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import validate_updates
from validate_updates import RunResult, Severity, UsageError, Verdict


@pytest.fixture
def url(tmp_path: Path) -> str:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)")
    return f"sqlite:///{path}"


def update(url: str, records: Sequence[Mapping[str, Any]], **options: Any) -> RunResult:
    return validate_updates.run(records, **{"target": url, "table": "t", "plugins": (), **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unknown_columns": "drop"}, "unknown_columns='drop' is unknown"),
        ({"fail_on": "never"}, "fail_on='never' is unknown"),
        ({"source_format": "xml"}, "no source format 'xml'"),
        ({"journal_prefix": "My "}, "the journal's prefix 'My ' cannot begin the name of a table"),
        ({"table": "update_logs"}, "the table update_logs is the journal's own"),
        ({"target": "postgresql://u:hunter2@h:port/d"}, "is not a database URL"),
        ({"target": "postgresql://u:hunter2@[::1/d"}, "is not a database URL"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(url: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        update(url, [{"id": 1}], **options)
    assert message in refused.value.message
    assert "hunter2" not in str(refused.value)


def test_a_password_in_the_address_of_a_source_gets_into_no_journal(url: str) -> None:
    with pytest.raises(UsageError):
        validate_updates.run("https://user:hunter2@example.org/x.jsonl", target=url, table="t", plugins=())
    assert b"hunter2" not in Path(url.removeprefix("sqlite:///")).read_bytes()


def test_warnings_reject_where_the_caller_says_so(url: str) -> None:
    twice = [{"id": 1, "x": "a"}, {"id": 1, "x": "b"}]
    assert update(url, twice, fail_on="warning").verdict is Verdict.REJECTED
    assert update(url, twice).verdict is Verdict.COMMITTED


def test_a_moment_without_a_zone_is_in_utc(url: str) -> None:
    now = datetime(2024, 5, 1, 6)  # noqa: DTZ001  # without a zone on purpose
    assert update(url, [{"id": 1}], as_of=now).started_at.isoformat() == "2024-05-01T06:00:00+00:00"


def test_another_driver_of_sqlite_makes_no_difference(url: str) -> None:
    assert update(url.replace("sqlite:", "sqlite+aiosqlite:"), [{"id": 1}]).counts.inserted == 1


def test_unknown_columns_that_are_ignored_are_only_told_of_and_few_by_name(url: str) -> None:
    records = [{"id": number, f"extra{number}": 1} for number in range(200)]
    result = update(url, [*records, {"id": 0, "extra0": 2}], unknown_columns="ignore")
    assert (result.verdict, result.counts.inserted) == (Verdict.COMMITTED, 200)
    told = [finding for finding in result.findings if finding.code == "unknown_column"]
    assert len(told) == 50
    assert {finding.severity for finding in told} == {Severity.INFO}
    assert (told[0].column, told[0].observed) == ("extra0", 2)


@pytest.mark.parametrize("ignored", [True, False])
@pytest.mark.parametrize("name", ["day.jsonl", "day.csv", "day.json"])
def test_each_record_with_an_unknown_column_is_counted_once(url: str, tmp_path: Path, name: str, ignored: bool) -> None:
    records = [{"id": number, "extra": 1} for number in range(150)]
    texts = {
        "day.jsonl": "".join(f"{json.dumps(one)}\n" for one in records),
        "day.csv": "id,extra\n" + "".join(f"{one['id']},1\n" for one in records),
        "day.json": json.dumps(records),
    }
    source = tmp_path / name
    source.write_text(texts[name])

    result = validate_updates.run(
        source, target=url, table="t", plugins=(), unknown_columns="ignore" if ignored else "reject"
    )

    assert [(one.code, one.observed) for one in result.findings] == [("unknown_column", 150)]
    assert result.counts.inserted == (150 if ignored else 0)


def test_unknown_columns_that_keep_records_out_are_a_warning(url: str) -> None:
    result = update(url, [{"id": 1, "extra": 1}])
    assert result.reason == "nothing to write: every record is kept out"
    assert [(one.code, one.severity) for one in result.findings] == [("unknown_column", Severity.WARNING)]
