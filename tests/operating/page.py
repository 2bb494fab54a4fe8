"""A page for operators as what one can do with it: files to write, commands to type, in order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import Command

PAGES = Path(__file__).parents[2] / "docs" / "operating"
_FENCED = re.compile(r"(?ms)^(?P<indent> *)```(?P<kind>\w+)\n(?P<text>.*?)^ *```$")
_STATUS = re.compile(r"# exit status ([\d, or]+).*$")
_FOR_A_SHELL = re.compile(r"[$`|&;<>()*?~]")
COMMANDS, SHOWN = "sh", "text"
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two fences."""

    kind: str
    text: str

    @property
    def name(self) -> str:
        """The file that it is: its first line says so."""
        return self.text.splitlines()[0].removeprefix("# ")

    def commands(self) -> Iterator[tuple[str, set[int]]]:
        """Each line, with the exit statuses it may have."""
        for line in self.text.splitlines():
            found = _STATUS.search(line)
            yield line, {int(number) for number in re.findall(r"\d+", found[1])} if found else {0}


def blocks(page: str) -> Iterator[Block]:
    """Those of ``docs/operating/<page>.md``."""
    for found in _FENCED.finditer((PAGES / f"{page}.md").read_text()):
        yield Block(found["kind"], textwrap.dedent(found["text"]))


def follow(page: str, folder: Path, command: Command) -> None:
    """Do in ``folder`` what the page says: write its files, type its commands."""
    with chdir(folder):
        for block in blocks(page):
            if block.kind == COMMANDS:
                for line, statuses in block.commands():
                    code, said = typed(line, command)
                    assert code in statuses, f"{line}\n{said}"
            elif block.kind != SHOWN:
                path = Path(block.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)


def typed(line: str, command: Command) -> tuple[int, str]:
    """The exit status of a line and what it said: a plain call of the program in this process, the rest in a shell."""
    words = shlex.split(line, comments=True)
    if words[0] == "validate-updates" and not _FOR_A_SHELL.search(line.partition("#")[0]):
        said = command(*words[1:])
        return said.code, said.out + said.err
    done = shell(["sh", "-eu", "-c", line], Path())
    return done.returncode, done.stdout + done.stderr


def shell(words: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command where the program is on the path, and nothing of what surrounds the tests."""
    environment = {"PATH": f"{BIN}{os.pathsep}{os.defpath}", "HOME": str(folder), **more}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
