"""Guards of the house: folders, packages and imports are what docs/architecture.md says, and stay so."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest

import validate_updates

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

CORE = "validate_updates"
CLI = "validate_updates_cli"
PLUGINS = {folder.name: f"{CORE}_{folder.name}" for folder in sorted((ROOT / "plugins").iterdir()) if folder.is_dir()}
HOMES = {CORE: "core", CLI: "cli"} | {package: f"plugins/{name}" for name, package in PLUGINS.items()}
"""Import package -> the folder that holds it."""

EXAMPLES = {"vu_congress": "examples/congress/src"}
"""The same of distributions that only show how: written as by a stranger, and not in the wheel."""

packages = pytest.mark.parametrize("package", HOMES)
plugin_packages = pytest.mark.parametrize("package", PLUGINS.values())


# Folders and packaging


@packages
def test_a_root_folder_holds_one_package_and_at_most_a_readme(package: str) -> None:
    found = {path.name for path in (ROOT / HOMES[package]).iterdir()}

    assert found - {"README.md", "__pycache__"} == {package}


def test_the_plugins_folder_holds_only_plugins() -> None:
    assert [path.name for path in (ROOT / "plugins").iterdir() if path.is_file()] == ["README.md"]


def test_the_wheel_lists_every_package() -> None:
    listed = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    assert sorted(listed) == sorted(f"{home}/{package}" for package, home in HOMES.items())


def test_mypy_looks_into_every_root_folder() -> None:
    assert sorted(PYPROJECT["tool"]["mypy"]["mypy_path"]) == sorted([*HOMES.values(), *EXAMPLES.values()])


def test_every_plugin_is_an_entry_point() -> None:
    declared = PYPROJECT["project"]["entry-points"][CORE]

    assert declared == {name: f"{package}.plugin" for name, package in PLUGINS.items()}
    assert [name for name in PLUGINS if not (package_folder(PLUGINS[name]) / "plugin.py").is_file()] == []


def test_the_installed_entry_points_are_those_of_the_tree() -> None:
    installed = {(point.group, point.name): point.value for point in distribution("validate-updates").entry_points}

    groups = {**PYPROJECT["project"]["entry-points"], "console_scripts": PYPROJECT["project"]["scripts"]}
    assert installed == {(group, name): value for group, points in groups.items() for name, value in points.items()}


@packages
def test_a_package_is_typed(package: str) -> None:
    assert (package_folder(package) / "py.typed").is_file()


def test_the_wheel_holds_the_packages_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()

    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert packed == {
        path.relative_to(ROOT / home).as_posix()
        for home in HOMES.values()
        for path in (ROOT / home).glob("*/**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }


# Imports


def test_root_folders_cannot_be_imported_by_mistake() -> None:
    banned = PYPROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]

    assert {home.partition("/")[0] for home in HOMES.values()} <= set(banned)


def test_core_knows_neither_terminal_nor_plugins_nor_statistics() -> None:
    assert imported(CORE, CLI, *PLUGINS.values(), "typer", "rich", "numpy", "scipy") == []


def test_the_terminal_knows_no_plugin() -> None:
    assert imported(CLI, *PLUGINS.values()) == []


@plugin_packages
def test_a_plugin_knows_neither_terminal_nor_other_plugins(package: str) -> None:
    assert imported(package, CLI, *(other for other in PLUGINS.values() if other != package), "typer", "rich") == []


@pytest.mark.parametrize("package", EXAMPLES)
def test_an_example_knows_no_more_than_a_stranger(package: str) -> None:
    assert imported(package, CLI, *PLUGINS.values()) == []
    assert not_public(package) == []


@plugin_packages
def test_a_plugin_uses_only_what_the_core_makes_public(package: str) -> None:
    assert not_public(package) == []


def test_public_names_are_the_typed_ones() -> None:
    tree = ast.parse((package_folder(CORE) / "__init__.py").read_text())
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )

    typed = {
        str(node.module).removeprefix(f"{CORE}."): tuple(alias.name for alias in node.names)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
    }

    assert typed == validate_updates._HOMES
    assert {*validate_updates.__all__} == {"__version__", *validate_updates._HOME_OF}


@pytest.mark.parametrize("name", validate_updates.__all__)
def test_a_public_name_can_be_had(name: str) -> None:
    assert getattr(validate_updates, name) is not None


# Start-up


DATABASE = {"alembic", "arro3", "numpy", "psycopg", "scipy", "sqlalchemy"}
VERSION = f"""
import contextlib, sys, {CLI}.main as command
sys.argv = ["validate-updates", "--version"]
with contextlib.suppress(SystemExit):
    command.main()
