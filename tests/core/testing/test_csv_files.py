"""Histories from CSV files: both forms, in order, and the line that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import SourceError
from validate_updates.testing import History, Role, read_history


def read(folder: Path, text: str) -> History:
    path = folder / "history.csv"
    path.write_text(text)
    return read_history(path)


def test_one_row_a_run(tmp_path: Path) -> None:
    found = read(tmp_path, "date,rows,missing\n2025-01-15,12,\n2025-01-14,11,0.5\n\n")
    assert found.name == "history.csv"
    assert found.updates == (
        (datetime(2025, 1, 14, tzinfo=UTC), {"rows": 11.0, "missing": 0.5}),
        (datetime(2025, 1, 15, tzinfo=UTC), {"rows": 12.0}),
    )
    assert found.runs_of("missing") == [0]


def test_one_row_a_metric(tmp_path: Path) -> None:
    found = read(tmp_path, "date,metric,value\n2025-01-14,rows,11\n2025-01-14,missing,0.5\n2025-01-15,rows,12\n")
    assert [update.metrics for update in found.updates] == [{"rows": 11.0, "missing": 0.5}, {"rows": 12.0}]


def test_times_of_other_zones_are_compared(tmp_path: Path) -> None:
    found = read(tmp_path, "started_at,rows\n2025-01-14T06:00+02:00,1\n2025-01-14T05:00Z,2\n")
    assert [update.metrics["rows"] for update in found.updates] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the header does not make a history"),
        ("day,rows\n", "line 1: the header does not make a history"),
        ("date\n", "line 1: the header does not make a history"),
        ("date,rows,rows\n", "line 1: the header does not make a history"),
        ("date,rows\n2025-01-14\n", "line 2: 1 cells, not 2"),
        ("date,rows\n2025-01-14,1\n14.1.2025,1\n", "line 3: '14.1.2025' is no date"),
        ("date,rows\n2025-01-14,many\n", "line 2: rows is 'many', which is no number"),
        ("date,rows\n2025-01-14,nan\n", "line 2: rows is 'nan', which is no number"),
        ("date,rows\n2025-01-14,1\n2025-01-14,2\n", "line 3: a second rows of 2025-01-14 00:00"),
        ('date,rows\n2025-01-14,"1\n', "no CSV"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SourceError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read_history(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"date,rows\n\xff\xfe,1\n")
    with pytest.raises(SourceError, match="no CSV in UTF-8"):
        read_history(tmp_path / "bytes.csv")


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "history.csv"
    path.write_bytes(b"date,rows\n2025-01-14,1\n" + content)
    try:
        assert read_history(path).updates
    except SourceError as refused:
        assert str(refused).isprintable()


@pytest.mark.parametrize(
    ("values", "role"),
    [
        ([10, 14, 8, 30, 11, 9], Role.COUNT),
        ([0, 1, 0, 0, 1, 0], Role.COUNT),
        ([0.25, 0.3, 1, 0, 0.5, 0.5], Role.SHARE),
        ([5000, 5010, 5021, 5030, 5042, 5055], Role.TOTAL),
        ([435] * 6, Role.COUNT),
    ],
)
def test_roles_are_told_by_the_values(tmp_path: Path, values: list[float], role: Role) -> None:
    days = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(len(values)))
    rows = "".join(f"{day:%Y-%m-%d},{value}\n" for day, value in zip(days, values, strict=True))
    assert read(tmp_path, f"date,it\n{rows}").roles == {"it": role}
