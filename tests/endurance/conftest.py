"""Targets for the tests of bad luck."""

from __future__ import annotations

import pytest

from tests.endurance.scene import Scene


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Some 8 batches."""
    return Scene.of(tmp_path_factory.mktemp("tiny"), records=400)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Some 40 batches."""
    return Scene.of(tmp_path_factory.mktemp("small"), records=2_000)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Some 400 batches."""
    return Scene.of(tmp_path_factory.mktemp("large"), records=20_000)
