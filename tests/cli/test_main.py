"""The entry point: exit codes, errors in two lines, secrets, and what is imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import validate_updates
from tests.cli.conftest import Command
from validate_updates import errors
from validate_updates_cli import app as app_module
from validate_updates_cli.main import command_first, main
from validate_updates_cli.trouble import report

EXECUTABLE = Path(sys.executable).with_name("validate-updates")
SECRET = "hunter2-and-more"
URL = f"postgresql://alice:{SECRET}@127.0.0.1:1/db?sslpassword={SECRET}x"


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make ``plugins list`` raise ``error``."""

    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr("validate_updates_cli.commands.plugins.list_plugins", fail)


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["--debug", "-V"]])
def test_version(words: list[str], command: Command) -> None:
    said = command(*words)

    assert (said.code, said.out, said.err) == (0, f"validate-updates {validate_updates.__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "never"),
    [
        (["--version"], {"typer", "rich", "pydantic", "sqlalchemy", "scipy", "msgspec", "pluggy"}),
        (["--help"], {"rich", "pydantic", "sqlalchemy", "scipy"}),
        (["run", "--help"], {"rich", "pydantic", "sqlalchemy", "scipy"}),
        (["config", "check"], {"pydantic", "sqlalchemy", "scipy"}),
    ],
)
def test_start_up_is_light(words: list[str], never: set[str], tmp_path: Path) -> None:
    code = (
        f"import sys; from validate_updates_cli.main import main; main({words}); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

    loaded = set(done.stderr.split())
    assert "validate_updates" in loaded
    assert loaded & never == set()


@pytest.mark.parametrize(("given", "threads"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3")])
def test_algebra_keeps_to_one_thread_unless_told_otherwise(given: dict[str, str], threads: str) -> None:
    code = "import os, sys; from validate_updates_cli.main import main; sys.argv[1:] = ['--version']; main()"
    shown = "assert 'numpy' not in sys.modules; print(os.environ['OPENBLAS_NUM_THREADS'])"
    without = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {shown}"], env=without | given, capture_output=True, text=True, check=True
    )

    assert done.stdout.split()[-1] == threads


def test_nothing_to_do_is_a_wrong_call_that_shows_the_help(command: Command) -> None:
    said = command()

    assert said.code == 2
    assert said.out.startswith("Usage: validate-updates ")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("m", hint="h"), 2),
        (errors.SettingsError("m", hint="h"), 2),
        (errors.PluginError("m", hint="h"), 2),
        (errors.SourceError("m", hint="h"), 3),
        (errors.TargetError("m", hint="h"), 3),
        (errors.StateUncertain("m", hint="h"), 4),
        (errors.LockHeld("m", hint="h"), 75),
    ],
)
def test_an_error_is_a_line_a_hint_and_its_exit_code(
    error: errors.UpdateError, code: int, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, error)

    said = command("plugins", "list")

    assert (said.code, said.out, said.err) == (code, "", "error: m\n  h\n")


def test_a_signal_has_its_own_exit_code(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, errors.Interrupted(signal.SIGTERM))
    assert command("plugins", "list").code == 143
    failing(monkeypatch, KeyboardInterrupt())
    assert command("plugins", "list").code == 130


def test_a_defect_of_ours_is_told_without_values_and_with_what_to_do(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, ValueError("the record's value"))

    said = command("plugins", "list")

    assert said.code == 70
    assert said.err.startswith("defect: ValueError at test_main.py:")
    assert said.err.endswith("\n  run it again with --debug and report what it shows\n")
    assert len(said.err.splitlines()) == 2
    assert "the record's value" not in said.err


def test_a_traceback_comes_only_when_asked_for(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, ValueError("the record's value"))

    for words in (["plugins", "list", "--debug"], ["--debug", "plugins", "list"]):
        said = command(*words)
        assert said.code == 70
        assert said.err.startswith("Traceback (most recent call last):\n")
        assert "ValueError: the record's value\n" in said.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nonesuch"], "error: No such command 'nonesuch'.\n  see validate-updates --help\n"),
        (["plam"], "error: No such command 'plam'. Did you mean 'plan'?\n  see validate-updates --help\n"),
        (["run"], "error: TASK|SOURCE is missing\n  see validate-updates run --help\n"),
        (["run", "x", "--nope"], "error: No such option: --nope\n  see validate-updates run --help\n"),
        (["init", "--table", "t", "--target", ""], "error: --target is missing\n  see validate-updates init --help\n"),
        (["init", "--table", "t"], "error: --target is missing\n  see validate-updates init --help\n"),
        (["run", "x", "--wait", "soon"], "error: --wait 'soon' is not a number\n"),
        (["run", "x", "--wait", "-1"], "error: --wait -1 must be 0 or more\n"),
        (["run", "x", "--wait", "nan"], "error: --wait nan must be 0 or more\n"),
        (["run", "x", "--max-deletes", "1.5"], "error: --max-deletes '1.5' is not a whole number\n"),
        (
            ["run", "x", "--as-of", "noon"],
            "error: --as-of 'noon' is not a time\n  such as 2024-05-01, or 2024-05-01T06:00Z\n",
        ),
        (["run", "x", "--format", "xml"], "error: --format 'xml' is not known\n  one of text, json\n"),
        (["run", "x", "--fail-on", "info"], "error: --fail-on 'info' is not known\n  one of critical, warning\n"),
        (["runs", "list", "--limit", "0"], "error: --limit 0 must be 1 or more\n"),
        (["quarantine", "list", "--limit", "0"], "error: --limit 0 must be 1 or more\n"),
        (["runs", "list", "--limit", "x"], "error: --limit 'x' is not a whole number\n"),
    ],
)
def test_wrong_flags_are_told_in_one_line(words: list[str], told: str, command: Command) -> None:
    said = command(*words)

    assert (said.code, said.out, said.err) == (2, "", told)


