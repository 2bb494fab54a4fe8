"""Finds, loads and asks plugins. The only module that talks to pluggy.

Every plugin gets a manager of its own: whose answer it is, is then never in question, and no plugin sees another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import Distribution, EntryPoint, entry_points
from itertools import pairwise
from typing import Any, Final, Generic, TypeVar

import pluggy

from validate_updates import hookspecs
from validate_updates.capture import quiet
from validate_updates.declarations import (
    Metric,
    Observer,
    PluginSettings,
    RecordSource,
    ReportSection,
    SettingsOf,
    Subcommand,
    UpdateStrategy,
    Validator,
)
from validate_updates.declared import Broken, D, kind_of, sound
from validate_updates.errors import Interrupted, PluginError
from validate_updates.guard import in_one_line
from validate_updates.lending import Lent
from validate_updates.markers import PROJECT
from validate_updates.plugin_settings import NoSettings, Setting, check_tables, describe_settings, settle
from validate_updates.result import PluginInfo
from validate_updates.settings.schema import did_you_mean
from validate_updates.text import printable

T = TypeVar("T")

PREFIX: Final = "vu_"
"""Every hook's name starts with it, and nothing else in a plugin's module may."""
HOOKS: Final = tuple(name for name in vars(hookspecs) if name.startswith(PREFIX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A plugin that is installed. It has not been imported."""

    name: str
    distribution: str
    version: str
    module: str
    """What is imported when it is selected: ``package.module``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned(Generic[T]):
    """A declaration, and whose it is."""

    plugin: str
    item: T
    distribution: str = ""
    """Name and version of what brought it; empty for an object given in Python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """The selected plugins, loaded, and what they declare: sorted by the plugin's name, then by the declaration's."""

    infos: tuple[PluginInfo, ...]
    settings: SettingsOf
    sources: tuple[Owned[RecordSource], ...]
    validators: tuple[Owned[Validator], ...]
    strategy: Owned[UpdateStrategy] | None
    metrics: tuple[Owned[Metric], ...]
    sections: tuple[Owned[ReportSection], ...]
    observers: tuple[Owned[Observer], ...]
    settled: tuple[Owned[PluginSettings], ...]
    """The same settings, each under its plugin."""
    _loaded: tuple[_Plugin, ...] = field(repr=False)

    def source(self, plugin: str, name: str) -> Owned[RecordSource]:
        """The source that a task names as ``plugin:name``. Raises ``PluginError`` where there is none."""
        wanted = f"{plugin}:{name}"
        if plugin not in self.settings.selected:
            raise PluginError(
                f"the source {wanted} is of a plugin that does not take part",
                hint=f"add {_quoted(plugin)} to the task's plugins; a file of that name is ./{wanted}",
            )
        of_plugin = {owned.item.name: owned for owned in self.sources if owned.plugin == plugin}
        if name not in of_plugin:
            raise PluginError(
                f"plugin {_quoted(plugin)} has no source {_quoted(name)}{did_you_mean(name, list(of_plugin))}",
                hint=f"its sources: {', '.join(of_plugin) or 'none'}",
            )
        return of_plugin[name]

    def subcommands(self) -> tuple[Owned[Subcommand], ...]:
        """Their commands; asked for here, not before. Raises ``PluginError``."""
        return _declared(self._loaded, "vu_subcommands", Subcommand, self.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All there is to say about one plugin without running it."""

    info: PluginInfo
    settings: tuple[Setting, ...]
    sources: tuple[RecordSource, ...]
    validators: tuple[Validator, ...]
    strategy: UpdateStrategy | None
    metrics: tuple[Metric, ...]
    sections: tuple[ReportSection, ...]
    observers: tuple[Observer, ...]
    subcommands: tuple[Subcommand, ...]


def available() -> tuple[Found, ...]:
    """The installed plugins, sorted by name. None is imported. Two of one name are both listed."""
    points = tuple(entry_points(group=PROJECT))
    brought_by = {id(point.dist): point.dist for point in points}
    names = {key: _name_and_version(one) for key, one in brought_by.items()}  # each reads a file and parses it
    found = [_found(point, *names[id(point.dist)]) for point in points]
    return tuple(sorted(found, key=lambda one: (one.name, one.distribution, one.module)))


def load(
    names: Sequence[str],
    tables: Mapping[str, Mapping[str, Any]],
    *,
    origins: Mapping[str, str] = {},
    extra: Mapping[str, object] = {},
) -> Plugins:
    """Load the plugins called ``names``, settle their settings, and collect what they declare.

    ``tables`` holds the raw settings by plugin; ``origins`` says where each came from, by dotted path of keys
    (``plugins.batch.size``). ``extra`` holds plugins given as objects, by name; giving one selects it, and it goes
    before an installed one of its name. A plugin that is not selected is not imported. Raises ``PluginError`` and
    ``SettingsError``.
    """
    installed = available() if {*names, *tables} - {*extra} else ()
    selected = _select(names, installed, extra)
    check_tables(tables, {*extra, *(found.name for found in installed)}, origins)
    loaded = tuple(_load(one, extra) for one in selected)
    settled = _settings(loaded, tables, origins)
    lend = partial(_lend, tables=tables, origins=origins, extra=extra)
    settings = SettingsOf((owned.item for owned in settled), selected=(one.name for one in selected), lend=lend)
    return Plugins(
        infos=tuple(plugin.info for plugin in loaded),
        settings=settings,
        settled=settled,
        sources=_declared(loaded, "vu_sources", RecordSource, settings),
        validators=_declared(loaded, "vu_validators", Validator, settings),
        strategy=_strategy(loaded, settings),
        metrics=_metrics(loaded, settings),
        sections=_declared(loaded, "vu_sections", ReportSection, settings),
        observers=_declared(loaded, "vu_observers", Observer, settings),
        _loaded=loaded,
    )


def describe(
    name: str,
    tables: Mapping[str, Mapping[str, Any]] = {},
    *,
    origins: Mapping[str, str] = {},
    extra: Mapping[str, object] = {},
) -> Description:
    """Load one plugin, and say what it declares under the settings given. Raises what :func:`load` raises."""
    given = {name: extra[name]} if name in extra else {}
    table = {name: tables[name]} if name in tables else {}
    plugins = load((name,), table, origins=origins, extra=given)
    return Description(
        info=plugins.infos[0],
        settings=describe_settings(type(plugins.settled[0].item)),
        sources=tuple(owned.item for owned in plugins.sources),
        validators=tuple(owned.item for owned in plugins.validators),
        strategy=plugins.strategy.item if plugins.strategy else None,
        metrics=tuple(owned.item for owned in plugins.metrics),
        sections=tuple(owned.item for owned in plugins.sections),
        observers=tuple(owned.item for owned in plugins.observers),
        subcommands=tuple(owned.item for owned in plugins.subcommands()),
    )


def _lend(
    name: str,
    *,
    tables: Mapping[str, Mapping[str, Any]],
    origins: Mapping[str, str],
    extra: Mapping[str, object],
) -> Lent:
    """The checks of one plugin under its settings, selected or not."""
    given = {name: extra[name]} if name in extra else {}
    plugins = load((name,), {name: tables[name]} if name in tables else {}, origins=origins, extra=given)
    return Lent(
        plugin=name,
        validators=tuple(owned.item for owned in plugins.validators),
        metrics=tuple(owned.item for owned in plugins.metrics),
    )


# Choosing.


def _name_and_version(distribution: Distribution | None) -> tuple[str, str]:
    if distribution is None:
        return "", ""
    metadata = distribution.metadata
    return str(metadata["Name"]), str(metadata["Version"])


def _found(entry_point: EntryPoint, distribution: str, version: str) -> Found:
    return Found(name=entry_point.name, distribution=distribution, version=version, module=entry_point.value)


def _select(names: Sequence[str], installed: Sequence[Found], extra: Mapping[str, object]) -> list[Found]:
    """The plugins to load, sorted by name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PluginError(f"plugin {_quoted(twice[0])} is selected twice", hint="name each plugin once")
    given = [Found(name=name, distribution="", version="", module="") for name in extra]
    chosen = [_choose(name, installed, extra) for name in names if name not in extra]
    return sorted([*given, *chosen], key=lambda one: one.name)


def _choose(name: str, installed: Sequence[Found], extra: Mapping[str, object]) -> Found:
    matching = [found for found in installed if found.name == name]
    if len(matching) > 1:
        owners = " and ".join(f"{found.distribution} {found.version} ({found.module})" for found in matching)
        raise PluginError(f"two plugins are called {_quoted(name)}: of {owners}", hint="uninstall one of them")
    if not matching:
        exist = sorted({*extra, *(found.name for found in installed)})
        raise PluginError(
            f"no plugin is called {_quoted(name)}{did_you_mean(name, exist)}",
            hint=f"plugins that exist: {', '.join(exist) or 'none'}",
        )
    return matching[0]


# Loading.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plugin:
    """A loaded plugin, in a pluggy manager of its own."""

    info: PluginInfo
    manager: pluggy.PluginManager

    @property
    def distribution(self) -> str:
        return f"{self.info.distribution} {self.info.version}".strip()

    def __str__(self) -> str:
        brought_by = f" ({self.distribution})" if self.distribution else ""
        return f"plugin {_quoted(self.info.name)}{brought_by}"

    def implementations(self, hook: str) -> list[pluggy.HookImpl]:
        implementations: list[pluggy.HookImpl] = getattr(self.manager.hook, hook).get_hookimpls()
        return implementations


def _load(found: Found, extra: Mapping[str, object]) -> _Plugin:
    info = PluginInfo(name=found.name, distribution=found.distribution, version=found.version)
    plugin = _Plugin(info=info, manager=pluggy.PluginManager(PROJECT))
    code = extra[found.name] if found.name in extra else _import(plugin, found)
    plugin.manager.add_hookspecs(hookspecs)
    try:
        plugin.manager.register(code, name=found.name)
    except pluggy.PluginValidationError as error:
        _, _, what = str(error).partition("\n")
        raise PluginError(
            f"{plugin}: {printable(' '.join(what.split()), 300)}",
            hint="an implementation may take fewer arguments than its hook, never others",
        ) from error
    _check_hooks(plugin, code)
    return plugin


def _import(plugin: _Plugin, found: Found) -> object:
    with _blaming(plugin, f"loading {found.module}"):
        return EntryPoint(name=found.name, value=found.module, group=PROJECT).load()


def _check_hooks(plugin: _Plugin, code: object) -> None:
    """Refuse what pluggy passes over in silence: hooks that are misspelt, unmarked, wrappers, or missing."""
    callers = plugin.manager.get_hookcallers(code) or []
    for caller in callers:
        if not caller.has_spec():
            raise _refusal(plugin, f"there is no hook {caller.name}{did_you_mean(caller.name, list(HOOKS))}")
        if any(implementation.wrapper or implementation.hookwrapper for implementation in caller.get_hookimpls()):
            raise _refusal(plugin, f"{caller.name} is a wrapper, and a plugin answers for itself alone")
    for name in dir(code):
        if name.startswith(PREFIX) and plugin.manager.parse_hookimpl_opts(code, name) is None:
            raise _refusal(plugin, f"{name} is not marked with @hookimpl")
    if not callers:
        raise _refusal(plugin, "it implements no hook")


def _refusal(plugin: _Plugin, what: str) -> PluginError:
    return PluginError(f"{plugin}: {what}", hint=f"hooks: {', '.join(HOOKS)}")


# Asking.


@contextmanager
def _blaming(plugin: _Plugin, what: str) -> Iterator[None]:
    """Whatever plugin code raises in the block becomes an error that names it; what it prints goes to the log."""
    hint = f"repair the plugin, or leave {_quoted(plugin.info.name)} out"
    try:
        with quiet(str(plugin)):
            yield
    except (Interrupted, KeyboardInterrupt):
        raise
    except Broken as broken:
        raise PluginError(f"{plugin}: {what} {printable(str(broken), 200)}", hint=hint) from None
    except BaseException as cause:
        raise PluginError(f"{plugin}: {what} failed: {in_one_line(cause)}", hint=hint) from cause


def _ask(plugin: _Plugin, hook: str, settings: SettingsOf, read: Callable[[Any], list[T]]) -> list[T]:
    """What the implementations of ``hook`` in one plugin return, in the form that ``read`` gives it.

    They are called here, since pluggy drops None: a forgotten ``return`` would pass for a plugin without checks. They
    are read here, since reading a generator runs plugin code.
    """
    answers: list[T] = []
    for implementation in plugin.implementations(hook):
        arguments = {*implementation.argnames, *implementation.kwargnames} & {"settings"}
        with _blaming(plugin, hook):
            answers += read(implementation.function(**dict.fromkeys(arguments, settings)))
    return answers


def _settings(
    loaded: Sequence[_Plugin], tables: Mapping[str, Mapping[str, Any]], origins: Mapping[str, str]
) -> tuple[Owned[PluginSettings], ...]:
    """The settings object of each plugin. They are looked up by class, so no two may share one."""
    kinds = [_settings_class(plugin) for plugin in loaded]
    for place, kind in enumerate(kinds):
        if kind is not NoSettings and kind in kinds[:place]:
            raise PluginError(
                f"{loaded[kinds.index(kind)]} and {loaded[place]} have the same class of settings, {kind.__name__}",
                hint="each plugin needs a class of its own; a subclass will do",
            )
    return tuple(
        _owned(plugin, settle(kind, plugin.info.name, tables.get(plugin.info.name, {}), origins))
        for plugin, kind in zip(loaded, kinds, strict=True)
    )


def _settings_class(plugin: _Plugin) -> type[PluginSettings]:
    def read(kind: Any) -> list[type[PluginSettings]]:
        if not (isinstance(kind, type) and issubclass(kind, PluginSettings)):
            raise Broken(f"returned {kind_of(kind)}, not a subclass of PluginSettings")
        describe_settings(kind)  # raises where a field has no default, or a type that cannot be read
        return [kind]

    kinds = _ask(plugin, "vu_settings", SettingsOf(), read)
    if len(kinds) > 1:
        raise PluginError(f"{plugin}: vu_settings is implemented twice", hint="a plugin has one class of settings")
    return kinds[0] if kinds else NoSettings


def _strategy(loaded: Iterable[_Plugin], settings: SettingsOf) -> Owned[UpdateStrategy] | None:
    def read(answer: Any) -> list[UpdateStrategy]:
        return [] if answer is None else [sound(answer, UpdateStrategy)]

    asked = [(plugin, item) for plugin in loaded for item in _ask(plugin, "vu_strategy", settings, read)]
    if len(asked) > 1:
        named = " and ".join(f"{item.name} of {plugin}" for plugin, item in asked)
        raise PluginError(f"an update is applied by one strategy, not by {named}", hint="select one of these plugins")
    return next((_owned(plugin, item) for plugin, item in asked), None)


def _metrics(loaded: Iterable[_Plugin], settings: SettingsOf) -> tuple[Owned[Metric], ...]:
    """The metrics of all plugins. The journal knows them by name alone, so no two may share one."""
    metrics = _declared(loaded, "vu_metrics", Metric, settings)
    owners: dict[str, str] = {}
    for owned in metrics:
        name = owned.item.name
        if name in owners:
            raise PluginError(
                f"plugins {_quoted(owners[name])} and {_quoted(owned.plugin)} both declare the metric {_quoted(name)}",
                hint="select one of them; a metric's name is best begun with its plugin's",
            )
        owners[name] = owned.plugin
    return metrics


def _declared(loaded: Iterable[_Plugin], hook: str, kind: type[D], settings: SettingsOf) -> tuple[Owned[D], ...]:
    return tuple(_owned(plugin, item) for plugin in loaded for item in _declarations(plugin, hook, kind, settings))


def _declarations(plugin: _Plugin, hook: str, kind: type[D], settings: SettingsOf) -> list[D]:
    def read(answer: Any) -> list[D]:
        if not isinstance(answer, Iterable):
            raise Broken(f"returned {kind_of(answer)}; it returns any number of {kind.__name__}, [] for none")
        return [sound(item, kind) for item in answer]

    items = sorted(_ask(plugin, hook, settings, read), key=lambda item: item.name)
    for one, other in pairwise(items):
        if one.name == other.name:
            raise PluginError(f"{plugin}: {hook} gives two of the name {_quoted(one.name)}", hint="names are unique")
    return items


def _owned(plugin: _Plugin, item: T) -> Owned[T]:
    return Owned(plugin=plugin.info.name, item=item, distribution=plugin.distribution)


def _quoted(name: str) -> str:
    return f"'{printable(name, 60)}'"
