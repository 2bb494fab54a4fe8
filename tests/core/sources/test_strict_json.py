"""What counts as a record, and what is refused."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from validate_updates.sources.strict_json import BadRecord, parse_record

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
numbers = st.integers(-(10**19) + 1, 10**19 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
records = st.dictionaries(text, values, max_size=5)
EXACT = msgspec.json.Decoder(float_hook=Decimal)


def code_of(raw: bytes) -> str:
    with pytest.raises(BadRecord) as refused:
        parse_record(raw)
    return refused.value.code


@given(record=records, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 2))
def test_every_good_record_is_read(record: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps(record, ensure_ascii=ascii_only, indent=indent).encode()
    assert parse_record(raw) == json.loads(raw, parse_float=Decimal)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    raw = bytearray(json.dumps(draw(records), ensure_ascii=draw(st.booleans())).encode())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + draw(st.integers(0, 2))] = draw(
            st.binary(max_size=2) | st.sampled_from([b"NaN", b"\\ud800", b"["])
        )
    return bytes(raw)


@given(raw=st.binary(max_size=40) | damaged())
@example(raw=b'{"a": 1e400}')
@example(raw=b'{"a": "\\ud83d\\ude00"}')
@example(raw=b'{"a": "\\ude00\\ud83d"}')
@example(raw=b'{"a": "\\\\u0000"}')
def test_what_is_accepted_means_the_same_to_other_readers(raw: bytes) -> None:
    try:
        record = parse_record(raw)
    except BadRecord as refused:
        assert refused.message.isprintable()
        assert len(refused.message) < 200
    else:
        assert record == json.loads(raw, parse_float=Decimal) == EXACT.decode(raw)
        pairs: list[list[tuple[str, Any]]] = []
        json.loads(raw, object_pairs_hook=pairs.append)
        assert all(len(dict(one)) == len(one) for one in pairs)
        json.dumps(json.loads(raw), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b'{"a":1}{"a":1}', "bad_json"),
        (b'{"a":1},', "bad_json"),
        (b"{'a':1}", "bad_json"),
        (b'{"a":01}', "bad_json"),
        (b'{"a":"\n"}', "bad_json"),
        (b'{"a":"\0"}', "bad_json"),
        (b'{"a":NaN}', "bad_json"),
        (b'{"a":[-Infinity]}', "bad_json"),
        (b'\xef\xbb\xbf{"a":1}', "bad_json"),
        (b"[]", "not_an_object"),
        (b'"a"', "not_an_object"),
        (b"1", "not_an_object"),
        (b"null", "not_an_object"),
        (b"true", "not_an_object"),
        (b'{"a":1,"a":1}', "duplicate_member"),
        (b'{"a":1,"\\u0061":1}', "duplicate_member"),
        (b'{"x":[{"y":{"a":1,"a":2}}]}', "duplicate_member"),
        (b'{"a":12345678901234567890}', "bad_number"),
        (b'{"a":-12345678901234567890}', "bad_number"),
        (b'{"a":' + b"9" * 5000 + b"}", "bad_number"),
        (b'{"a":1e309}', "bad_number"),
        (b'{"a":[-1e999]}', "bad_number"),
        (b'{"a":-0.00010e-99999999999999999999}', "bad_number"),
        (b'{"a":0e99999999999999999999}', "bad_number"),
        (b'{"a":1e99999999999999999999}', "bad_number"),
        (b'{"a":"\\u0000"}', "nul_in_text"),
        (b'{"a":[{"x\\u0000":1}]}', "nul_in_text"),
        (b'{"a":"\\ud800"}', "bad_encoding"),
        (b'{"\\udfff":1}', "bad_encoding"),
        (b'{"a":"\xed\xa0\x80"}', "bad_encoding"),
        (b'{"a":"\xff"}', "bad_encoding"),
        (b'{"a":"\xc0\xaf"}', "bad_encoding"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "too_deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too_deep"),
        (b"[" * 1_000_000, "too_deep"),
        (b'{"a":' * 200_000, "too_deep"),
    ],
)
def test_refused(raw: bytes, code: str) -> None:
    assert code_of(raw) == code


@pytest.mark.parametrize(
    ("raw", "record"),
    [
        (b' \t{"a": 1} \r', {"a": 1}),
        (b'{"a":9999999999999999999}', {"a": 9999999999999999999}),
        (b'{"a":-9223372036854775808}', {"a": -(2**63)}),
        (b'{"a":1e30,"b":12345678901234567890.1}', {"a": Decimal("1e30"), "b": Decimal("12345678901234567890.1")}),
        (b'{"a":1e-400,"b":0e400}', {"a": Decimal("1e-400"), "b": 0}),
        (b'{"a":"\\ud83d\\ude00 \\\\u0000"}', {"a": "\U0001f600 \\u0000"}),
        (b'{"a":' + b"[" * 63 + b"]" * 63 + b"}", json.loads(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}")),
        (b'{"a":"' + b"[" * 1000 + b'"}', {"a": "[" * 1000}),
        (b'{"a":' + b"[" + b"[]," * 100 + b"[]]}", {"a": [[]] * 101}),
    ],
)
def test_read(raw: bytes, record: dict[str, Any]) -> None:
    assert parse_record(raw) == record


def test_numbers_keep_their_kind() -> None:
    record = parse_record(b'{"i":1,"f":1.0,"e":1e2,"z":-0.0}')
    assert [type(value) for value in record.values()] == [int, Decimal, Decimal, Decimal]
    assert record["z"].is_signed()


def test_depth_does_not_lean_on_the_interpreters_limit() -> None:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        assert code_of(b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}") == "too_deep"
    finally:
        sys.setrecursionlimit(usual)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"\xc3\xa9": 1 2}', "not JSON: Expecting ',' delimiter, byte 10 of the record, at '2}'"),
        (b'{"a": ', "not JSON: Expecting value, byte 7 of the record, where the record ends"),
        (b'{"a": "\xc3\xa9\xff"}', "not UTF-8: byte 0xff at byte 10 of the record"),
        (b'{"a": nope' + b"x" * 100, "not JSON: Expecting value, byte 7 of the record, at 'nopexxxxxxxxxxxxxxxx'"),
        (b'{"a\x1b[31m": 1, "a\x1b[31m": 1}', "not JSON: Invalid control character, byte 4 of the record, at "),
        (b'{"\\u001b[31m":1,"\\u001b[31m":2}', "member '\\\\x1b[31m' appears twice in an object"),
    ],
)
def test_messages_say_what_and_where(raw: bytes, message: str) -> None:
    with pytest.raises(BadRecord) as refused:
        parse_record(raw)
    assert refused.value.message.startswith(message)
