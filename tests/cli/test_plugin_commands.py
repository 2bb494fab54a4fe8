"""Commands that a plugin brings: a real distribution, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.cli.conftest import rows_of
from validate_updates.manager import available, load
from validate_updates_cli.app import SHORT
from validate_updates_cli.plugin_commands import group_of

PLUGIN = '''
from typing import Annotated
from msgspec import Meta
from validate_updates import PluginSettings, RecordSource, Section, Subcommand, TryLater, hookimpl

class Greetings(PluginSettings):
    greeting: Annotated[str, Meta(description="the first word")] = "hello"

@hookimpl
def vu_settings():
    return Greetings

@hookimpl
def vu_sources(settings):
    def two(context):
        if context.watermark:
            raise TryLater("nothing new before noon", hint="come again")
        yield {"event_id": 3, "title": settings[Greetings].greeting}
        yield {"event_id": 4, "title": "four"}
        context.advance("4")

    yield RecordSource(name="two", summary="two records, once", read=two)

@hookimpl
def vu_subcommands(settings):
    def greet(name: Annotated[str, "whom"], times: Annotated[int, "how often"] = 1) -> str:
        """Greets."""
        return "\\n".join([f"{settings[Greetings].greeting} {name}\\x1b[31m"] * times)

    def table() -> Section:
        return Section(title="Two", header=("a", "b"), rows=(("1", "2"),))

    def silent() -> None:
        pass

    yield Subcommand(name="greet", summary="greet somebody", function=greet)
    yield Subcommand(name="table", summary="a table", function=table)
    yield Subcommand(name="silent", summary="nothing", function=silent)
'''


class Run(Protocol):
    """Run the program with the plugin installed."""

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def run(tmp_path: Path) -> Run:
    site = tmp_path / "site"
    info = site / "greeter-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[validate_updates]\ngreeter = greeter\n")
    (site / "greeter.py").write_text(PLUGIN)
    executable = Path(sys.executable).with_name("validate-updates")
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "80"}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return call


def test_a_command_takes_arguments_of_its_own_types_and_its_text_is_shown(run: Run) -> None:
    done = run("greeter", "greet", "world", "--times", "2")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "hello world\\x1b[31m\n" * 2


def test_a_value_of_the_wrong_type_is_a_wrong_flag(run: Run) -> None:
    done = run("greeter", "greet", "world", "--times", "x")

    assert done.returncode == 2
    assert done.stderr.startswith("error: Invalid value for '--times'")
    assert len(done.stderr.splitlines()) == 2


def test_the_plugin_has_the_settings_that_hold(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[plugins.greeter]\ngreeting = "welcome"\n')

    for words in (["--config", "own.toml", "greeter", "greet", "x"], ["greeter", "greet", "x", "--config=own.toml"]):
        assert run(*words).stdout == "welcome x\\x1b[31m\n"


def test_a_section_is_a_table_and_json_where_asked(run: Run) -> None:
    assert run("greeter", "table").stdout == "Two\n  a  b\n  1  2\n"
    assert json.loads(run("greeter", "table", "--format", "json").stdout) == {
        "schema_version": 1,
        "answer": {
            "title": "Two",
            "header": ["a", "b"],
            "rows": [["1", "2"]],
            "lines": [],
            "drawing": [],
            "charts": [],
        },
    }
    assert run("greeter", "silent").stdout == ""


def test_the_answer_is_written_to_files_too(run: Run, tmp_path: Path) -> None:
    done = run("greeter", "table", "--report", "markdown=a.md", "--report", "json=a.json")

    assert done.stdout == "Two\n  a  b\n  1  2\n"
    assert (tmp_path / "a.md").read_text() == "### Two\n\n| a | b |\n| --- | --- |\n| `1` | `2` |\n\n"
    assert json.loads((tmp_path / "a.json").read_text())["answer"]["title"] == "Two"
    run("greeter", "greet", "*you*", "--times", "2", "--report", "markdown=a.md")
    assert (tmp_path / "a.md").read_text().split() == ["hello", r"\*you\*\\x1b\[31m"] * 2
    refused = run("greeter", "silent", "--report", "junit=a.xml")
    assert (refused.returncode, "--report junit=a.xml is not known" in refused.stderr) == (2, True)


def test_help_lists_the_commands(run: Run) -> None:
    done = run("greeter", "--help")

    assert done.returncode == 0
    assert "  greet   greet somebody\n" in done.stdout
    helped = [line.split(maxsplit=2) for line in run("greeter", "greet", "--help").stdout.splitlines()]
    assert ["name", "<str>", "whom  [required]"] in helped
    assert ["--times", "<int>", "how often  [default: 1]"] in helped
    assert "greeter" not in run("--help").stdout


def test_help_lists_the_short_names_of_commands_of_plugins(run: Run) -> None:
    listed = run("--help").stdout.partition("\nCommands of plugins:\n")[2]

    assert [line.split()[0] for line in listed.splitlines()] == [*SHORT]


def test_each_parameter_of_the_commands_of_our_plugins_is_explained() -> None:
    bringing = {found.name for found in available() if load((found.name,), {}).subcommands()}
    groups: dict[str, Any] = {name: group_of(name, ()) for name in bringing}

    unexplained = [
        f"{name} {command} {one.name}"
        for name, group in groups.items()
        for command, found in group.commands.items()
        for one in found.params
        if not one.help
    ]

    assert {"batch", "canary", "monitoring"} <= bringing
    assert unexplained == []


def test_an_unknown_command_of_a_plugin_is_a_wrong_call(run: Run) -> None:
    done = run("greeter", "grett", "x")

    assert done.returncode == 2
    assert done.stderr.startswith("error: No such command 'grett'. Did you mean 'greet'?\n")


def test_a_plugin_without_commands_says_so(run: Run) -> None:
    done = run("static_thresholds", "anything")

    assert done.returncode == 2
    assert done.stderr.startswith("error: the plugin static_thresholds brings no commands\n")


# And sources


def test_a_task_names_the_source_of_a_plugin(run: Run, hearings: Path, tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").write_text(f"""
        target = "sqlite:///{hearings}"
        [tasks.daily]
        source = "greeter:two"
        plugins = ["greeter"]
        tables.hearings.key = "event_id"
    """)

    planned, done, again = run("plan", "daily"), run("run", "daily"), run("run", "daily")

    assert (planned.returncode, done.returncode, again.returncode) == (0, 0, 75)
    assert "nothing new before noon" in again.stdout
    assert "come again" in again.stdout
    assert rows_of(hearings)[2:] == [(3, "hello", None), (4, "four", None)]
    assert run("config", "check").returncode == 0


@pytest.mark.parametrize(
    ("source", "plugins", "said"),
    [("greeter:too", '["greeter"]', 'did you mean "two"?'), ("greeter:two", "[]", "does not take part")],
)
def test_the_check_of_the_settings_knows_sources(
    run: Run, tmp_path: Path, source: str, plugins: str, said: str
) -> None:
    task = f'{{source = "{source}", target = "sqlite://", plugins = {plugins}, tables.t = {{}}}}'
    (tmp_path / "validate-updates.toml").write_text(f"tasks.daily = {task}\n")

    done = run("config", "check")

    assert done.returncode == 2
    assert said in " ".join(done.stdout.split())


def test_a_source_is_shown_as_a_task_names_it(run: Run) -> None:
    assert "Sources\n  greeter:two  two records, once\n" in run("plugins", "show", "greeter").stdout
    shown = json.loads(run("plugins", "show", "greeter", "--format", "json").stdout)
    assert shown["sources"] == [{"name": "two", "summary": "two records, once"}]
