"""The world of the pages: what the demo makes, with the settings of the first page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import command, plain_terminal
from tests.operating.page import COMMANDS, blocks, shell

__all__ = ["command", "plain_terminal"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo, made as the index of the pages says."""
    folder = tmp_path_factory.mktemp("operating")
    (typed,) = (block.text for block in blocks("index") if block.kind == COMMANDS)
    assert shell(["sh", "-eu", "-c", typed], folder).returncode == 0
    made = folder / "validate-updates-demo"
    settings = next(block for block in blocks("configuration") if block.name == "validate-updates.toml")
    (made / settings.name).write_text(settings.text)
    return made


@pytest.fixture
def world(demo: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(demo, tmp_path / "world")
