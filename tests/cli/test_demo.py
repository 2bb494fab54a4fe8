"""The demo: what it shows, and where it makes its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.conftest import Command

if TYPE_CHECKING:
    import pytest


def test_it_shows_good_and_bad_updates_and_what_to_try_next(command: Command, tmp_path: Path) -> None:
    said = command("demo")
    assert (said.code, said.err) == (0, "")
    shown = [line.split()[1:2] for line in said.out.splitlines() if line.endswith("  daily")]
    assert shown == [["COMMITTED"], ["REJECTED"], ["COMMITTED"], ["REJECTED"]]
    page, _, advice = said.out.partition("Try next:")
    assert "\n  validate-updates " not in page  # such commands would not work outside the folder
    assert "cd validate-updates-demo" in advice
    assert (tmp_path / "validate-updates-demo" / "hearings.db").exists()


def test_what_it_says_to_try_works_and_it_may_be_made_again(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("demo", "-q").code == 0
    assert command("demo", "-q").code == 0
    monkeypatch.chdir(tmp_path / "validate-updates-demo")
    assert "rejected" in command("runs", "show", "last").out.lower()
    again = command("run", "daily", "--format", "json").json
    assert (again["verdict"], again["counts"]["unchanged"]) == ("committed", again["counts"]["read"])
    assert command("quarantine", "export", "mend.jsonl", "--code", "record_refused").code == 0
    mended = Path("mend.jsonl")
    mended.write_text(mended.read_text().replace("Hose", "House"))
    assert command("quarantine", "replay", "--from", "mend.jsonl").code == 0


def test_a_folder_that_cannot_be_made_is_a_usage_error(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("file", "file/below"):
        said = command("demo", "--folder", folder)
        assert said.code == 2
        assert said.err.startswith(f"error: the folder {folder} cannot be made: ")


def test_a_folder_of_other_things_is_left_alone(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    said = command("demo", "--folder", "mine")
    assert (said.code, "is not empty and not a demo" in said.err) == (2, True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "all of it"
