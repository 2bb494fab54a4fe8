"""A detector by its name: what it is called with, and what is said of one that does not work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from validate_updates import PluginError, SettingsError
from validate_updates.testing import Kind, anomalies, find_detector, history

WEEKLY = history("weekly", seed=1).updates
(ZERO,) = (one for one in anomalies(history("weekly", seed=1), kinds=[Kind.ZERO]))
FAULTY = ZERO.history.updates[: ZERO.begin + 1]

Module = Callable[[str], object]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Module]:
    """Make a module ``acme`` in the working folder."""
    monkeypatch.chdir(tmp_path)
    path = [*sys.path]
    yield (tmp_path / "acme.py").write_text
    assert sys.path == path
    sys.modules.pop("acme", None)


def test_a_plugin_is_asked_under_its_settings() -> None:
    usual, patient = find_detector("historical"), find_detector("historical", {"historical": {"min_days": 500}})
    assert usual(FAULTY[:-1], FAULTY[-1]) is True
    assert patient(FAULTY[:-1], FAULTY[-1]) is False
    assert usual(WEEKLY[: ZERO.begin], WEEKLY[ZERO.begin]) is False


def test_settings_of_the_plugin_are_judged() -> None:
    with pytest.raises(SettingsError, match="min_days"):
        find_detector("historical", {"historical": {"min_days": "many"}})


def test_a_plugin_without_a_detector_is_refused() -> None:
    with pytest.raises(PluginError, match="the plugin batch has no detector") as refused:
        find_detector("batch")
    assert "detector(settings) in validate_updates_batch.detector" in refused.value.hint


def test_a_plugin_that_is_not_installed_is_refused() -> None:
    with pytest.raises(PluginError, match="no plugin is called 'historic'"):
        find_detector("historic")


def test_a_function_of_a_module_here(module: Module) -> None:
    module("def detect(past, update):\n    return len(past) == 3 and update[1]['records'] > 0")
    detect = find_detector("acme:detect")
    assert [bool(detect(WEEKLY[:runs], WEEKLY[runs])) for runs in (2, 3, 4)] == [False, True, False]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("detect = 3", "the detector acme:detect is no function"),
        ("1 / 0", r"the detector acme:detect cannot be loaded: ZeroDivisionError"),
        ("other = 3", r"the detector acme:detect cannot be loaded: AttributeError"),
        ("raise SystemExit", r"the detector acme:detect cannot be loaded: SystemExit"),
    ],
)
def test_one_that_cannot_be_had(module: Module, code: str, said: str) -> None:
    module(code)
    with pytest.raises(PluginError, match=said):
        find_detector("acme:detect")


@pytest.mark.parametrize("code", ["raise ValueError('so\\x1b[1m')", "raise SystemExit(0)"])
def test_one_that_raises_is_named_with_the_run(module: Module, code: str) -> None:
    module(f"def detect(past, update):\n    {code}")
    detect = find_detector("acme:detect")
    with pytest.raises(PluginError) as refused:
        detect(WEEKLY[:1], WEEKLY[1])
    assert str(refused.value).startswith("the detector acme:detect failed at the run of 2024-01-02 06:0")
    assert "\x1b" not in str(refused.value)


def test_what_one_prints_does_not_get_out(module: Module, capsys: pytest.CaptureFixture[str]) -> None:
    module("print('loaded')\ndef detect(past, update):\n    print('here')\n    return True")
    assert find_detector("acme:detect")((), WEEKLY[0]) is True
    assert capsys.readouterr().out == ""
