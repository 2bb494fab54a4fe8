r"""Patterns that a text fits as a whole: one dialect on both databases, in time that grows with the text alone.

What is allowed is what regular expressions have in common: characters, ``.`` (any one), classes ``[a-z_]`` and
``[^…]``, ``\d \w \s`` and ``\D \W \S`` (of ASCII), ``\t \n \r \f``, ``\`` before punctuation, groups ``(…)`` and
``(?:…)``, ``|``, and ``? * + {n} {n,} {n,m}``. A ``^`` at the beginning and a ``$`` at the end may stand there and
change nothing. No back references, no looking around, nothing lazy: with these no time could be promised.

PostgreSQL gets the pattern in its own spelling. SQLite has no such patterns: GLOB does for some, others are matched
here. Where the next character always says which way to go, Python's own matcher is quickest and has nothing to try
twice; any other pattern is matched by an automaton, whose states are made when a text first leads to them.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Final

_LONGEST: Final = 1000
_MOST_TIMES: Final = 255
"""In braces: more PostgreSQL does not take."""
_MOST_POSITIONS: Final = 2000
"""Classes of characters in a pattern, each as often as its braces say."""
_MOST_MOVES: Final = 50_000
"""Remembered at a time, of all states together."""
_LAST: Final = 0x10FFFF
_LONGEST_GLOB: Final = 10_000
"""SQLite takes 50,000 bytes, unless it was built or told to take fewer."""

_Ranges = tuple[tuple[int, int], ...]
"""Code points, from and to, in order and apart from each other."""


class BadPattern(ValueError):
    """A pattern that is not of the dialect; the text says where and why."""


@dataclass(frozen=True, slots=True)
class _Chars:
    ranges: _Ranges


@dataclass(frozen=True, slots=True)
class _Each:
    """One after the other."""

    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Either:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Times:
    node: _Node
    least: int
    most: int | None
    """None: any number."""


_Node = _Chars | _Each | _Either | _Times


@dataclass(frozen=True)
class Pattern:
    """A pattern, read. Raises :class:`BadPattern`, a ``ValueError``, where it is not of the dialect."""

    text: str

    def __post_init__(self) -> None:
        """Read it, and see that it is not too large."""
        _ = self._automaton

    @cached_property
    def fits(self) -> Callable[[str], bool]:
        """Says of a text whether all of it fits."""
        if not self._automaton.one_way:
            return self._automaton.accepts
        fullmatch = re.compile(self.postgresql, re.DOTALL).fullmatch
        return lambda text: fullmatch(text) is not None

    @cached_property
    def postgresql(self) -> str:
        """The same in PostgreSQL's spelling, for its operator ``~``."""
        return f"^(?:{_spelled(self._node)})$"

    @cached_property
    def glob(self) -> str | None:
        """The same for SQLite's operator GLOB, which takes a text to be over at its first NUL.

        None where GLOB cannot say it, as of what varies in length.
        """
        try:
            glob = "".join(_globbed(self._node))
        except _NoGlob:
            return None
        return glob if len(glob) <= _LONGEST_GLOB else None

    @cached_property
    def _node(self) -> _Node:
        return _Reader(self.text).read()

    @cached_property
    def _automaton(self) -> _Automaton:
        return _Automaton(self._node)


# Reading.

_ESCAPED: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_CLASSES: Final[dict[str, _Ranges]] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32)),
}
_SPECIAL: Final = frozenset("\\^$.[](){}*+?|")