def test_what_was_typed_cannot_change_the_terminal(command: Command) -> None:
    said = command("run", "x", "--as-of", "\x1b[31m\nnoon")

    assert said.err.startswith("error: --as-of '\\x1b[31m\\nnoon' is not a time\n")


def test_options_of_every_command_may_stand_before_its_name() -> None:
    assert command_first(["--config", "a.toml", "--debug", "run", "x", "--", "-y"]) == [
        "run", "x", "--config", "a.toml", "--debug", "--", "-y",
    ]  # fmt: skip
    assert command_first(["run", "--debug"]) == ["run", "--debug"]
    assert command_first(["-h"]) == ["-h"]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "x.jsonl", "--table", "t", "--target", URL],
        ["run", "x.jsonl", "--table", "t", f"--target={URL}"],
        ["plan", URL, "--table", "t", "--target", URL],
        ["runs", "list", "--target", URL],
        ["db", "upgrade", "--target", URL],
        ["doctor", "--target", URL],
        ["init", "--table", "t", "--target", URL],
    ],
)
@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_no_password_is_ever_shown(words: list[str], debug: list[str], command: Command, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("{}\n")

    said = command(*words, *debug)

    assert said.code in {2, 3}
    assert said.out + said.err != ""
    assert SECRET not in said.out + said.err


def test_a_traceback_is_rid_of_passwords(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALIDATE_UPDATES_TARGET", "sqlite://?password=from-the-environment")

    report(ValueError(f"no {URL}, no {SECRET}x, no from-the-environment"), ["--target", URL], debug=True)

    said = capsys.readouterr().err
    assert "Traceback" not in said  # it was never raised
    assert "ValueError: no postgresql://alice:***@127.0.0.1:1/db?sslpassword=***" in said
    assert SECRET not in said
    assert "from-the-environment" not in said


@pytest.mark.parametrize(("variables", "red"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_errors_are_red_where_there_are_colours(
    variables: dict[str, str], red: bool, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert command("nonesuch").err.startswith("\x1b[31merror: " if red else "error: ")
    assert command("nonesuch", "--no-color").err.startswith("error: ")
    monkeypatch.setenv("NO_COLOR", "1")
    assert command("nonesuch").err.startswith("error: ")


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    for words in (["--help"], ["plugins", "list"], ["plugins", "list", "--format", "json"], ["--version"]):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([EXECUTABLE, *words], cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, check=False)
        os.close(write)
        assert (done.returncode, done.stderr) == (0, b""), words


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [EXECUTABLE, "plugins", "list"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 0
    assert done.stderr == "warning: the output could not be written: No space left on device\n"


def test_output_is_ascii_where_stdout_is(tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").write_text('[tasks.t]\nsource = "für.jsonl"\ntarget = "sqlite:///x"\n')
    for words in (["config", "show"], ["--help"], ["run", "--help"], ["config", "check"]):
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        done = subprocess.run([EXECUTABLE, *words], cwd=tmp_path, capture_output=True, env=environment, check=False)
        assert done.stdout.isascii()
        assert done.stdout != b""
        assert b"Error" not in done.stderr, words


def test_every_command_has_a_help_and_takes_the_shared_options(command: Command) -> None:
    group = typer.main.get_command(app_module.app)
    leaves = [
        (name, *inner)
        for name, one in group.commands.items()  # type: ignore[attr-defined]  # it is a group
        for inner in ([(sub,) for sub in one.commands] if hasattr(one, "commands") else [()])
    ]
    assert ("run",) in leaves
    assert ("runs", "show") in leaves
    for words in leaves:
        said = command(*words, "--help")
        assert said.code == 0
        for option in ("--config", "--format", "--quiet", "--verbose", "--no-color", "--debug"):
            assert option in said.out, words
        assert max(len(line) for line in said.out.splitlines()) <= 80


def test_help_is_there_with_broken_settings_and_broken_plugins(tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").write_text("not toml [")
    info = tmp_path / "site" / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[validate_updates]\nbroken = broken_plugin\n")
    environment = {**os.environ, "PYTHONPATH": str(info.parent)}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [EXECUTABLE, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    for words in (["--help"], ["run", "--help"], ["plugins", "--help"], ["plugins", "list"]):
        assert (run(*words).returncode, run(*words).stderr) == (0, ""), words
    assert "broken             broken 1.0\n" in run("plugins", "list").stdout
    (tmp_path / "validate-updates.toml").unlink()
    for words in (["plugins", "show", "broken"], ["broken", "--help"]):
        done = run(*words)
        assert done.returncode == 2
        assert done.stderr.startswith("error: plugin 'broken' (broken 1.0): loading broken_plugin failed: ")


def test_the_entry_point_is_main() -> None:
    assert main(["--version"]) == 0
