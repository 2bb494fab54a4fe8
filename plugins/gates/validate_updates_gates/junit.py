"""Test results in a JUnit file, as pytest and most other runners write them.

The standard library's expat reads it. Names of types and entities need a DOCTYPE, which no such file has: one that has
is refused before anything in it is expanded, so nothing can grow, and nothing else is opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.parsers import expat

from validate_updates import printable
from validate_updates_gates.files import contents, refused

_MADE_BY: Final = "a test runner, such as pytest --junit-xml=PATH"
_SHOWN: Final = 3
"""Names that are told."""


@dataclass(slots=True)
class Results:
    """The tests of some files, counted."""

    run: int = 0
    bad: int = 0
    """Failed, or in error."""
    skipped: int = 0
    silent: int = 0
    """Skipped without a reason."""
    named: list[str] = field(default_factory=list)
    """The first of the bad ones."""
    silent_named: list[str] = field(default_factory=list)


class _NotJunit(Exception):
    """The file is XML of another kind; the text says which."""


def read_tests(paths: Iterable[Path]) -> Results:
    """The tests of all files. Raises ``SourceError`` for one that is broken, or something else."""
    tests = Results()
    for path in paths:
        try:
            _read(contents(path), tests)
        except (_NotJunit, expat.ExpatError, LookupError, ValueError) as error:  # the last two: its encoding
            raise refused(
                path, f"is no JUnit file: {printable(error, 200)}", hint=f"it is made by {_MADE_BY}"
            ) from None
    return tests


def _read(text: bytes, tests: Results) -> None:
    reader = _Reader(tests)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.Parse(text, True)  # noqa: FBT003  # that is all of it
    reader.close()


class _Reader:
    """Counts while the parser walks through a file."""

    def __init__(self, tests: Results) -> None:
        self._tests = tests
        self._open: list[str] = []
        self._case = ""
        self._bad = False
        self._skipped = False
        self._reason = ""
        self._found = 0
        self._told: dict[str, int] = {"testsuites": 0, "testsuite": 0}

    def doctype(self, *_: object) -> None:
        raise _NotJunit("it has a DOCTYPE, which such a file has no use for")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open and name not in {"testsuites", "testsuite"}:
            raise _NotJunit(f"it begins with <{name}>")
        if name in self._told and name not in self._open:
            self._told[name] += sum(_number(attributes.get(key, "0")) for key in ("failures", "errors"))
        if name == "testcase":
            names = (attributes.get("classname", ""), attributes.get("name", ""))
            self._case, self._bad, self._skipped, self._reason = ".".join(filter(None, names)), False, False, ""
        elif name in {"failure", "error"}:
            self._bad = True
            self._found += 1
        elif name == "skipped":
            self._skipped = True
            self._reason += attributes.get("message", "")
        self._open.append(name)

    def text(self, text: str) -> None:
        if self._open[-1] == "skipped":
            self._reason += text[:1]  # that there is one is enough

    def end(self, name: str) -> None:
        self._open.pop()
        if name != "testcase":
            return
        self._tests.run += 1
        if self._bad:
            self._tests.bad += 1
            _name(self._tests.named, self._case)
        elif self._skipped:
            self._tests.skipped += 1
            if not self._reason.strip():
                self._tests.silent += 1
                _name(self._tests.silent_named, self._case)

    def close(self) -> None:
        """A suite that tells of more failures than it lists has failed all the same."""
        self._tests.bad += max(*(told - self._found for told in self._told.values()), 0)


def _name(named: list[str], case: str) -> None:
    if len(named) < _SHOWN:
        named.append(printable(case))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _NotJunit(f"a suite has {text!r} failures")
    return int(text)
