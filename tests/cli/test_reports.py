"""Reports in files and on the pages of a CI system."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from tests.cli.results import ADDED_HIGH, COMMITTED, DRY_RUN, FAILED, QUARANTINED, REJECTED
from validate_updates.errors import UsageError
from validate_updates.result import RunResult
from validate_updates_cli.render.json import as_json, result_json
from validate_updates_cli.render.junit import junit
from validate_updates_cli.render.markdown import markdown
from validate_updates_cli.reports import STEP_SUMMARY_BYTES, open_reports, tell_github, write_reports


@pytest.mark.parametrize("result", [COMMITTED, REJECTED, QUARANTINED, FAILED, DRY_RUN])
def test_json_holds_the_whole_result(result: RunResult) -> None:
    paper = result_json(result)

    assert msgspec.json.decode(paper, type=RunResult) == result
    fields = json.loads(paper)
    assert list(fields)[:2] == ["schema_version", "exit_code"]
    assert (fields["schema_version"], fields["exit_code"]) == (1, result.exit_code)


def test_json_has_null_for_what_is_no_number() -> None:
    odd = replace(COMMITTED, metrics={"a": float("nan"), "b": float("inf"), "c": 1.5})

    assert json.loads(result_json(odd))["metrics"] == {"a": None, "b": None, "c": 1.5}


def test_json_takes_the_text_of_other_libraries() -> None:
    class Name(str):
        __slots__ = ()

    assert as_json({"key": [Name("event_id")]}) == '{"key": ["event_id"]}\n'


def test_junit_of_a_rejected_update() -> None:
    suite = ET.fromstring(junit(REJECTED)).find("testsuite")

    assert suite is not None
    counts = {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")}
    assert counts == {"name": "hearings", "tests": "5", "failures": "2", "errors": "0", "skipped": "1"}
    cases = {f"{case.get('classname')}.{case.get('name')}": [child.tag for child in case] for case in suite}
    assert cases == {
        "update.verdict": ["failure", "system-out"],
        "static_thresholds.rows_added (plan)": ["failure"],
        "static_thresholds.last_run (plan)": ["system-out"],
        "static_thresholds.nulls (plan)": ["skipped"],
        "historical.drift (plan)": [],
    }


def test_junit_fails_where_the_run_failed_before_any_check() -> None:
    suite = ET.fromstring(junit(FAILED))

    assert [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None] == ["verdict"]


def test_junit_shows_a_finding_that_no_check_made() -> None:
    ours = replace(ADDED_HIGH, plugin="", validator="", code="too_many_deletes")

    suite = ET.fromstring(junit(replace(REJECTED, findings=(ours,))))

    (case,) = [case for case in suite.iter("testcase") if case.get("classname") == "engine"]
    assert (case.get("name"), [child.tag for child in case]) == ("too_many_deletes", ["failure"])


def test_junit_of_a_check_that_could_not_run_is_an_error() -> None:
    judged = tuple(replace(check, outcome="failed") for check in COMMITTED.judged[:1])

    assert [child.tag for child in ET.fromstring(junit(replace(COMMITTED, judged=judged))).iter("error")] == ["error"]


def test_markdown_of_a_rejected_update() -> None:
    paper = markdown(REJECTED)

    assert paper.startswith("## ❌ REJECTED: hearings\n")
    assert "**1,300 read = 60 unchanged + 1,240 rolled back**\n" in paper
    assert "| ❌ critical | `rows_added_high` | 1,240 records are new, more than an update may add.<br>→ " in paper
    assert "| judged by | 4 checks of static\\_thresholds, historical |\n" in paper
    assert paper.endswith(" |\n\n")


def test_markdown_of_a_quarantine() -> None:
    paper = markdown(QUARANTINED)

    assert "| `day.jsonl:17` | `not_null` | `event_id=337` | title may not be empty |\n" in paper
    assert "and 10 more: `validate-updates quarantine list --run 20240102T030405-a1b2`\n" in paper


def test_reports_are_written_where_asked(tmp_path: Path) -> None:
    kinds = {"json": result_json, "junit": junit, "markdown": markdown}
    reports = open_reports(f"{kind}={tmp_path / kind}" for kind in kinds)
    assert [(tmp_path / kind).read_text() for kind in kinds] == ["", "", ""]

    (tmp_path / "reader").hardlink_to(tmp_path / "json")
    write_reports(REJECTED, reports)

    assert (tmp_path / "reader").read_text() == "", "who reads it meanwhile reads all of it or nothing"
    assert [(tmp_path / kind).read_text() for kind in kinds] == [render(REJECTED) for render in kinds.values()]


def test_what_an_earlier_run_left_is_gone_before_this_one_starts(tmp_path: Path) -> None:
    old = tmp_path / "report.xml"
    old.write_text("passed")

    open_reports([f"junit={old}"])

    assert old.read_text() == ""


@pytest.mark.parametrize("wanted", ["junit", "junit=", "html=x", "=x", "junit=missing/x", "json=."])
def test_a_report_that_cannot_be_is_a_wrong_flag(wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="--report"):
        open_reports([wanted])


def test_github_gets_a_page_and_a_line_for_what_is_critical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "summary.md"
    page.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    tell_github(replace(REJECTED, findings=(replace(ADDED_HIGH, message="50 % more: a,b\nc"), *REJECTED.findings[:1])))

    assert page.read_text().startswith("# before\n## ❌ REJECTED: hearings\n")
    said = capsys.readouterr()
    assert said.err == "::error title=rows_added_high::50 %25 more: a,b\\x0ac\n"
    assert said.out == ""


def test_the_page_of_a_step_stays_within_what_github_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "summary.md"
    page.write_text("é" * (STEP_SUMMARY_BYTES // 2 - 150))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))

    tell_github(REJECTED)

    assert page.stat().st_size <= STEP_SUMMARY_BYTES
    assert page.read_text().endswith("(cut: the page may hold no more)\n")


def test_a_page_that_cannot_be_written_is_told_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "missing" / "summary.md"))

    tell_github(REJECTED)

    assert capsys.readouterr().err.startswith("warning: the report ")
