"""The examples in the contract and in its documentation are plugins that work."""

from __future__ import annotations

import inspect
import os
import re
import sqlite3
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.core.plugins.sample import install, module
from validate_updates import hookspecs
from validate_updates.engine import execute
from validate_updates.job import Job
from validate_updates.manager import HOOKS, describe, load
from validate_updates.secret import SecretUrl

PAGE = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text()
FIELD = {hook: hook.removeprefix("vu_") for hook in HOOKS}
"""The field of a description that holds what a hook declares."""


def example(hook: str) -> str:
    """The code in the docstring of a hook."""
    _, _, code = (inspect.getdoc(getattr(hookspecs, hook)) or "").partition(".. code-block:: python\n")
    return textwrap.dedent(code)


def chapter(hook: str) -> str:
    """The part of the page that is about a hook."""
    _, _, rest = PAGE.partition(f"\n### `{signature(hook)}`\n")
    return re.split(r"\n##", rest, maxsplit=1)[0]


def signature(hook: str) -> str:
    return f"{hook}({', '.join(inspect.signature(getattr(hookspecs, hook)).parameters)})"


def code_of(text: str) -> str:
    """The first block of Python in a piece of the page."""
    _, _, rest = text.partition("```python\n")
    return rest.partition("```")[0]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("source", [example, lambda hook: code_of(chapter(hook))], ids=["docstring", "page"])
def test_the_example_of_a_hook_declares_something(hook: str, source: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(source)
    plugin = module(source(hook), name="example")
    monkeypatch.setitem(sys.modules, "example", plugin)  # where classes look for their annotations

    declared = getattr(describe("example", extra={"example": plugin}), FIELD[hook])

    assert declared
    assert load([], {}, extra={"example": plugin}).infos[0].name == "example"


def test_the_page_has_a_chapter_for_each_hook_and_no_other() -> None:
    assert re.findall(r"^### `(vu_.*)`$", PAGE, re.MULTILINE) == [signature(hook) for hook in HOOKS]


def test_the_first_plugin_of_the_page_speaks_up_in_a_run(tmp_path: Path) -> None:
    _, _, first = PAGE.partition("\n## Your first plugin\n")
    with sqlite3.connect(tmp_path / "target.db") as connection:
        connection.execute("create table hearings (id integer primary key, title text)")
    connection.close()
    job = Job(
        source=[{"id": 1, "title": None}], target=SecretUrl(f"sqlite:///{tmp_path / 'target.db'}"), table="hearings"
    )

    result = execute(job, extra={"acme": module(code_of(first))})

    assert [(found.plugin, found.validator, found.code) for found in result.findings] == [
        ("acme", "titles", "title_missing")
    ]


def test_the_page_shows_how_records_are_kept_out(database_url: str) -> None:
    _, _, kept_out = PAGE.partition("**Keeping records out.**")
    engine = sa.create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text("create table hearings (id integer primary key, code text)"))
    engine.dispose()
    records = [{"id": 1, "code": "AB1"}, {"id": 2, "code": "ab1"}, {"id": 3, "code": None}]
    job = Job(source=records, target=SecretUrl(database_url), table="hearings")

    result = execute(job, extra={"acme": module(code_of(kept_out))})

    assert (result.exit_code, result.counts.inserted) == (5, 2)
    assert [(one.key, one.code, one.message, one.constraint) for one in result.kept_out] == [
        ("id=2", "bad_code", "'ab1' is no code", "codes")
    ]


def test_the_page_shows_how_a_run_is_taken_back(tmp_path: Path) -> None:
    _, _, taking_back = PAGE.partition("**Taking a run back.**")
    with sqlite3.connect(tmp_path / "target.db") as connection:
        connection.execute("create table hearings (id integer primary key)")
    connection.close()
    job = Job(
        source=[{"id": number} for number in range(1001)],
        target=SecretUrl(f"sqlite:///{tmp_path / 'target.db'}"),
        table="hearings",
    )

    result = execute(job, extra={"acme": module(code_of(taking_back))})

    assert (result.verdict, result.exit_code) == ("rolled back", 1)
    assert [one.code for one in result.findings] == ["flood", "run_taken_back"]


def test_the_test_of_the_page_passes(site: Path) -> None:
    _, _, first = PAGE.partition("\n## Your first plugin\n")
    _, _, testing = PAGE.partition("\n## Test your plugin\n")
    project = tomllib.loads(first.partition("```toml\n")[2].partition("```")[0])["project"]
    (site / "acme_checks.py").write_text(code_of(first))
    install(site, project["name"], project["version"], project["entry-points"]["validate_updates"])
    (site / "test_acme.py").write_text(code_of(testing))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py"],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.startswith(".. "), done.stdout + done.stderr
