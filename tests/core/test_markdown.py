"""Sections as Markdown: whole, and nothing in them means anything to Markdown."""

from __future__ import annotations

from validate_updates import Section, as_markdown


def test_sections_are_whole() -> None:
    rows = tuple((str(number), "x" * 400) for number in range(50))
    text = as_markdown([Section(title="First", header=("n", "text"), rows=rows), Section(title="", lines=("a line",))])

    assert text.startswith("### First\n\n| n | text |\n| --- | --- |\n| `0` | `xxx")
    assert all(f"| `{number}` | `{'x' * 400}` |\n" in text for number in range(50))
    assert text.endswith("\n\na line\n\n")


def test_what_a_record_says_is_text() -> None:
    hostile = "[click](http://x) <b>|`\x1b[31m"
    lines = as_markdown([Section(title=hostile, rows=((hostile, ""),), lines=(hostile,))]).splitlines()

    escaped = r"\[click\]\(http\://x\) \<b\>\|\`\\x1b\[31m"
    assert (lines[0], lines[5]) == (f"### {escaped}", "")
    assert lines[4] == r"| `` [click](http://x) <b>\|`\x1b[31m `` |  |"
    assert lines[6] == escaped
