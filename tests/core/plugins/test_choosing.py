"""Which plugins there are, and which of them are loaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.plugins.sample import install, module
from validate_updates.errors import PluginError
from validate_updates.manager import Found, available, describe, load

PLUGIN = """
from validate_updates import Moment, Validator, hookimpl

@hookimpl
def vu_validators(settings):
    for name in ("z", "a"):
        yield Validator(name=name, moment=Moment.PLAN, check=lambda context: [], summary="nothing")
"""


def of_sample() -> list[Found]:
    return [found for found in available() if found.distribution == "vu-sample"]


@pytest.mark.usefixtures("sample")
def test_installed_plugins_are_listed_by_name_without_importing_any() -> None:
    assert of_sample() == [
        Found(name="broken", distribution="vu-sample", version="1.2.3", module="vu_sample_broken"),
        Found(name="good", distribution="vu-sample", version="1.2.3", module="vu_sample_good"),
        Found(name="misspelt", distribution="vu-sample", version="1.2.3", module="vu_sample_misspelt"),
    ]
    assert [name for name in sys.modules if name.startswith("vu_sample")] == []


def test_the_plugins_of_this_project_are_found_and_sound() -> None:
    ours = [found.name for found in available() if found.distribution == "validate-updates"]

    assert "static_thresholds" in ours
    assert [describe(name).info.name for name in ours] == ours


@pytest.mark.usefixtures("sample")
def test_only_the_selected_plugin_is_imported() -> None:
    plugins = load(["good"], {})

    assert [(info.name, info.distribution, info.version) for info in plugins.infos] == [("good", "vu-sample", "1.2.3")]
    assert [name for name in sorted(sys.modules) if name.startswith("vu_sample")] == ["vu_sample_good"]


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("names", [[], ["good"]])
def test_settings_of_an_installed_plugin_that_is_not_selected_do_not_load_it(names: list[str]) -> None:
    load(names, {"broken": {"anything": 1}})

    assert "vu_sample_broken" not in sys.modules


def test_nothing_selected_is_nothing_loaded() -> None:
    plugins = load([], {})

    assert (plugins.infos, plugins.validators, plugins.strategy, plugins.subcommands()) == ((), (), None, ())


@pytest.mark.usefixtures("sample")
def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(PluginError, match=r"no plugin is called 'goood', did you mean \"good\"\?") as caught:
        load(["goood"], {})

    listed = caught.value.hint.removeprefix("plugins that exist: ").split(", ")
    assert {"broken", "good", "misspelt", "static_thresholds"} <= set(listed)


def test_a_name_with_escape_codes_cannot_write_to_the_terminal() -> None:
    with pytest.raises(PluginError) as caught:
        load(["\x1b[31m\nred"], {})

    assert caught.value.message.isprintable()


@pytest.mark.usefixtures("sample")
def test_a_name_selected_twice_is_refused() -> None:
    with pytest.raises(PluginError, match="plugin 'good' is selected twice"):
        load(["good", "static_thresholds", "good"], {})


def test_two_distributions_with_one_name_are_listed_both_and_refused_when_selected(sample: Path) -> None:
    install(sample, "vu-rival", "0.9", {"good": "vu_sample_good"})

    assert [found.distribution for found in available() if found.name == "good"] == ["vu-rival", "vu-sample"]
    assert load(["misspelled_no_more"], {}, extra={"misspelled_no_more": module(PLUGIN)}).infos
    with pytest.raises(PluginError, match=r"two plugins are called 'good': of vu-rival 0\.9 .* and vu-sample 1\.2\.3"):
        load(["good"], {})


@pytest.mark.usefixtures("sample")
def test_an_object_is_selected_by_being_given_and_goes_before_an_installed_plugin() -> None:
    given_object = module(PLUGIN)

    assert [info.distribution for info in load([], {}, extra={"good": given_object}).infos] == [""]
    assert [info.distribution for info in load(["good"], {}, extra={"good": given_object}).infos] == [""]
    assert "vu_sample_good" not in sys.modules


NAMES = ("alpha", "beta", "gamma", "delta")


@given(st.permutations(NAMES), st.permutations(NAMES), st.integers(0, 4))
def test_the_order_of_selection_decides_nothing(names: Sequence[str], given_as: Sequence[str], named: int) -> None:
    plugins = load(names[:named], {}, extra={name: module(PLUGIN) for name in given_as})

    assert [info.name for info in plugins.infos] == sorted(NAMES)
    assert [(owned.plugin, owned.item.name) for owned in plugins.validators] == [
        (plugin, validator) for plugin in sorted(NAMES) for validator in ("a", "z")
    ]
