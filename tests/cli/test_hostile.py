"""Whatever stands in a record, a column's name or a plugin's words: no paper does anything but show it."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.results import REJECTED
from validate_updates.findings import Finding, Severity
from validate_updates.markdown import code, prose
from validate_updates.result import CellChange, Change, Judged, KeptOut, PluginInfo, RunResult, Section
from validate_updates_cli.output import Shared, show
from validate_updates_cli.render.json import result_json
from validate_updates_cli.render.junit import junit
from validate_updates_cli.render.look import Look
from validate_updates_cli.render.markdown import markdown
from validate_updates_cli.render.summary import one_line, summary
from validate_updates_cli.reports import error_lines

NASTY = [
    "\x1b[2J\x1b]8;;http://evil\x07click\x1b]8;;\x07",
    "[/x][bold red]big[/] [link=http://evil]here[/link]",
    "admin\u202etxt.exe\u2066\u200b",
    "one\ntwo\r\nthree\u2028four\x85five",
    "\x9b31mC1\x7f",
    "<script>alert(1)</script> ![x](http://evil/a.png) [a](javascript:x) | `code` || **b** <!-- ",
    "www.evil.example https://evil.example @everyone #1 :tada: $x$ ~~no~~",
    "::error::forged\n::add-mask::e ##[add-mask]e %0A::stop-commands::x",
    "]]> &amp; <failure> \ufffe \udc80 \x00",
    "= 'x' + \"y\" \\ \\n ``` ``",
]
VISIBLE = set("\n")


def filled(text: str) -> RunResult:
    """A result that holds ``text`` wherever it can hold any."""
    finding = Finding(
        code=text,
        severity=Severity.CRITICAL,
        message=text,
        hint=text,
        table=text,
        key=text,
        column=text,
        metric=text,
        observed=text,
        expected=text,
        runs=(text,),
        samples=(text, text),
        plugin=text,
        validator=text,
        moment=text,
    )
    check = Judged(plugin=text, validator=text, moment=text, summary=text, outcome=text, findings=1)
    kept = KeptOut(code=text, message=text, key=text, column=text, file=text, line=1, record=text, constraint=text)
    return replace(
        REJECTED,
        run_id=text,
        task=text,
        reason=text,
        source=text,
        target=text,
        table=text,
        key=(text,),
        strategy=text,
        timings=((text, 1.0),),
        findings=(finding, replace(finding, severity=Severity.WARNING), replace(finding, severity=Severity.INFO)),
        judged=(check,),
        changes=(Change(action="update", key=text, cells=(CellChange(column=text, old=text, new=text),)),),
        kept_out=(kept, replace(kept, line=None, offset=7)),
        metrics={text: 1.0},
        plugins=(PluginInfo(name=text, distribution=text, version=text),),
        sections=(Section(title=text, header=(text,), rows=((text, text),), lines=(text,), drawing=(text,)),),
        recovered=(text,),
        next_steps=(text,),
    )


def assert_inert(paper: str) -> None:
    """No control, format, surrogate or separator character but the line feeds of the paper itself."""
    hidden = {char for char in paper if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}}
    assert hidden <= VISIBLE


nasty = pytest.mark.parametrize("text", NASTY)


@nasty
@pytest.mark.parametrize("look", [Look(), Look(ascii=True), Look(width=40), Look(workflow=True)])
def test_the_terminal(text: str, look: Look, capsys: pytest.CaptureFixture[str]) -> None:
    show([*summary(filled(text), look, verbose=True), one_line(filled(text), look)], Shared(no_color=True))

    shown = capsys.readouterr().out
    assert_inert(shown)
    assert "\n\n\n" not in shown


@nasty
def test_a_value_adds_no_line_of_its_own(text: str) -> None:
    lines = len(summary(filled("x"), Look(width=4000), verbose=True))

    assert len(summary(filled(text), Look(width=4000), verbose=True)) == lines


def test_colours_come_from_us_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    show(summary(filled(NASTY[1]), Look(), verbose=True), Shared())

    shown = capsys.readouterr().out
    assert "\x1b[1;31m✖ REJECTED" in shown
    assert "\x1b]8" not in shown
    assert "[link=http://evil]here[/link]" in re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\n", " ")


@nasty
def test_a_ci_system_is_given_no_command(text: str) -> None:
    for line in summary(filled(text), Look(workflow=True), verbose=True):
        assert not re.match(r"\s*::", line.plain)
        assert "##[" not in line.plain
    assert "##[" not in result_json(filled(text))
    for command in error_lines(filled(text)):
        assert re.fullmatch(r"::error title=[^:,]*::[^\r\n]*", command)
        assert_inert(command)


@nasty
def test_markdown(text: str) -> None:
    paper = markdown(filled(text))

    assert_inert(paper)
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", paper)  # code spans show what is in them
    outside = re.sub(r"(?<=\n\n)( {4}.*\n)+(?=\n)", "", outside)  # and so do indented blocks between empty lines
    outside = outside.replace("<br>", "")
    assert re.search(r"(?<!\\)[<>\[\]$@]", outside) is None
    assert re.search(r"(?i)https?:|www\.", outside) is None


@nasty
def test_the_tables_of_the_markdown_keep_their_columns(text: str) -> None:
    def widths(paper: str) -> list[int]:
        return [len(re.findall(r"(?<!\\)\|", line)) for line in paper.split("\n") if line.startswith("|")]

    assert widths(markdown(filled(text))) == widths(markdown(filled("x")))


@given(st.text(max_size=40))
def test_a_code_span_holds_any_text(text: str) -> None:
    span = code(text)

    match = re.fullmatch(r"(`+)(.+?)\1", span)
    assert match is not None
    assert match[1] not in re.findall("`+", match[2])


@given(st.text(max_size=40))
def test_prose_starts_no_construct(text: str) -> None:
    assert re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|~$@]", prose(text)) is None


@nasty
def test_junit(text: str) -> None:
    suite = ET.fromstring(junit(filled(text)))

    assert_inert("".join(suite.itertext()))
    assert next(case.get("name") for case in suite.iter("testcase")) == "verdict"
    assert len(list(suite.iter("testcase"))) == len(list(ET.fromstring(junit(filled("x"))).iter("testcase")))


@nasty
def test_json_is_exact_and_ascii(text: str) -> None:
    paper = result_json(filled(text))

    assert paper.isascii()
    assert paper.count("\n") == 1
    assert json.loads(paper)["kept_out"][0]["record"] == text


@given(st.text())
def test_json_of_any_text(text: str) -> None:
    decoded: Any = json.loads(result_json(filled(text)))

    assert decoded["findings"][0]["samples"] == [text, text]
