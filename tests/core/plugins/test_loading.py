"""What is wrong with a plugin is said once, with its name, its distribution and what to do."""

from __future__ import annotations

import logging

import pytest

from tests.core.plugins.sample import module
from validate_updates import hookimpl
from validate_updates.errors import Interrupted, PluginError, SettingsError
from validate_updates.manager import Plugins, load

HEAD = """
from validate_updates import (
    Finding, Metric, Moment, PluginSettings, ReportSection, Section, Severity, Subcommand, UpdateStrategy, Validator,
    hookimpl,
)
def validator(**changes):
    return Validator(**{"name": "v", "moment": Moment.PLAN, "check": list, "summary": "a check", **changes})
"""


def loaded(code: str, **others: str) -> Plugins:
    return load([], {}, extra={name: module(HEAD + text) for name, text in {"acme": code, **others}.items()})


def refused(code: str, **others: str) -> str:
    with pytest.raises(PluginError) as caught:
        loaded(code, **others)
    assert caught.value.hint
    assert caught.value.message.isprintable()
    return caught.value.message


@pytest.mark.usefixtures("sample")
def test_a_plugin_that_cannot_be_imported() -> None:
    with pytest.raises(PluginError) as caught:
        load(["broken"], {})

    assert caught.value.message == (
        "plugin 'broken' (vu-sample 1.2.3): loading vu_sample_broken failed: "
        "ModuleNotFoundError: No module named 'a_library_that_nobody_installed'"
    )
    assert caught.value.hint == "repair the plugin, or leave 'broken' out"
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.usefixtures("sample")
def test_a_hook_that_does_not_exist() -> None:
    with pytest.raises(PluginError) as caught:
        load(["misspelt"], {})

    assert caught.value.message == (
        "plugin 'misspelt' (vu-sample 1.2.3): there is no hook vu_validator, did you mean \"vu_validators\"?"
    )
    assert "vu_strategy" in caught.value.hint


def test_a_hook_without_its_mark() -> None:
    assert refused("def vu_validators(settings): return []") == (
        "plugin 'acme': vu_validators is not marked with @hookimpl"
    )


def test_a_plugin_without_hooks() -> None:
    assert refused("answer = 42") == "plugin 'acme': it implements no hook"


def test_a_wrapper() -> None:
    code = "@hookimpl(wrapper=True)\ndef vu_validators(settings):\n    return (yield)"

    assert "vu_validators is a wrapper" in refused(code)


def test_an_argument_that_the_hook_does_not_have() -> None:
    message = refused("@hookimpl\ndef vu_validators(context): return []")

    assert message.startswith("plugin 'acme': hookimpl definition: vu_validators(context)")
    assert "'context'" in message


def test_fewer_arguments_are_enough_and_a_default_does_not_hide_the_settings() -> None:
    code = """
class Limits(PluginSettings):
    name: str = "v"

@hookimpl
def vu_settings(): return Limits

@hookimpl
def vu_validators(settings=None): return [validator(name=settings[Limits].name)]

@hookimpl
def vu_metrics(): return []
"""
    plugins = load([], {"acme": {"name": "other"}}, extra={"acme": module(HEAD + code)})

    assert [owned.item.name for owned in plugins.validators] == ["other"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise KeyError('x')", "vu_validators failed: KeyError: 'x'"),
        ("yield validator(); 1 / 0", "vu_validators failed: ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "vu_validators failed: SystemExit: 0"),
        ("pass", "vu_validators returned None; it returns any number of Validator, [] for none"),
        ("return validator()", "vu_validators returned a value of type Validator; it returns any number of Validator"),
        ("return 'abc'", "vu_validators gave a value of type str where a Validator belongs"),
        ("return [Finding(code='c', severity=Severity.INFO, message='m')]", "gave a value of type Finding where a Val"),
        ("return [validator(name='')]", "gave a Validator called '' where a name is letters, digits and _ . -"),
        ("return [validator(name='two words')]", "called 'two words' where a name is"),
        ("return [validator(name=7)]", "called 7 where a name is"),
        ("return [validator(name='\\x1b[31m')]", "where a name is"),
        (
            "return [validator(moment='later')]",
            "not one of Moment.RECORDS, Moment.PLAN, Moment.BATCH, Moment.RESULT",
        ),
        ("return [validator(check='no')]", "whose check is not a function"),
        ("return [validator(summary=None)]", "without a line of text to show"),
        ("return [validator(time_limit=0)]", "whose time_limit is not a number of seconds above 0"),
        ("return [validator(time_limit=float('nan'))]", "whose time_limit is not a number of seconds above 0"),
        ("return [validator(time_limit='9')]", "whose time_limit is not a number of seconds above 0"),
        ("return [validator(), validator(moment=Moment.RESULT)]", "vu_validators gives two of the name 'v'"),
    ],
)
def test_a_hook_that_breaks_its_promise(body: str, said: str) -> None:
    message = refused(f"@hookimpl\ndef vu_validators(settings):\n    {body}")

    assert message.startswith("plugin 'acme': ")
    assert said in message


