"""`examples/congress` beside an installed wheel: discovered, listed, selectable; removed, and gone without a trace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from vu_congress.demo.__main__ import SETTINGS
from vu_congress.demo.world import feed, make_database, save

ROOT = Path(__file__).parents[3]


class Installed:
    """A virtual environment with our wheel; third-party libraries are those of the tests."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.environment = {**kept, "CONGRESS_API_KEY": "demo-key"}
        self.python = folder / "bin" / "python"
        [site] = folder.glob("lib/python*/site-packages")
        (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))

    def pip(self, *words: str | Path) -> None:
        command = [sys.executable, "-m", "pip", "--python", str(self.python), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def install(self, what: Path) -> None:
        self.pip("install", "-q", "--no-deps", "--no-index", "--no-build-isolation", what)

    def files(self) -> set[str]:
        found = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*"))
        return {path for path in found if "__pycache__" not in path}

    def plugins(self, cwd: Path) -> list[dict[str, str]]:
        listed: list[dict[str, str]] = json.loads(self("plugins", "list", "--format", "json", cwd=cwd).stdout)[
            "plugins"
        ]
        return listed

    def __call__(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        command = [str(self.folder / "bin" / "validate-updates"), *words]
        return subprocess.run(command, cwd=cwd, env=self.environment, capture_output=True, text=True, check=False)

    @contextmanager
    def demo(self, cwd: Path) -> Iterator[None]:
        """The demonstration of the README, for as long as the block lasts."""
        command = [str(self.python), "-m", "vu_congress.demo", "--port", "0"]
        with subprocess.Popen(command, cwd=cwd, env=self.environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                assert "answers at http://127.0.0.1:" in process.stdout.readline()
                yield
            finally:
                process.terminate()
        assert process.returncode == 0


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "wheel")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    installed = Installed(tmp_path / "venv")
    [wheel] = (tmp_path / "wheel").iterdir()
    installed.install(wheel)
    return installed


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a database, saved answers, and settings."""
    folder = tmp_path / "project"
    folder.mkdir()
    make_database(folder / "hearings.db")
    save(feed(date(2025, 6, 20)), folder / "updates")
    settings = SETTINGS.format(port=1).replace("congress:meetings", "congress:saved")
    (folder / "validate-updates.toml").write_text(settings)
    return folder


def test_it_is_installed_used_and_removed(installed: Installed, project: Path, tmp_path: Path) -> None:
    before, others = installed.files(), installed.plugins(project)
    shutil.copytree(ROOT / "examples" / "congress", tmp_path / "congress")

    installed.install(tmp_path / "congress")
    listed = installed.plugins(project)
    shown = installed("plugins", "show", "congress", cwd=project)
    done = installed("run", "daily", "--as-of", "2025-06-21", cwd=project)

    [ours] = [one for one in listed if one not in others]
    assert (ours["name"], ours["distribution"], ours["version"]) == ("congress", "vu-congress", "0.1.0")
    assert "congress:meetings" in shown.stdout
    assert (done.returncode, done.stderr) == (0, "")
    assert "69 added" in done.stdout

    with installed.demo(tmp_path):
        shown = installed("run", "daily", cwd=tmp_path / "congress-demo")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "congress:meetings" in shown.stdout

    installed.pip("uninstall", "-q", "-y", "vu-congress")
    refused = installed("run", "daily", cwd=project)

    assert installed.plugins(project) == others
    assert installed.files() == before
    assert refused.returncode == 2
    assert "no plugin is called 'congress'" in refused.stderr
    assert installed("runs", "show", "last", cwd=project).returncode == 0, "the past can be read without it"
