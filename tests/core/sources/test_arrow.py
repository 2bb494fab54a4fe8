"""Arrow streams and Parquet files, by whichever library is installed: plain values, and nothing lost without a word."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Field, Schema, Table, list_array, struct_array
from arro3.io import write_parquet

from validate_updates import SourceError, UsageError
from validate_updates.sources import Records, Source, Unreadable, open_source

MOMENT = 1577934245
"""2020-01-02 03:04:05."""


Open = Callable[[Any], Source]


def without(*modules: str) -> Open:
    """Opens a source as if these modules were not installed."""

    def opened(spec: Any) -> Source:
        with pytest.MonkeyPatch.context() as patch:
            for name in modules:
                patch.setitem(sys.modules, name, None)
            return open_source(spec)

    return opened


@pytest.fixture(params=["arro3", "pyarrow"])
def opened(request: pytest.FixtureRequest) -> Open:
    """Opens a source with the one library or the other; pyarrow is asked only where arro3 is not there."""
    if request.param == "arro3":
        return without("pyarrow", "pyarrow.parquet")
    return without("arro3.core", "arro3.io")


def read(source: Source) -> list[Any]:
    """Records, and what cannot be read, in order."""
    found: list[Any] = []
    for block in source.blocks():
        found += block.records if isinstance(block, Records) else [block]
    return found


def integers(*values: int | None) -> Array:
    return Array(values, DataType.int64())


def texts(*values: str | None) -> Array:
    return Array(values, DataType.string())


def numbers(count: int) -> Table:
    return Table.from_pydict({"n": Array(range(count), DataType.int64())})


def typed() -> tuple[Table, dict[str, Any]]:
    """A table of two rows, the second all null, and the first row as it should be read."""
    zone = DataType.timestamp("us", tz="UTC")
    columns: dict[str, tuple[Array, Any]] = {
        "integer": (integers(-7, None), -7),
        "unsigned": (Array([2**64 - 1, None], DataType.uint64()), 2**64 - 1),
        "real": (Array([1.5, None], DataType.float64()), 1.5),
        "text": (texts("é", None), "é"),
        "view": (texts("x", None).cast(DataType.string_view()), "x"),
        "code": (texts("x", None).cast(DataType.dictionary(DataType.int32(), DataType.string())), "x"),
        "bytes": (Array([b"\0\xff", None], DataType.binary()), b"\0\xff"),
        "truth": (Array([True, None], DataType.bool()), True),
        "decimal": (texts("1.50", None).cast(DataType.decimal128(5, 2)), Decimal("1.50")),
        "day": (Array([18263, None], DataType.int32()).cast(DataType.date32()), date(2020, 1, 2)),
        "hour": (integers(3_723_000_004, None).cast(DataType.time64("us")), time(1, 2, 3, 4)),
        "moment": (integers(MOMENT * 1000, None).cast(DataType.timestamp("ms")), datetime(2020, 1, 2, 3, 4, 5)),  # noqa: DTZ001
        "nanos": (integers(1999, None).cast(DataType.timestamp("ns")), datetime(1970, 1, 1, 0, 0, 0, 1)),  # noqa: DTZ001
        "nanohour": (integers(1999, None).cast(DataType.time64("ns")), time(0, 0, 0, 1)),
        "zoned": (integers(MOMENT * 1_000_000, None).cast(zone), datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        "list": (list_array(Array([0, 2, 2], DataType.int32()), integers(1, None)), [1, None]),
        "struct": (struct_array([integers(1, None)], fields=[Field("a", DataType.int64())]), {"a": 1}),
    }
    table = Table.from_pydict({name: array for name, (array, _) in columns.items()})
    return table, {name: value for name, (_, value) in columns.items()}


def test_values_are_plain(opened: Open) -> None:
    table, expected = typed()
    first, second = read(opened(table))
    assert first == expected
    assert [type(value) for value in first.values()] == [type(value) for value in expected.values()]
    assert second == dict.fromkeys(expected) | {"list": [], "struct": {"a": None}}


def test_a_parquet_file_holds_the_same_values(opened: Open, tmp_path: Path) -> None:
    table, expected = typed()
    del expected["view"]
    table = table.select(list(expected))
    write_parquet(table, str(tmp_path / "x.parquet"))
    first, _ = read(opened(tmp_path / "x.parquet"))
    assert first == expected
    source = opened(tmp_path)
    list(source.blocks())
    assert str(source.place(2)).endswith("x.parquet, record 2")


def test_large_batches_become_blocks(opened: Open) -> None:
    blocks = list(opened(numbers(5500)).blocks())
    assert all(isinstance(block, Records) and len(block.records) <= 1000 for block in blocks)
    pairs = [
        (s, r["n"])
        for block in blocks
        if isinstance(block, Records)
        for s, r in zip(block.seqs, block.records, strict=True)
    ]
    assert pairs == [(number + 1, number) for number in range(5500)]


@pytest.mark.parametrize(
    "kind",
    [DataType.timestamp("s"), DataType.timestamp("us", tz="UTC"), DataType.date64()],
    ids=["timestamp", "zoned", "date"],
)
def test_a_time_that_python_cannot_hold_costs_its_record_alone(opened: Open, kind: DataType) -> None:
    when = integers(0, 2**62, None, 0).cast(kind)
    found = read(opened(Table.from_pydict({"id": integers(1, 2, 3, 4), "when": when})))
    bad = found.pop(1)
    assert [record["id"] for record in found] == [1, 3, 4]
    assert found[1]["when"] is None
    assert isinstance(bad, Unreadable)
    assert (bad.seq, bad.code) == (2, "out_of_range")
    assert "'when'" in bad.message


def nested_time() -> Array:
    times = integers(1, 2).cast(DataType.timestamp("s"))
    return list_array(Array([0, 1, 2], DataType.int32()), times)


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (integers(1, 2).cast(DataType.duration("s")), "duration"),
        (nested_time(), "list"),
        (struct_array([integers(1).cast(DataType.date64())], fields=[Field("a", DataType.date64())]), "struct"),
    ],
)
def test_columns_without_plain_values_are_refused_by_name(opened: Open, column: Array, name: str) -> None:
    with pytest.raises(SourceError, match=r"<python>: column 'odd' has the type") as refused:
        read(opened(Table.from_pydict({"odd": column})))
    assert name in refused.value.message.lower()


def test_column_names_must_tell_columns_apart(opened: Open) -> None:
    schema = Schema([Field("a", DataType.int64()), Field("a", DataType.int64())])
    table = Table.from_arrays([integers(1), integers(2)], schema=schema)
    with pytest.raises(SourceError, match="has the column 'a' twice"):
        read(opened(table))


def test_an_object_that_is_no_table_is_refused(opened: Open) -> None:
    class Broken:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            raise RuntimeError("not today\x1b[2J")

    with pytest.raises(SourceError, match=r"<python> cannot be read: .*not today"):
        read(opened(Broken()))


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped"])
def test_a_damaged_parquet_file_is_named(
    opened: Open, damage: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.parquet"
    write_parquet(numbers(50_000), str(path), compression="gzip(6)")
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle : middle + 2000]) + whole[middle + 2000 :]
    path.write_bytes(bytes({"empty": b"", "text": b"a,b\n1,2\n", "cut": whole[:middle], "flipped": flipped}[damage]))
    with pytest.raises(SourceError, match=r"x\.parquet cannot be read") as refused:
        read(opened(path))
    if damage != "flipped":
        assert refused.value.message.endswith("it is no Parquet file, or not all of it")
        assert capfd.readouterr() == ("", ""), "a library that panics says so"


def test_without_a_library_the_extra_is_named(tmp_path: Path) -> None:
    table = numbers(1)
    write_parquet(table, str(tmp_path / "x.parquet"))
    opened = without("arro3.core", "arro3.io", "pyarrow", "pyarrow.parquet")
    for spec in (table, tmp_path / "x.parquet"):
        with pytest.raises(UsageError) as refused:
            opened(spec)
        assert "validate-updates[parquet]" in refused.value.hint