@pytest.mark.parametrize(
    ("hook", "body", "said"),
    [
        ("vu_metrics", "[Metric(name='m', summary='s', measure=None)]", "whose measure is not a function"),
        (
            "vu_metrics",
            "[Metric(name='m', summary='s', measure=max, moment=Moment.BATCH)]",
            "whose moment is not one of Moment.PLAN, Moment.RESULT",
        ),
        ("vu_sections", "[ReportSection(name='s', title=3, build=max)]", "without a line of text to show"),
        ("vu_sections", "[Section(title='s')]", "gave a value of type Section where a ReportSection belongs"),
        ("vu_strategy", "[]", "vu_strategy gave a value of type list where a UpdateStrategy belongs"),
        ("vu_strategy", "UpdateStrategy(name='s', summary='s', apply=3)", "whose apply is not a function"),
        (
            "vu_strategy",
            "UpdateStrategy(name='s', summary='s', apply=print, at_once='ten')",
            "whose at_once is not a whole number above 0",
        ),
    ],
)
def test_other_hooks_keep_their_promises_too(hook: str, body: str, said: str) -> None:
    assert said in refused(f"@hookimpl\ndef {hook}(settings): return {body}")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return None", "vu_settings returned None, not a subclass of PluginSettings"),
        ("return int", "vu_settings returned a value of type type, not a subclass of PluginSettings"),
        ("return PluginSettings()", "returned a value of type PluginSettings, not a subclass of PluginSettings"),
        (
            "class L(PluginSettings): most: int\n    return L",
            "vu_settings failed: TypeError: Missing required argument",
        ),
    ],
)
def test_settings_that_are_no_class_of_defaults(body: str, said: str) -> None:
    assert said in refused(f"@hookimpl\ndef vu_settings():\n    {body}")


def test_settings_implemented_twice() -> None:
    code = """
@hookimpl
def vu_settings(): return PluginSettings
@hookimpl(specname="vu_settings")
def once_more(): return PluginSettings
"""
    assert refused(code) == "plugin 'acme': vu_settings is implemented twice"


def test_two_plugins_with_one_class_of_settings() -> None:
    class Shared:
        @hookimpl
        def vu_settings(self) -> object:
            return module("from validate_updates import PluginSettings").PluginSettings

    with pytest.raises(PluginError, match="plugin 'a' and plugin 'b' have the same class of settings, PluginSettings"):
        load([], {}, extra={"a": Shared(), "b": Shared()})


STRATEGY = "@hookimpl\ndef vu_strategy(settings): return UpdateStrategy(name='fast', summary='s', apply=print)"


def test_one_strategy_is_taken() -> None:
    strategy = loaded(STRATEGY, other="@hookimpl\ndef vu_strategy(settings): return None").strategy

    assert strategy is not None
    assert (strategy.plugin, strategy.item.name) == ("acme", "fast")


def test_two_strategies_are_one_too_many() -> None:
    assert refused(STRATEGY, other=STRATEGY) == (
        "an update is applied by one strategy, not by fast of plugin 'acme' and fast of plugin 'other'"
    )


METRIC = "@hookimpl\ndef vu_metrics(settings): return [Metric(name='share', summary='s', measure=max)]"


def test_a_metric_has_one_owner() -> None:
    assert refused(METRIC, other=METRIC) == "plugins 'acme' and 'other' both declare the metric 'share'"


def test_validators_of_two_plugins_may_have_one_name() -> None:
    code = "@hookimpl\ndef vu_validators(settings): return [validator()]"

    assert [(owned.plugin, owned.item.name) for owned in loaded(code, other=code).validators] == [
        ("acme", "v"),
        ("other", "v"),
    ]


COMMANDS = "@hookimpl\ndef vu_subcommands(settings): {}"


def test_subcommands_are_asked_for_late() -> None:
    plugins = loaded(COMMANDS.format("raise KeyError('late')"))

    with pytest.raises(PluginError, match="plugin 'acme': vu_subcommands failed: KeyError: 'late'"):
        plugins.subcommands()


def test_subcommands_have_an_owner() -> None:
    plugins = loaded(COMMANDS.format("return [Subcommand(name='hello', summary='s', function=print)]"))

    assert [(owned.plugin, owned.item.name) for owned in plugins.subcommands()] == [("acme", "hello")]


def test_what_a_plugin_prints_while_it_loads_goes_to_the_log(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "validate_updates.plugin")

    loaded("@hookimpl\ndef vu_validators(settings):\n    print('chatter')\n    yield validator()")

    assert capfd.readouterr() == ("", "")
    assert "plugin 'acme' wrote to stdout: chatter" in caplog.text


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Interrupted(15)])
def test_a_signal_is_no_fault_of_the_plugin(stop: BaseException) -> None:
    class Slow:
        @hookimpl
        def vu_validators(self) -> object:
            raise stop

    with pytest.raises(type(stop)):
        load([], {}, extra={"slow": Slow()})


def test_an_exception_that_cannot_be_shown_is_named() -> None:
    code = """
class Shy(Exception):
    def __str__(self): raise RuntimeError
@hookimpl
def vu_validators(settings): raise Shy
"""
    assert refused(code) == "plugin 'acme': vu_validators failed: Shy"


def test_a_plugin_says_itself_what_is_wrong_with_its_settings() -> None:
    code = """
from validate_updates import UsageError
@hookimpl
def vu_validators(settings):
    raise UsageError("the file \\x1b[31m cannot be read", hint="make it readable")
"""
    with pytest.raises(SettingsError) as caught:
        load([], {}, extra={"acme": module(HEAD + code)})

    assert caught.value.message == "plugin 'acme': the file \\x1b[31m cannot be read"
    assert caught.value.hint == "make it readable"
