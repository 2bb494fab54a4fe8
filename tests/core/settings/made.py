"""Settings for tests: a folder with files in it, read with an environment of the test's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from validate_updates.settings import Settings, load_settings

DAILY = """
target = "sqlite:////srv/hearings.db"
[tasks.daily]
source = "/srv/today.jsonl"
[tasks.daily.tables.hearings]
key = "event_id"
"""


def loaded(folder: Path, own: str | bytes | None = None, *, pyproject: str = "", **env: str) -> Settings:
    """What the files, written to ``folder``, and the variables ``VALIDATE_UPDATES_<name>`` come to."""
    write(folder, own, pyproject=pyproject)
    return load_settings(env={f"VALIDATE_UPDATES_{name}": value for name, value in env.items()}, cwd=folder)


def in_environment(folder: Path, own: str, env: Mapping[str, str]) -> Settings:
    """As :func:`loaded`, with whole names of variables."""
    write(folder, own)
    return load_settings(env=env, cwd=folder)


def write(folder: Path, own: str | bytes | None = None, *, pyproject: str = "") -> None:
    """Put the settings files into ``folder``."""
    if own is not None:
        (folder / "validate-updates.toml").write_bytes(own if isinstance(own, bytes) else own.encode())
    if pyproject:
        (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