"""


@pytest.mark.parametrize(
    ("start", "heavy"),
    [
        pytest.param(f"import {CORE}", {*DATABASE, "msgspec", "rich", "typer"}, id="import"),
        pytest.param(f"import {CLI}.main", DATABASE, id="command"),
        pytest.param(VERSION, {*DATABASE, *PLUGINS.values()}, id="version"),
    ],
)
def test_starting_imports_nothing_heavy(start: str, heavy: set[str]) -> None:
    script = f"{start}\nimport sys\nprint('loaded:', *sys.modules)"
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert child.returncode == 0, child.stderr
    assert heavy & set(child.stdout.partition("loaded:")[2].split()) == set()


# The tree


def test_test_folders_are_packages() -> None:
    """Files of one name in two folders then never collide; with importlib no folder gets onto the path by itself."""
    sample = ROOT / "tests" / "core" / "plugins" / "distribution"  # a distribution of its own
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py") if not path.is_relative_to(sample)}
    assert folders
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()] == []
    assert "--import-mode=importlib" in PYPROJECT["tool"]["pytest"]["ini_options"]["addopts"]


PLACES = re.compile(r"(?<![\w.])/(?:root|work|farm|home|Users)/\w")
REGISTRIES = re.compile(
    r"(?:--|extra-)index-url|\bpypi\.org/simple|pythonhosted\.org|registry\.npmjs|\"resolved\": \"http"
)


def test_no_file_names_a_place_of_one_machine() -> None:
    assert lines_with(PLACES) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRIES) == []


# The pages


def test_the_architecture_names_every_module_of_the_core() -> None:
    named = set(re.findall(r"`(\w+)/?`", (ROOT / "docs" / "architecture.md").read_text()))
    found = package_folder(CORE).iterdir()
    modules = {path.stem for path in found if path.suffix == ".py" or (path / "__init__.py").is_file()}

    assert {name for name in modules if not name.startswith("_")} - named == set()


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}

    assert {name for name in pages if f"({name})" not in index} == {"index.md"}


def test_links_between_pages_lead_somewhere() -> None:
    pages = [path for path in tracked_files() if path.suffix == ".md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", page.read_text())]

    assert [f"{page.relative_to(ROOT)}: {link}" for page, link in links if not (page.parent / link).exists()] == []


# How the guards look at the tree


def package_folder(package: str) -> Path:
    return ROOT / {**HOMES, **EXAMPLES}[package] / package


def imports(package: str) -> Iterator[tuple[str, str]]:
    """(file and line, dotted name) of all that a package imports, at whatever depth of the code."""
    for path in sorted(package_folder(package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            yield from ((f"{path.relative_to(ROOT)}:{node.lineno}", name) for name in names)


def imported(package: str, *forbidden: str) -> list[str]:
    """Imports of the forbidden top-level packages."""
    return [f"{where}: {name}" for where, name in imports(package) if name.partition(".")[0] in forbidden]


def not_public(package: str) -> list[str]:
    """Imports from the core of what it does not make public."""
    names = [(where, name.removeprefix(f"{CORE}.")) for where, name in imports(package) if name.startswith(f"{CORE}.")]
    return [f"{where}: {name}" for where, name in names if name not in validate_updates.__all__]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Where the text files of the tree match ``pattern``."""
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked_files()
        for number, line in enumerate(path.read_bytes().decode("utf-8", "ignore").splitlines(), start=1)
        if pattern.search(line)
    ]


def tracked_files() -> list[Path]:
    """The files that git would publish; in a tree without git, all but those of tools."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and (ROOT / ".git").exists():
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    return [
        path for path in ROOT.rglob("*") if path.is_file() and not re.search(r"/(\.\w|__pycache__)", path.as_posix())
    ]
