"""An array of records: each element on its own, whatever stands beside it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import SourceError
from validate_updates.sources import Records, Unreadable, json_array
from validate_updates.sources.files import ByteStream
from validate_updates.sources.json_array import read_array
from validate_updates.sources.strict_json import BadRecord, parse_record

tricky = st.text(st.sampled_from('[]{},"\\ aé'), max_size=8)
values = st.recursive(
    st.none() | st.integers(0, 99) | tricky,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tricky, inner, max_size=3),
    max_leaves=8,
)
white = st.sampled_from([b"", b" ", b"\n", b"\r\n\t"])


def read(data: bytes, base: int = 0) -> list[tuple[int, dict[str, Any]] | Unreadable]:
    """The records with their numbers and what cannot be read, in order."""
    found: list[tuple[int, dict[str, Any]] | Unreadable] = []
    for block in read_array(ByteStream("x.json", io.BytesIO(data)), base):
        if isinstance(block, Records):
            found += [(seq, dict(record)) for seq, record in zip(block.seqs, block.records, strict=True)]
        else:
            found.append(block)
    return found


def outcomes(data: bytes) -> list[Any]:
    """Records as they are; codes for the others."""
    return [one.code if isinstance(one, Unreadable) else one[1] for one in read(data)]


def tiny_blocks(patch: pytest.MonkeyPatch, size: int) -> None:
    patch.setattr(json_array, "BLOCK_BYTES", size)


@st.composite
def arrays(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """An array as bytes, and the bytes of its elements."""
    elements = [
        json.dumps(one, ensure_ascii=draw(st.booleans())).encode() for one in draw(st.lists(values, max_size=5))
    ]
    inside = b",".join(draw(white) + element + draw(white) for element in elements)
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return mark + draw(white) + b"[" + (inside or draw(white)) + b"]" + draw(white), elements


@given(made=arrays(), block=st.integers(1, 30), base=st.integers(0, 3))
def test_every_element_is_a_record_or_unreadable(made: tuple[bytes, list[bytes]], block: int, base: int) -> None:
    data, elements = made
    with pytest.MonkeyPatch.context() as patch:
        tiny_blocks(patch, block)
        found = read(data, base)
    assert len(found) == len(elements)
    for seq, (one, element) in enumerate(zip(found, elements, strict=True), base + 1):
        if isinstance(one, Unreadable):
            assert (one.seq, one.raw, one.code) == (seq, element, "not_an_object")
            assert one.offset is not None
            assert data[one.offset :].startswith(element)
        else:
            assert one == (seq, json.loads(element))


@given(made=arrays(), block=st.integers(1, 30), share=st.floats(0, 1))
def test_a_truncated_array_gives_what_it_had(made: tuple[bytes, list[bytes]], block: int, share: float) -> None:
    data, _ = made
    whole = data.rstrip()
    start = whole.index(b"[") + 1
    cut = whole[: start + int(share * (len(whole) - 1 - start))]
    with pytest.MonkeyPatch.context() as patch:
        tiny_blocks(patch, block)
        full, found = read(data), read(cut)
    last = found.pop()
    assert isinstance(last, Unreadable)
    assert (last.code, last.seq) == ("truncated", len(found) + 1)
    assert last.offset is not None
    assert last.raw == cut[last.offset :].rstrip()
    assert found == full[: len(found)]


@given(data=st.binary(max_size=30).map(lambda rest: b"[" + rest) | st.binary(max_size=10), block=st.integers(1, 9))
def test_no_bytes_crash_it(data: bytes, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        tiny_blocks(patch, block)
        try:
            found = read(data)
        except SourceError:
            assert not data.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n").startswith(b"[")
            return
    seqs = [one.seq if isinstance(one, Unreadable) else one[0] for one in found]
    assert seqs == list(range(1, len(seqs) + 1))
    good = [one for one in found if not isinstance(one, Unreadable)]
    assert len(good) == len(found) or any(isinstance(one, Unreadable) for one in found)
    try:
        array = json.loads(data)
    except (ValueError, RecursionError):
        return  # not an array as a whole; that no element is lost then is the business of the tests above
    assert len(found) == len(array)


@given(elements=st.lists(st.binary(max_size=12).filter(lambda raw: b"," not in raw), min_size=1, max_size=5))
def test_an_element_is_judged_as_it_would_be_alone(elements: list[bytes]) -> None:
    safe = [element.translate(None, b'"[]{}\\').strip(b" \t\r\n") + b"." for element in elements]
    records = [b'{"a":%d}' % number for number in range(len(safe))]
    mixed = [one for pair in zip(safe, records, strict=True) for one in pair]
    found = read(b"[" + b",".join(mixed) + b"]")
    assert [one for one in found if not isinstance(one, Unreadable)] == [
        (2 * number + 2, {"a": number}) for number in range(len(safe))
    ]
    for one, raw in zip(found[::2], safe, strict=True):
        with pytest.raises(BadRecord) as refused:
            parse_record(raw)
        assert isinstance(one, Unreadable)
        assert (one.raw, one.code, one.message) == (raw, refused.value.code, refused.value.message)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b" \n", []),
        (b"[]", []),
        (b" [ ] ", []),
        (b'[{"a":1}]', [{"a": 1}]),
        (b'[{"a":1},]', [{"a": 1}, "bad_json"]),
        (b"[,]", ["bad_json", "bad_json"]),
        (b'[{"a":1},,{"a":2}]', [{"a": 1}, "bad_json", {"a": 2}]),
        (b'[{"a":1} {"a":2},{"a":3}]', ["bad_json", {"a": 3}]),
        (b'[{"a":1}},{"a":2}]', ["bad_json", {"a": 2}]),
        (b'[{"a":1,"a":1},{"a":NaN},{"a":2}]', ["duplicate_member", "bad_json", {"a": 2}]),
        (b'[{"a":"]"},{"a":"\\"]"}]', [{"a": "]"}, {"a": '"]'}]),
        (b'[{"a":"\\\\"},{"b":1}]', [{"a": "\\"}, {"b": 1}]),
        (b'[{"a":1}]x', [{"a": 1}, "bad_json"]),
        (b'[{"a":1}]\n[{"a":2}]', [{"a": 1}, "bad_json"]),
        (b"[", ["truncated"]),
        (b'[{"a":1}', [{"a": 1}, "truncated"]),
        (b'[{"a":1},', [{"a": 1}, "truncated"]),
        (b'[{"a":1},{"b', [{"a": 1}, "truncated"]),
        (b'[{"a":1},{"b":"\\', [{"a": 1}, "truncated"]),
        (b"[" * 100_000, ["truncated"]),
        (b"[" * 100_000 + b"]" * 100_000, ["too_deep"]),
    ],
)
def test_shapes(data: bytes, expected: list[Any]) -> None:
    assert outcomes(data) == expected


@pytest.mark.parametrize("data", [b'{"a":1}', b'"["', b"nonsense", b"\xff", b"1"])
def test_another_value_than_an_array_is_no_source(data: bytes) -> None:
    with pytest.raises(SourceError, match=r"x\.json is not a JSON array") as refused:
        read(data)
    assert "jsonl" in refused.value.hint


@pytest.mark.parametrize("block", [1, 7, 64])
def test_an_element_that_is_too_long_costs_no_other(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_blocks(monkeypatch, block)
    monkeypatch.setattr(json_array, "RECORD_LIMIT", 20)
    monkeypatch.setattr(json_array, "RAW_LIMIT", 8)
    long = b'{"a":"' + b'\\"],' * 30 + b'"}'
    data = b'[{"a":1}, ' + long + b' , {"a":2}]'
    first, second, third = read(data)
    assert (first, third) == ((1, {"a": 1}), (3, {"a": 2}))
    assert isinstance(second, Unreadable)
    assert (second.seq, second.code, second.raw, second.offset) == (2, "too_long", long[:8], 10)


def test_what_follows_the_array_is_measured() -> None:
    *_, last = read(b"[] \n garbage" + b"x" * 1_000_000)
    assert isinstance(last, Unreadable)
    assert last.offset == 5
    assert "1000007 bytes" in last.message
