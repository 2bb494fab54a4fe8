"""Installs plugins the way an installer leaves them: modules, and beside them the metadata with the entry points."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

SAMPLE = Path(__file__).parent / "distribution"


def install(site: Path, name: str, version: str, entry_points: Mapping[str, str]) -> None:
    """Write the metadata of a distribution into ``site``; its modules are the caller's matter."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
    points = "".join(f"{point} = {value}\n" for point, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[validate_updates]\n{points}")


def install_sample(site: Path) -> None:
    """The distribution in the folder beside this file."""
    project = tomllib.loads((SAMPLE / "pyproject.toml").read_text())["project"]
    for file in SAMPLE.glob("*.py"):
        shutil.copy(file, site)
    install(site, project["name"], project["version"], project["entry-points"]["validate_updates"])


def module(code: str, name: str = "made") -> ModuleType:
    """A plugin from its text."""
    made = ModuleType(name)
    exec(compile(code, f"{name}.py", "exec"), made.__dict__)  # text of the test's own, or of our docs
    return made
