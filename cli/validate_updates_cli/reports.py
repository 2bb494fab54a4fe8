"""Where a result goes besides the terminal: files that were asked for, and the pages of a CI system."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from validate_updates.errors import UsageError
from validate_updates.files import write_whole
from validate_updates.findings import Severity
from validate_updates.result import RunResult, Section, Verdict
from validate_updates.text import printable
from validate_updates_cli.streams import complain

KINDS: Final = ("json", "junit", "markdown")
OF_ANSWERS: Final = ("json", "markdown")
"""Those that an answer of a plugin's command can be written as."""
STEP_SUMMARY_BYTES: Final = 1024 * 1024
"""Of a step's summary on GitHub; more, and it is dropped as a whole."""
_CUT: Final = "\n\n(cut: the page may hold no more)\n"


@dataclass(frozen=True, slots=True)
class Report:
    """A file to write the result to."""

    kind: str
    path: Path


def open_reports(wanted: Iterable[str], kinds: Sequence[str] = KINDS) -> list[Report]:
    """The reports meant by texts like ``junit=PATH``, each file made empty.

    Done before the run: a path that cannot be written is a wrong flag and nothing is tried, and what an earlier run
    left there cannot be taken for this run's. Raises ``UsageError``.
    """
    reports = [_parsed(text, kinds) for text in wanted]
    for report in reports:
        try:
            report.path.write_text("")
        except OSError as error:
            raise UsageError(f"--report: {printable(report.path)} cannot be written: {error.strerror}") from error
    return reports


def _parsed(text: str, kinds: Sequence[str]) -> Report:
    kind, equals, path = text.partition("=")
    if kind not in kinds or not equals or not path:
        raise UsageError(f"--report {printable(text)} is not known", hint=f"KIND=PATH, KIND one of {', '.join(kinds)}")
    return Report(kind, Path(path))


def write_reports(result: RunResult, reports: Sequence[Report]) -> None:
    """Write them; one that fails is told, and changes nothing: the update is over."""
    for report in reports:
        _write(report.path, _rendered(result, report.kind))


def write_answer(data: Mapping[str, Any], sections: Iterable[Section], reports: Iterable[Report]) -> None:
    """The same of what a plugin's command answers: as JSON the data, as Markdown the sections."""
    from validate_updates.markdown import as_markdown
    from validate_updates_cli.render.json import answer_json

    for report in reports:
        _write(report.path, answer_json(data) if report.kind == "json" else as_markdown(sections))


def tell_github(result: RunResult) -> None:
    """On GitHub: a page for the step, and an annotation for each critical finding; elsewhere nothing."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        path = Path(page)
        with _told_of(path), path.open("a", encoding="utf-8") as file:
            file.write(_cut(_rendered(result, "markdown"), STEP_SUMMARY_BYTES - _size(path)))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in error_lines(result):
            complain(line)


def error_lines(result: RunResult) -> Iterator[str]:
    """Lines that GitHub shows at the top of the job."""
    if result.verdict in {Verdict.FAILED, Verdict.REFUSED, Verdict.INTERRUPTED, Verdict.ROLLED_BACK}:
        yield f"::error title={_property(result.verdict)}::{_data(result.reason)}"
    for finding in result.findings:
        if finding.severity is Severity.CRITICAL:
            yield f"::error title={_property(finding.code)}::{_data(finding.message)}"


def _rendered(result: RunResult, kind: str) -> str:
    if kind == "json":
        from validate_updates_cli.render.json import result_json

        return result_json(result)
    if kind == "junit":
        from validate_updates_cli.render.junit import junit

        return junit(result)
    from validate_updates_cli.render.markdown import markdown

    return markdown(result)


def _write(path: Path, text: str) -> None:
    with _told_of(path):
        write_whole(path, text)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        complain(f"warning: the report {printable(path)} could not be written: {error.strerror}")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _cut(text: str, room: int) -> str:
    data = text.encode()
    if len(data) <= room:
        return text
    return data[: max(room - len(_CUT), 0)].decode(errors="ignore") + (_CUT if room > len(_CUT) else "")


def _data(text: str) -> str:
    return printable(text, 500).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
