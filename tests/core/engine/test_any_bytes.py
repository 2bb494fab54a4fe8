"""Whatever bytes come as a source: no crash, every record accounted for, nothing written that was not understood."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.engine.target import Target
from validate_updates import Counts, RunResult, Verdict

one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
TABLE = ("CREATE TABLE t (k integer PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'old')")
WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)

records = st.fixed_dictionaries({"k": st.integers(0, 3)}, optional={"v": st.none() | st.text(max_size=3)})
good_lines = records.map(lambda record: json.dumps(record).encode())
bad_lines = st.binary(max_size=12) | st.sampled_from(
    [b"{}", b"[]", b'{"k":', b'{"v":"x"}', b'{"k":null}', b'{"k":1,"k":2}']
)
ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r"])
streams = st.lists(st.tuples(good_lines | bad_lines, ends).map(b"".join), max_size=8).map(b"".join) | st.binary()
"""Bytes: some of them make records."""


@one_database
@given(data=streams)
def test_any_bytes_as_lines_are_accounted_for(target: Target, tmp_path: Path, data: bytes) -> None:
    before = renewed(target)
    path = tmp_path / "records.jsonl"
    path.write_bytes(data)

    result = target.update(path, key="k")

    check_sums(target, result, before)
    if data.startswith(WIDE_MARKS):
        assert result.verdict is Verdict.FAILED
    else:
        assert result.verdict is not Verdict.FAILED, result.reason
        assert result.counts.read == lines_of(data)


@pytest.mark.parametrize("format_name", ["json", "csv"])
@one_database
@given(data=streams)
def test_any_bytes_as_a_whole_are_accounted_for(sqlite: Target, tmp_path: Path, data: bytes, format_name: str) -> None:
    before = renewed(sqlite)
    path = tmp_path / f"records.{format_name}"
    path.write_bytes(data)

    check_sums(sqlite, sqlite.update(path, key="k"), before)


@one_database
@given(rows=st.lists(st.lists(st.text(max_size=3), max_size=3), max_size=4), bom=st.booleans())
def test_any_table_of_text_is_accounted_for(
    sqlite: Target, tmp_path: Path, rows: list[list[str]], *, bom: bool
) -> None:
    before = renewed(sqlite)
    path = tmp_path / "records.csv"
    text = "k,v\r\n" + "".join(",".join(cells) + "\r\n" for cells in rows)
    path.write_bytes(codecs.BOM_UTF8 * bom + text.encode("utf-8", "surrogatepass"))

    check_sums(sqlite, sqlite.update(path, key="k"), before)


@one_database
@given(objects=st.lists(records | st.none() | st.integers() | st.dictionaries(st.text() | st.integers(), st.text())))
def test_any_objects_are_accounted_for(sqlite: Target, objects: list[object]) -> None:
    before = renewed(sqlite)

    result = sqlite.update(iter(objects), key="k")

    check_sums(sqlite, result, before)
    assert result.counts.read == len(objects)


def renewed(target: Target) -> list[tuple[int, str]]:
    """The table as in the beginning, and its rows."""
    target.execute("DROP TABLE IF EXISTS t", *TABLE)
    return target.rows("SELECT * FROM t")


def check_sums(target: Target, result: RunResult, before: list[tuple[int, str]]) -> None:
    counts = result.counts
    assert counts.add_up
    assert result.verdict in {Verdict.COMMITTED, Verdict.COMMITTED_WITH_QUARANTINE, Verdict.FAILED}
    after = target.rows("SELECT * FROM t")
    if (
        counts in {Counts(), Counts(read=counts.read, quarantined=counts.quarantined)}
        or result.verdict is Verdict.FAILED
    ):
        assert after == before
    assert len(after) == len(before) + counts.inserted
    assert all(entry.code and entry.message for entry in result.kept_out)


def lines_of(data: bytes) -> int:
    """Lines that are not blank, as the format counts them."""
    return sum(1 for line in data.removeprefix(codecs.BOM_UTF8).split(b"\n") if line.strip(b" \t\r"))
