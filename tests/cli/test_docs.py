"""``docs/cli.md`` names every command, option, exit code and field there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from validate_updates.errors import ExitCode
from validate_updates.findings import Finding
from validate_updates.quarantine.export import Exported
from validate_updates.quarantine.reading import Entry
from validate_updates.result import (
    CellChange,
    Change,
    Counts,
    Judged,
    KeptOut,
    PluginInfo,
    RunResult,
    Section,
    TroubledBatch,
    Verdict,
)
from validate_updates.undo.result import Conflict, RollbackResult
from validate_updates_cli.app import app

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
CODE = " ".join(re.findall("`([^`]+)`", re.sub(r"(?s)```.*?```", "", PAGE))).replace("\\|", "|")


@pytest.mark.parametrize(
    "kind",
    [
        *(RunResult, Counts, Finding, Judged, Change, CellChange, KeptOut, PluginInfo, Section, TroubledBatch),
        *(RollbackResult, Conflict, Entry, Exported),
    ],
    ids=lambda kind: kind.__name__,
)
def test_every_field_of_the_result_is_there(kind: Any) -> None:
    assert [field.name for field in fields(kind) if field.name not in CODE.split()] == []


def test_what_every_other_command_writes_is_there() -> None:
    table = PAGE.partition("### What the other commands write")[2]
    told = {name for row in re.findall(r"(?m)^\| (`[^|]+`) \|", table) for name in re.findall("`([^`]+)`", row)}
    assert set(leaves(typer.main.get_command(app), "")) - told == {"run", "plan"}


def leaves(command: Any, path: str) -> Iterator[str]:
    """The commands under ``command`` that have none below them."""
    inside = getattr(command, "commands", {})
    if not inside:
        yield path
    for name, inner in inside.items():
        yield from leaves(inner, f"{path} {name}".strip())


def test_every_exit_code_and_verdict_is_there() -> None:
    told = {int(code) for row in re.findall(r"(?m)^\| ([\d, ]+) \|", PAGE) for code in row.split(",")}
    assert told == {*map(int, ExitCode), 129, 130, 143}
    assert [verdict for verdict in Verdict if f"`{verdict}`" not in PAGE] == []


def test_every_command_and_option_is_there() -> None:
    group = typer.main.get_command(app)
    assert missing(group, "") == []


def missing(command: Any, path: str) -> list[str]:
    """Commands and options under ``command`` that the page does not name."""
    found = [option for one in command.params for option in one.opts if option[0] == "-" and option not in CODE]
    for name, inner in getattr(command, "commands", {}).items():
        full = f"{path} {name}".strip()
        found += [full] if full not in CODE else []
        found += missing(inner, full)
    return found