class _Reader:
    """Reads a pattern from front to back."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise BadPattern(f"a pattern of {len(text)} characters; at most {_LONGEST} will do")
        self._text = text
        self._at = 0

    def read(self) -> _Node:
        if self._next() == "^":
            self._at += 1
        node = self._either()
        if self._text[self._at :] == "$":
            self._at += 1
        if self._at < len(self._text):
            raise self._bad(f"{self._next()!r} does not belong here")
        return node

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._next()
        if not char:
            raise self._bad("it ends too early")
        self._at += 1
        return char

    def _skip(self, expected: str) -> bool:
        if not self._text.startswith(expected, self._at):
            return False
        self._at += len(expected)
        return True

    def _bad(self, why: str) -> BadPattern:
        return BadPattern(f"at character {self._at + 1} of the pattern: {why}")

    def _either(self) -> _Node:
        parts = [self._each()]
        while self._skip("|"):
            parts.append(self._each())
        return parts[0] if len(parts) == 1 else _Either(tuple(parts))

    def _each(self) -> _Node:
        parts: list[_Node] = []
        while self._next() not in {"", "|", ")", "$"}:
            parts.append(self._repeated(self._atom()))
        return parts[0] if len(parts) == 1 else _Each(tuple(parts))

    def _repeated(self, node: _Node) -> _Node:
        times = self._times()
        if times is None:
            return node
        if node == _Each(()):
            raise self._bad("there is nothing to repeat")
        if self._next() in {"?", "*", "+", "{"}:
            raise self._bad("one repetition after another; nothing is lazy here")
        return _Times(node, *times)

    def _times(self) -> tuple[int, int | None] | None:
        for sign, times in (("?", (0, 1)), ("*", (0, None)), ("+", (1, None))):
            if self._skip(sign):
                return times
        if not self._skip("{"):
            return None
        inside, closed, _ = self._text[self._at :].partition("}")
        least, comma, most = inside.partition(",")
        if not closed or not _is_number(least) or not (most == "" or _is_number(most)):
            raise self._bad("braces hold {n}, {n,} or {n,m}")
        self._at += len(inside) + 1
        low = int(least)
        high = (int(most) if most else None) if comma else low
        if max(low, high or 0) > _MOST_TIMES or (high is not None and high < low):
            raise self._bad(f"{{{inside}}}: from a number to one not below it, at most {_MOST_TIMES}")
        return low, high

    def _atom(self) -> _Node:
        char = self._take()
        if char == "(":
            if not self._skip("?:") and self._next() == "?":
                raise self._bad("a group is (…) or (?:…), and no other")
            node = self._either()
            if not self._skip(")"):
                raise self._bad("a group is not closed")
            return node
        if char == "[":
            return _Chars(self._class())
        if char == ".":
            return _Chars(((0, _LAST),))
        if char == "\\":
            return _Chars(self._escaped())
        if char in _SPECIAL:
            self._at -= 1
            raise self._bad(f"write \\{char} for the character {char}")
        return _Chars(_one(char))

    def _escaped(self) -> _Ranges:
        char = self._take()
        if char in _ESCAPED:
            return _one(_ESCAPED[char])
        if char.lower() in _CLASSES:
            ranges = _CLASSES[char.lower()]
            return ranges if char.islower() else _others(ranges)
        if char not in string.punctuation:
            raise self._bad(f"\\{char} has no meaning here")
        return _one(char)

    def _class(self) -> _Ranges:
        negated = self._skip("^")
        ranges: list[tuple[int, int]] = []
        while not self._skip("]"):
            first = self._of_class()
            if self._next() == "-" and self._text[self._at + 1 : self._at + 2] not in {"]", ""}:
                self._at += 1
                first = self._range(first, self._of_class())
            ranges += first
        merged = _merged(ranges)
        kept = _others(merged) if negated else merged
        if not ranges or not kept:
            raise self._bad("a class of no characters")
        return kept

    def _of_class(self) -> _Ranges:
        char = self._take()
        if char == "[":
            raise self._bad("write \\[ for the character [ in a class")
        return self._escaped() if char == "\\" else _one(char)

    def _range(self, first: _Ranges, last: _Ranges) -> _Ranges:
        (low, low_too), (high, high_too) = first[0], last[-1]
        if len(first) > 1 or len(last) > 1 or low != low_too or high != high_too or high < low:
            raise self._bad("a range is from one character to one not before it")
        return ((low, high),)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _one(char: str) -> _Ranges:
    return ((ord(char), ord(char)),)


def _merged(ranges: list[tuple[int, int]]) -> _Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return tuple(merged)


def _others(ranges: _Ranges) -> _Ranges:
    """All characters but these."""
    ends = [-1, *(end for _, end in ranges)]
    starts = [*(start for start, _ in ranges), _LAST + 1]
    return tuple((end + 1, start - 1) for end, start in zip(ends, starts, strict=True) if end + 1 < start)


# In PostgreSQL's spelling.


def _spelled(node: _Node) -> str:
    if isinstance(node, _Chars):
        return _spelled_class(node.ranges)
    if isinstance(node, _Each):
        return "".join(_grouped(part) if isinstance(part, _Either) else _spelled(part) for part in node.parts)
    if isinstance(node, _Either):
        return "|".join(map(_spelled, node.parts))
    most = "" if node.most is None else node.most
    return f"{_grouped(node.node)}{{{node.least},{most}}}"


def _grouped(node: _Node) -> str:
    return _spelled(node) if isinstance(node, _Chars) else f"(?:{_spelled(node)})"


def _spelled_class(ranges: _Ranges) -> str:
    if ranges == ((0, _LAST),):
        return "."
    # What reaches to the end is written as what it is not: the last characters have no spelling in every encoding.
    negated = ranges[-1][1] == _LAST
    shown = _others(ranges) if negated else ranges
    inside = "".join(_spelled_range(low, high) for low, high in shown)
    return f"[{'^' if negated else ''}{inside}]"


def _spelled_range(low: int, high: int) -> str:
    return _spelled_char(low) if low == high else f"{_spelled_char(low)}-{_spelled_char(high)}"


def _spelled_char(code: int) -> str:
    char = chr(code)
    if char.isascii() and not char.isalnum():
        return f"\\{char}" if char in string.punctuation else f"\\u{code:04x}"
    return char


# In SQLite's GLOB.

_PLAIN: Final = frozenset(string.ascii_letters + string.digits + "_")
"""What stands for itself in a class of GLOB, and at both ends of a range there."""


class _NoGlob(Exception):
    """There is no such pattern."""


def _globbed(node: _Node) -> Iterator[str]:
    """A class for each character."""
    if isinstance(node, _Chars):
        yield _globbed_class(node.ranges)
    elif isinstance(node, _Each):
        for part in node.parts:
            yield from _globbed(part)
    elif isinstance(node, _Times) and node.least == node.most:
        yield from list(_globbed(node.node)) * node.least
    else:
        raise _NoGlob


def _globbed_class(ranges: _Ranges) -> str:
    ends = [chr(end) for span in ranges for end in span]
    if len(set(ends)) == 1 and "\0" < ends[0] < "\x80":
        return f"[{ends[0]}]" if ends[0] in "*?[" else ends[0]
    if not _PLAIN.issuperset(ends):
        raise _NoGlob
    return f"[{''.join(f'{chr(low)}-{chr(high)}' for low, high in ranges)}]"


# Matching.


class _State(dict[str, "_State"]):
    """Where a text can have led: positions of the pattern. Its moves are worked out when they are first made."""

    __slots__ = ("_automaton", "_positions", "accepts")

    def __init__(self, automaton: _Automaton, positions: frozenset[int], *, accepts: bool) -> None:
        super().__init__()
        self._automaton = automaton
        self._positions = positions
        self.accepts = accepts

    def __missing__(self, char: str) -> _State:
        if not self._positions:
            raise KeyError(char)
        state = self._automaton.after(self._positions, ord(char))
        self[char] = state
        return state


@dataclass(slots=True)
class _Span:
    """A part of the pattern: whether it may be empty, the positions it may begin with, and end with."""

    empty: bool
    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Positions:
    """The classes of characters of a pattern by position, and which positions may follow each."""

    chars: list[_Ranges] = field(default_factory=list)
    follow: list[set[int]] = field(default_factory=list)
    twice: bool = False
    """Whether one position may follow another for two reasons, as in ``(a*)*``: a text can be read in many ways."""

    def of(self, node: _Node) -> _Span:
        if isinstance(node, _Chars):
            return self._single(node.ranges)
        if isinstance(node, _Each):
            return self._joined(map(self.of, node.parts))
        if isinstance(node, _Either):
            spans = [self.of(part) for part in node.parts]
            first, last = (frozenset().union(*each) for each in zip(*((s.first, s.last) for s in spans), strict=True))
            return _Span(any(span.empty for span in spans), first, last)
        return self._joined(self._repeated(node))

    def _single(self, ranges: _Ranges) -> _Span:
        if len(self.chars) == _MOST_POSITIONS:
            raise BadPattern(f"the pattern is too large: more than {_MOST_POSITIONS} characters, repetitions counted")
        self.chars.append(ranges)
        self.follow.append(set())
        here = frozenset({len(self.chars) - 1})
        return _Span(empty=False, first=here, last=here)

    def _joined(self, spans: Iterator[_Span]) -> _Span:
        whole = _Span(empty=True)
        for span in spans:
            self._link(whole.last, span.first)
            whole = _Span(
                whole.empty and span.empty,
                whole.first | span.first if whole.empty else whole.first,
                span.last | whole.last if span.empty else span.last,
            )
        return whole

    def _repeated(self, node: _Times) -> Iterator[_Span]:
        for _ in range(node.least):
            yield self.of(node.node)
        if node.most is None:
            span = self.of(node.node)
            self._link(span.last, span.first)
            yield _Span(True, span.first, span.last)  # noqa: FBT003  # may be empty
            return
        tail = _Span(empty=True)
        for _ in range(node.most - node.least):  # one within the other: the third is there only after the second
            tail = self._joined(iter((self.of(node.node), tail)))
            tail.empty = True
        yield tail

    def _link(self, ends: frozenset[int], starts: frozenset[int]) -> None:
        for end in ends:
            self.twice = self.twice or not starts.isdisjoint(self.follow[end])
            self.follow[end] |= starts


class _Automaton:
    """The states of a pattern, as far as texts have led to them."""

    def __init__(self, node: _Node) -> None:
        positions = _Positions()
        span = positions.of(node)
        begin = len(positions.chars)  # a position before all others, that no character leads to
        self._chars = positions.chars
        self._follow = [*positions.follow, set(span.first)]
        self._last = span.last | {begin} if span.empty else span.last
        self._begin = frozenset({begin})
        self.one_way = not positions.twice and all(map(self._told_apart, self._follow))
        """Whether a text can be read in one way at most, and each character says how to go on."""
        self._states: dict[frozenset[int], _State] = {}
        self._moves = 0
        self.start = self._state(self._begin)

    def accepts(self, text: str) -> bool:
        """Whether all of ``text`` fits."""
        state = self.start
        try:
            for char in text:
                state = state[char]
        except KeyError:  # nothing that follows could make it fit
            return False
        return state.accepts

    def _told_apart(self, positions: set[int]) -> bool:
        ranges = sorted(one for position in positions for one in self._chars[position])
        return all(end < start for (_, end), (start, _) in pairwise(ranges))

    def after(self, positions: frozenset[int], code: int) -> _State:
        """The state that a character leads to."""
        self._moves += 1
        if self._moves > _MOST_MOVES:
            self._moves, self._states = 0, {}
            self.start = self._state(self._begin)
        candidates = set().union(*(self._follow[position] for position in positions))
        return self._state(frozenset(one for one in candidates if _holds(self._chars[one], code)))

    def _state(self, positions: frozenset[int]) -> _State:
        if positions not in self._states:
            self._states[positions] = _State(self, positions, accepts=not positions.isdisjoint(self._last))
        return self._states[positions]


def _holds(ranges: _Ranges, code: int) -> bool:
    return any(low <= code <= high for low, high in ranges)
