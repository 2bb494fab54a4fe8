"""Patterns: what is allowed means the same to us, to Python and to PostgreSQL; the rest is refused."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validate_updates.patterns import BadPattern, Pattern

ALPHABET = "abcAB01_-. é\n"
texts = st.text(ALPHABET, max_size=8)
PLAIN = ["a", "b", "é", "0", ".", r"\.", r"\-", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\n", " ", "_", "-"]
CLASSES = ["[ab]", "[^ab]", "[a-c0-9]", "[^a-z]", r"[\d_]", "[-a]", r"[a\-b]", r"[\]\[^]", "[^\\s]", "[é-ü]"]
atoms = st.sampled_from(PLAIN + CLASSES)
repeated = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{1,}", "{0,2}", "{1,3}"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    groups = st.sampled_from(["({})", "(?:{})"])
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
        st.builds(lambda group, part, times: group.format(part) + times, groups, inner, repeated),
    )


patterns = st.recursive(st.builds("{}{}".format, atoms, repeated), _larger, max_leaves=6)


@given(pattern=patterns, text=texts)
@settings(max_examples=300)
def test_a_pattern_means_what_it_means_to_python(pattern: str, text: str) -> None:
    expected = re.fullmatch(pattern, text, re.ASCII | re.DOTALL) is not None

    assert Pattern(pattern).fits(text) is expected
    assert Pattern(f"^(?:{pattern})$").fits(text) is expected


fixed = st.recursive(
    st.builds(
        "{}{}".format,
        st.sampled_from([*PLAIN, *CLASSES, r"\*", r"\?", r"\[", r"\]", "x"]),
        st.sampled_from(["", "", "{2}", "{0}"]),
    ),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map("".join) | inner.map("({}){{2}}".format),
    max_leaves=4,
)


@given(pattern=fixed, text=st.text(ALPHABET + "*?[]^x\0", max_size=8), data=st.data())
@settings(max_examples=300)
def test_what_sqlite_can_match_itself_means_the_same(pattern: str, text: str, data: st.DataObject) -> None:
    fitting = data.draw(st.from_regex(re.compile(pattern, re.ASCII | re.DOTALL), fullmatch=True))
    read = Pattern(pattern)
    with closing(sqlite3.connect(":memory:")) as connection:
        glob = "SELECT ? GLOB ?"
        for one in (text, fitting):
            if read.glob is not None and "\0" not in one:
                assert connection.execute(glob, (one, read.glob)).fetchone() == (read.fits(one),)


@pytest.mark.parametrize(
    ("pattern", "glob"),
    [
        ("order-[0-9]{3}", "order-[0-9][0-9][0-9]"),
        (r"[A-Za-z_]\d(-\d){2}", "[A-Z_-_a-z][0-9]-[0-9]-[0-9]"),
        (r"\*\?\[\]", "[*][?][[]]"),
        ("", ""),
        ("a+", None),
        ("a|b", None),
        ("[^a]", None),
        ("[a-]", None),
        ("é", None),
        ("[A-Za-z]{255}" * 5, None),
    ],
)
def test_what_has_a_fixed_length_is_left_to_sqlite(pattern: str, glob: str | None) -> None:
    assert Pattern(pattern).glob == glob


@given(pattern=patterns, some=st.lists(texts, min_size=1, max_size=10))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_pattern_means_the_same_to_postgresql(postgres_url: str, pattern: str, some: list[str]) -> None:
    read = Pattern(pattern)
    with psycopg.connect(postgres_url) as connection:
        query = 'SELECT t COLLATE "C" ~ %s FROM unnest(%s::text[]) WITH ORDINALITY AS u (t, n) ORDER BY n'
        answers = [row[0] for row in connection.execute(query, (read.postgresql, some))]

    assert answers == [read.fits(text) for text in some]


@pytest.mark.parametrize("char", [chr(code) for code in range(1, 128)])
def test_every_character_can_be_written(char: str) -> None:
    escaped = Pattern(f"\\{char}" if not char.isalnum() and char.isprintable() and char != " " else char)

    assert escaped.fits(char)
    assert not escaped.fits("ab")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a*?", "one repetition after another"),
        ("a++", "one repetition after another"),
        ("*a", r"write \* for the character *"),
        ("(?=a)", "a group is (…) or (?:…), and no other"),
        ("(a", "a group is not closed"),
        ("a)", "')' does not belong here"),
        ("a$b", "'$' does not belong here"),
        ("a^b", r"write \^ for the character ^"),
        (r"(a)\1", r"\1 has no meaning here"),
        (r"\ba", r"\b has no meaning here"),
        ("\\", "it ends too early"),
        ("[]", "a class of no characters"),
        (r"[^\d\D]", "a class of no characters"),
        ("[z-a]", "a range is from one character to one not before it"),
        (r"[\d-z]", "a range is from one character to one not before it"),
        ("[[:alpha:]]", r"write \[ for the character [ in a class"),
        ("[ab", "it ends too early"),
        ("a{x}", "braces hold {n}, {n,} or {n,m}"),
        ("a{1,2", "braces hold {n}, {n,} or {n,m}"),
        ("a{3,2}", "from a number to one not below it"),
        ("a{256}", "at most 255"),
        ("(?:){2}", "there is nothing to repeat"),
        ("(?:a{200}){20}", "too large"),
        ("a" * 1001, "at most 1000"),
    ],
)
def test_what_is_not_of_the_dialect_is_refused_with_the_place(pattern: str, said: str) -> None:
    with pytest.raises(BadPattern) as caught:
        Pattern(pattern)

    assert said in str(caught.value)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a*)*b", "a*a*a*a*a*a*b", "(.*)(.*)(.*)(.*)c"])
def test_patterns_that_ruin_others_are_matched_in_one_go(pattern: str) -> None:
    assert not Pattern(pattern).fits("a" * 100_000)
    assert Pattern(pattern).fits("aaab") is not pattern.endswith("c")


@pytest.mark.parametrize(
    ("pattern", "one_way"),
    [
        ("[a-z]+/(house|senate)/[0-9]+", True),
        ("([a-z]{1,5} )*!", True),
        ("x?y", True),
        ("(a*)*b", False),
        ("(a*b*)*c", False),
        ("a*a", False),
        ("(a?){3}", False),
        ("(a|ab)c", False),
    ],
)
def test_only_what_can_be_read_in_one_way_is_left_to_pythons_matcher(pattern: str, *, one_way: bool) -> None:
    assert Pattern(pattern)._automaton.one_way is one_way


@pytest.mark.parametrize("pattern", ["([a-f]+,)*x", "([a-z]{1,5},)*!", "[a-z,]+!x?", "((a|b)+(,|;))*x"])
def test_and_ends_as_soon(pattern: str) -> None:
    assert Pattern(pattern)._automaton.one_way
    assert not Pattern(pattern).fits("ab," * 100_000)


def test_states_are_forgotten_before_they_are_too_many() -> None:
    pattern = Pattern(r"[^x]*x.{8}")
    text = "".join(chr(0x4E00 + number % 20_000) for number in range(60_000))

    assert pattern.fits(text.replace("x", "") + "x12345678")
    assert pattern.fits("x12345678")
    assert not pattern.fits("x1234567")
