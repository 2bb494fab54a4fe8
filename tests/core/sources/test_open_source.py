"""What can be a source, what cannot, and the way from a number back to its place."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from validate_updates import SourceError, UsageError
from validate_updates.sources import Block, Lines, Place, Records, Source, Unreadable, open_source, source_title


def places(source: Source) -> list[tuple[str, int | None, int | None]]:
    """File, line and record of everything the source gives, blank lines too."""
    found: list[Place] = []
    for block in source.blocks():
        found += [source.place(seq) for seq in seqs_of(block)]
    return [(place.file.rpartition("/")[2], place.line, place.record) for place in found]


def seqs_of(block: Block) -> list[int]:
    if isinstance(block, Lines):
        return [*range(block.first_seq, block.first_seq + len(block.lines))]
    return [*block.seqs] if isinstance(block, Records) else [block.seq]


def standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file of each kind of text, and some that are none of our business."""
    (tmp_path / "a.jsonl").write_bytes(b"{}\n\n{}\n")
    (tmp_path / "b.ndjson").write_bytes(b"")
    (tmp_path / "c.JSON").write_bytes(b'[{"x":1}, 7, {"x":2}]')
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(b'x,y\n"1\n1",2\n3\n\n5,6\n'))
    (tmp_path / "e.tsv").write_bytes(b"x\ty\n1\t2")
    (tmp_path / "f.jsonl").write_bytes(b"{}")
    for name in ("README.md", ".hidden.jsonl", "g.jsonl.part", "h.gz"):
        (tmp_path / name).write_bytes(b"{}\n")
    (tmp_path / "i.csv").mkdir()
    return tmp_path


def test_a_directory_is_its_record_files_by_name(folder: Path) -> None:
    assert places(open_source(folder)) == [
        ("a.jsonl", 1, None),
        ("a.jsonl", 2, None),
        ("a.jsonl", 3, None),
        ("c.JSON", None, 1),
        ("c.JSON", None, 2),
        ("c.JSON", None, 3),
        ("d.csv.gz", 2, None),
        ("d.csv.gz", 4, None),
        ("d.csv.gz", 6, None),
        ("e.tsv", 2, None),
        ("f.jsonl", 1, None),
    ]


def test_numbers_rise_over_all_files(folder: Path) -> None:
    seqs = [seq for block in open_source([folder, folder / "a.jsonl"]).blocks() for seq in seqs_of(block)]
    assert seqs == sorted(set(seqs))
    assert len(seqs) == 14


def test_a_number_nobody_has_is_no_place(folder: Path) -> None:
    source = open_source(folder / "a.jsonl")
    with pytest.raises(LookupError):
        source.place(1)
    list(source.blocks())
    with pytest.raises(LookupError):
        source.place(0)
    assert str(source.place(2)).endswith("a.jsonl, line 2")


def test_the_name_is_what_the_user_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert open_source("./a.jsonl").name == "./a.jsonl"
    assert open_source(Path("a.jsonl")).name == "a.jsonl"
    assert open_source(["a.jsonl", "e.tsv", "f.jsonl"]).name == "a.jsonl and 2 more"
    assert open_source(".").name == "."
    assert open_source("-").name == "-"
    assert open_source([{}]).name == "<python>"
    assert places(open_source("./f.jsonl")) == [("f.jsonl", 1, None)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'\n {"a":1}\n', [("-", 1, None), ("-", 2, None)]),
        (b'\xef\xbb\xbf{"a":1}\n', [("-", 1, None)]),
        (b' \n[{"a":1}]', [("-", None, 1)]),
        (b"a,b\n1,2\n", [("-", 2, None)]),
        (b"", []),
    ],
)
@pytest.mark.parametrize("spec", ["-", ["-"]])
def test_standard_input_is_known_by_its_first_byte(
    data: bytes, expected: list[Any], spec: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    standard_input(monkeypatch, data)
    assert places(open_source(spec)) == expected


def test_a_format_that_is_told_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, b"[a,b\n1,2\n")
    (block,) = open_source("-", "csv").blocks()
    assert isinstance(block, Records)
    assert block.records == [{"[a": "1", "b": "2"}]
    path = tmp_path / "records.json"
    path.write_bytes(b'{"a":1}\n{"a":2}\n')
    assert places(open_source(path, "jsonl")) == [("records.json", 1, None), ("records.json", 2, None)]


def test_a_file_of_no_known_suffix_is_known_by_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.write_bytes(b'[{"a":1}]')
    assert places(open_source(path)) == [("records", None, 1)]


def test_a_pipe_is_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = Thread(target=path.write_bytes, args=(b'{"a":1}\n' * 20_000,))
    writer.start()
    assert len(places(open_source(path))) == 20_000
    writer.join()


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("https://user:hunter2@example.org/x.jsonl", "https://"),
        (["postgresql://u:hunter2@h/d"], "postgresql://"),
        (7, "int"),
        (None, "NoneType"),
        (b"x.jsonl", "bytes"),
        ({"a": 1}, "dict"),
        (io.StringIO("{}"), "StringIO"),
    ],
)
def test_anything_else_is_refused_with_what_exists(spec: Any, word: str) -> None:
    with pytest.raises(UsageError) as refused:
        open_source(spec)
    assert word in refused.value.message
    assert "directory" in refused.value.hint
    assert "hunter2" not in refused.value.message + refused.value.hint


def test_an_address_has_no_title_since_it_may_hold_a_password() -> None:
    with pytest.raises(UsageError, match="no records can be read from a https:// address"):
        source_title("https://user:hunter2@example.org/x.jsonl")


def test_an_unknown_format_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match="no source format 'xml'") as refused:
        open_source("x.xml", "xml")
    assert refused.value.hint == "formats: jsonl, json, csv, tsv, parquet"


def test_paths_that_are_not_there_are_refused_before_anything_is_read(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"no\.jsonl cannot be opened: No such file"):
        open_source([folder / "a.jsonl", folder / "no.jsonl"])
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source("nul\0byte")


def test_a_directory_without_records_is_refused(folder: Path) -> None:
    with pytest.raises(SourceError, match="no record file in the directory") as refused:
        open_source(folder / "i.csv")
    assert ".jsonl" in refused.value.hint


@pytest.mark.parametrize("spec", ["-", "x.parquet.gz"])
def test_parquet_is_read_from_plain_files_only(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.parquet.gz").touch()
    with pytest.raises(UsageError, match="Parquet cannot be read from"):
        open_source(spec, "parquet")


def test_a_source_is_read_once(folder: Path) -> None:
    source = open_source(folder)
    list(source.blocks())
    with pytest.raises(RuntimeError, match="read once"):
        next(source.blocks())


def test_one_bad_file_names_itself_after_the_good_ones_were_read(folder: Path) -> None:
    (folder / "b.csv").write_bytes(b"a,a\n")
    found: list[Block] = []
    with pytest.raises(SourceError, match=r"b\.csv.*twice"):
        found.extend(open_source(folder).blocks())
    assert [seq for block in found for seq in seqs_of(block)] == [1, 2, 3]
    assert not any(isinstance(block, Unreadable) for block in found)
