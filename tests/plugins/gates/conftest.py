"""A task with a past, files of evidence, and the command that judges them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.conftest import Command, command, plain_terminal
from tests.plugins.monitoring.world import World

__all__ = ["command", "plain_terminal"]

Criteria = Mapping[str, tuple[str, str]]
"""Name -> what is, and what came of it."""


@dataclass(frozen=True)
class Checked:
    """What ``gate check`` said."""

    code: int
    data: Mapping[str, Any]

    @property
    def decision(self) -> str:
        return str(self.data["decision"])

    @property
    def criteria(self) -> Criteria:
        return {one["name"]: (one["actual"], one["state"]) for one in self.data["criteria"]}

    def of(self, name: str) -> Mapping[str, Any]:
        (found,) = (one for one in self.data["criteria"] if one["name"] == name)
        return dict(found)


@dataclass
class Gate:
    """Its world, and files beside it."""

    world: World
    command: Command

    def check(self, gate: str, *words: str, after: timedelta = timedelta(hours=1)) -> Checked:
        """The gate so long after the last run."""
        said = self.command("gate", "check", gate, *words, *self.at(after), "--format", "json")
        assert said.code in {0, 1}, said.err
        return Checked(said.code, said.json)

    def refused(self, *words: str) -> tuple[int, str]:
        """The exit status, and what stderr has; stdout has nothing."""
        said = self.command("gate", "check", *words, *self.at())
        assert said.out == ""
        return said.code, said.err

    def at(self, after: timedelta = timedelta(hours=1)) -> tuple[str, ...]:
        now = self.world.now + after
        return "--as-of", f"{now:%Y-%m-%dT%H:%M:%SZ}", "--config", str(self.world.config)

    def file(self, name: str, content: object) -> str:
        """A file of evidence: text as it is, anything else as JSON."""
        path = self.world.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else msgspec.json.encode(content))
        return str(path)

    def set(self, **settings: Any) -> None:
        """Settings of the plugin."""
        lines = "".join(f"{name} = {msgspec.json.encode(value).decode()}\n" for name, value in settings.items())
        others = self.world.config.read_text().partition("[plugins.gates]")[0]
        self.world.config.write_text(f"{others}[plugins.gates]\n{lines}")


Make = Callable[[str], Gate]


@pytest.fixture
def gate(database_url: str, tmp_path: Path, command: Command) -> Gate:
    """The test runs twice: on SQLite and on PostgreSQL."""
    return Gate(World(database_url, tmp_path), command)


@pytest.fixture
def lite(sqlite_url: str, tmp_path: Path, command: Command) -> Gate:
    """On SQLite alone."""
    return Gate(World(sqlite_url, tmp_path), command)
