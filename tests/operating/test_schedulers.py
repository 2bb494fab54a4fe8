"""The snippets of ``docs/operating/deployment.md``, each run by the smallest means: its command, or its function."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Command
from tests.operating.page import BIN, blocks, follow, shell

ERRORS = ("Failure", "RetryRequested")


@pytest.fixture
def snippet(world: Path) -> Callable[[str], str]:
    """The text of a snippet by its name, with the program and the job's folder where they are here."""

    def text(name: str) -> str:
        (found,) = (block.text for block in blocks("deployment") if block.name == name)
        return found.replace("/opt/validate-updates/bin", str(BIN)).replace("/srv/hearings", str(world))

    return text


def last(world: Path) -> str:
    """The last run in one line."""
    return shell(["validate-updates", "runs", "list", "--limit", "1"], world).stdout.splitlines()[1]


def brings(world: Path, name: str) -> None:
    """Today's records are those of this file."""
    shutil.copy(world / "updates" / f"{name}.jsonl", world / "updates" / "today.jsonl")


def test_the_page_can_be_followed(world: Path, command: Command) -> None:
    follow("deployment", world, command)


def test_cron_runs_its_line_with_next_to_no_environment(world: Path, tmp_path: Path) -> None:
    (line,) = (one for block in blocks("deployment") if block.kind == "crontab" for one in block.text.splitlines()[1:])
    *times, command = line.split(maxsplit=5)
    command = command.replace("/opt/validate-updates/bin", str(BIN)).replace("/srv/hearings", str(world))
    (home := tmp_path / "home").mkdir()

    done = subprocess.run(["/bin/sh", "-c", command], cwd=home, env={"HOME": str(home)}, check=False)

    assert [*map(len, times)] == [2, 1, 1, 1, 3]
    assert done.returncode == 0
    assert (world / "daily.log").read_text().startswith("✔ COMMITTED daily: 26 read = 26 unchanged")
    assert "committed" in last(world)


def test_systemd_takes_the_units_and_what_they_start_runs(
    snippet: Callable[[str], str], world: Path, tmp_path: Path
) -> None:
    units = [tmp_path / name for name in ("hearings.service", "hearings.timer")]
    for unit in units:
        unit.write_text(snippet(unit.name))
    service = configparser.ConfigParser(interpolation=None)
    service.optionxform = str  # type: ignore[assignment,method-assign]  # systemd minds capital letters
    service.read(units[0])

    done = shell(shlex.split(service["Service"]["ExecStart"]), Path(service["Service"]["WorkingDirectory"]))

    assert (done.returncode, done.stderr) == (0, "")
    assert "committed" in last(world)
    analyze = shutil.which("systemd-analyze")
    if analyze:
        looked = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
        assert (looked.returncode, looked.stderr) == (0, "")


def test_github_runs_the_steps_of_the_workflow(snippet: Callable[[str], str], world: Path) -> None:
    name = ".github/workflows/hearings.yml"
    tree = yaml.safe_load(snippet(name))
    (job,) = tree["jobs"].values()
    secrets = {"secrets.HEARINGS_DATABASE": f"sqlite:///{world / 'hearings.db'}"}
    variables = {
        key: re.sub(r"\$\{\{ (.+?) \}\}", lambda one: secrets[one[1]], text) for key, text in job["env"].items()
    }
    summary = world / "summary.md"
    brings(world, "one-bad-record")

    steps = [step["run"] for step in job["steps"] if "run" in step]
    variables["PIP_NO_INDEX"] = "1"  # the package is here already, and pip has nothing to fetch
    done = {
        step: shell(
            ["bash", "-e", "-c", step], world, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary), **variables
        )
        for step in steps
    }

    assert [(step, one.stderr) for step, one in done.items() if one.returncode] == []
    assert [*tree[True]] == ["schedule", "workflow_dispatch"], "YAML reads the key `on` as yes"
    assert summary.read_text().startswith("## ")
    assert "<testsuite" in (world / "hearings.xml").read_text()


def in_bash(snippet: Callable[[str], str]) -> str:
    """The ``bash_command`` of the DAG, as Python makes it."""
    tree = ast.parse(snippet("dags/hearings.py"))
    (run,) = (node for node in tree.body if isinstance(node, ast.Assign))
    (command,) = (
        word.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and (word := node).arg == "bash_command"
    )
    names: dict[str, str] = {"RUN": ast.literal_eval(run.value)}
    return str(eval(compile(ast.Expression(command), "dag", "eval"), names))


@pytest.mark.parametrize(("records", "status"), [("today", 0), ("one-bad-record", 0), ("feed-gone-wrong", 1)], ids=str)
def test_airflow_gets_the_exit_code_from_its_bash(
    snippet: Callable[[str], str], world: Path, records: str, status: int
) -> None:
    if records != "today":
        brings(world, records)

    assert shell(["bash", "-c", in_bash(snippet)], world).returncode == status


def test_airflow_skips_a_run_that_should_come_later(snippet: Callable[[str], str]) -> None:
    program = in_bash(snippet).replace(f"{BIN}/validate-updates", "sh -c 'exit 75' run")

    assert shell(["bash", "-c", program], Path()).returncode == 75
    assert "skip_on_exit_code=75," in snippet("dags/hearings.py")


def op(snippet: Callable[[str], str]) -> tuple[Callable[[Any], None], dict[str, Any]]:
    """The function of the Dagster snippet without its decorator, and the names that it uses."""
    tree = ast.parse(snippet("hearings_dagster.py"))
    kept: list[ast.stmt] = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.FunctionDef | ast.Import)
        and getattr(node, "name", "daily") == "daily"
        and not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "defs")
    ]
    for node in kept:
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
    names: dict[str, Any] = {name: type(name, (Exception,), {"__init__": told}) for name in ERRORS}
    names["OpExecutionContext"] = object
    exec(compile(ast.Module(kept, []), "dagster", "exec"), names)
    return names["daily"], names


def told(self: Any, *_: object, **words: object) -> None:
    self.words = words


def test_dagster_fails_at_once_where_the_same_would_come_of_it_again(
    snippet: Callable[[str], str], world: Path
) -> None:
    daily, names = op(snippet)
    said: list[str] = []
    context = SimpleNamespace(log=SimpleNamespace(info=said.append))

    daily(context)
    brings(world, "feed-gone-wrong")
    with pytest.raises(names["Failure"]) as failed:
        daily(context)

    assert "COMMITTED" in said[0]
    assert "REJECTED" in said[1]
    assert failed.value.words == {"allow_retries": False}


@pytest.mark.parametrize("status", [3, 75])
def test_dagster_tries_again_what_may_pass_by_itself(snippet: Callable[[str], str], status: int) -> None:
    daily, names = op(snippet)
    names["COMMAND"] = [sys.executable, "-c", f"raise SystemExit({status})"]

    with pytest.raises(names["RetryRequested"]) as put_off:
        daily(SimpleNamespace(log=SimpleNamespace(info=str)))

    assert put_off.value.words == {"max_retries": 3, "seconds_to_wait": 600}


def test_the_python_of_the_snippets_compiles() -> None:
    for block in blocks("deployment"):
        if block.kind == "python":
            compile(block.text, block.name, "exec")
