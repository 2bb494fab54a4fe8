"""A real browser. Without one the test is skipped, but where CI is set it fails: as with PostgreSQL."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, headless; of the operating system, driven by Playwright (the extra ``test-browser``)."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    playwright = find_spec("playwright")
    if program is None or playwright is None:
        missing = "a chromium on the path" if playwright else "Playwright: pip install -e '.[test-browser]'"
        if os.environ.get("CI"):
            pytest.fail(f"there is no browser: it takes {missing}")
        pytest.skip(f"there is no browser: it takes {missing}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()
