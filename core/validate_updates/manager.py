"""Finds, loads and asks plugins. The only module that talks to pluggy.

Every plugin gets a manager of its own: whose answer it is, is then never in question, and no plugin sees another's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from importlib.metadata import Distribution, EntryPoint, entry_points
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import pluggy

from validate_updates import hookspecs
from validate_updates.capture import quiet
from validate_updates.declarations import (
    Backtest,
    Criteria,
    Metric,
    Observer,
    PluginSettings,
    RecordSource,
    Report,
    ReportSection,
    SettingsOf,
    Subcommand,
    UpdateStrategy,
    Validator,
)
from validate_updates.declared import Broken, D, kind_of, sound
from validate_updates.errors import Interrupted, PluginError, SettingsError, UsageError
from validate_updates.guard import in_one_line
from validate_updates.lending import Lent
from validate_updates.markers import PROJECT
from validate_updates.modes import Mode, Selected, selected
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
    mode: Mode = Mode.ENFORCE

    @property
    def shadow(self) -> bool:
        """Whether it decides nothing."""
        return self.mode is Mode.SHADOW

    @property
    def brought_by(self) -> str:
        """Whose it is, to follow its name in a message: `` of hearings 1.2``; nothing of an object given in Python."""
        return f" of {self.distribution}" if self.distribution else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """The selected plugins, loaded, and what they declare: sorted by the plugin's name, then by the declaration's."""

    infos: tuple[PluginInfo, ...]
    settings: SettingsOf
    """As those see them that are not in shadow; one that is sees its own besides."""
    sources: tuple[Owned[RecordSource], ...]
    validators: tuple[Owned[Validator], ...]
    strategy: Owned[UpdateStrategy] | None
    shadow_strategies: tuple[Owned[UpdateStrategy], ...]
    """Those that are not used."""
    metrics: tuple[Owned[Metric], ...]
    sections: tuple[Owned[ReportSection], ...]
    observers: tuple[Owned[Observer], ...]
    settled: tuple[Owned[PluginSettings], ...]
    """The settings of each."""
    faults: tuple[Owned[PluginError], ...]
    """What is wrong with plugins in shadow, which are left out for it."""
    _loaded: tuple[_Plugin, ...] = field(repr=False)

    def source(self, plugin: str, name: str) -> Owned[RecordSource]:
        """The source that a task names as ``plugin:name``. Raises ``PluginError`` where there is none."""
        wanted = f"{plugin}:{name}"
        if plugin not in {info.name for info in self.infos}:
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
        return _declared(self._loaded, "vu_subcommands", Subcommand)

    def backtests(self) -> tuple[Owned[Backtest], ...]:
        """What they would have said of the past; asked for here, not before. Raises ``PluginError``."""
        return _declared(self._loaded, "vu_backtests", Backtest)

    def criteria(self) -> tuple[Owned[Criteria], ...]:
        """What they ask of a task; asked for here, not before. Raises ``PluginError``."""
        return _declared(self._loaded, "vu_criteria", Criteria)

    def reports(self) -> tuple[Owned[Report], ...]:
        """What they tell of a task; asked for here, not before. Raises ``PluginError``."""
        return _declared(self._loaded, "vu_reports", Report)


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
    backtests: tuple[Backtest, ...]
    criteria: tuple[Criteria, ...]
    reports: tuple[Report, ...]
    subcommands: tuple[Subcommand, ...]


def available() -> tuple[Found, ...]:
    """The installed plugins, sorted by name. None is imported. Two of one name are both listed."""
    return _available(tuple(map(_state_of, sys.path)))


@lru_cache(maxsize=1)
def _available(_state: tuple[object, ...]) -> tuple[Found, ...]:
    """Looked up once for each state of the search path: it would be a tenth of every small update."""
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
    before an installed one of its name. A plugin that is not selected is not imported. A name may carry a mode,
    ``historical:shadow``. Raises ``PluginError`` and ``SettingsError``.

    A plugin in shadow that cannot be loaded, or breaks a promise, is left out for it. Others do not see that it is
    there: neither its settings nor that it is selected.
    """
    wanted = selected(names)
    installed = available() if {*(one.name for one in wanted), *tables} - {*extra} else ()
    chosen = _select(wanted, installed, extra)
    check_tables(tables, {*extra, *(found.name for found in installed)}, origins)
    loaded = tuple(_load(found, mode, extra) for found, mode in chosen)
    settled = _settings(loaded, tables, origins)
    lend = partial(_lend, tables=tables, origins=origins, extra=extra)
    enforced = [owned for owned in settled if not owned.shadow]

    def seen_by(name: str) -> SettingsOf:
        seen = [*enforced, *(owned for owned in settled if owned.shadow and owned.plugin == name)]
        return SettingsOf((one.item for one in seen), selected=(one.plugin for one in seen), lend=lend)

    loaded = tuple(replace(one, sees=seen_by(one.info.name)) for one in loaded)
    return _asked(loaded, settled, seen_by(""))


def _asked(loaded: tuple[_Plugin, ...], settled: tuple[Owned[PluginSettings], ...], settings: SettingsOf) -> Plugins:
    """What the loaded plugins declare, without those in shadow that turn out to be faulty."""
    sources = _declared(loaded, "vu_sources", RecordSource)
    validators = _declared(loaded, "vu_validators", Validator)
    strategies = _strategies(loaded)
    metrics = _metrics(loaded)
    sections = _declared(loaded, "vu_sections", ReportSection)
    observers = _declared(loaded, "vu_observers", Observer)
    sound_ones = {plugin.info.name for plugin in loaded if not plugin.faults}

    def of_the_sound(declared: Iterable[Owned[T]]) -> tuple[Owned[T], ...]:
        return tuple(owned for owned in declared if owned.plugin in sound_ones)

    return Plugins(
        infos=tuple(plugin.info for plugin in loaded),
        settings=settings,
        settled=settled,
        sources=of_the_sound(sources),
        validators=of_the_sound(validators),
        strategy=next((owned for owned in strategies if not owned.shadow), None),
        shadow_strategies=tuple(owned for owned in of_the_sound(strategies) if owned.shadow),
        metrics=of_the_sound(metrics),
        sections=tuple(owned for owned in sections if not owned.shadow),
        observers=of_the_sound(observers),
        faults=tuple(_owned(plugin, fault) for plugin in loaded for fault in plugin.faults),
        _loaded=loaded,
    )


def load_one(
    name: str,
    tables: Mapping[str, Mapping[str, Any]],
    *,
    origins: Mapping[str, str] = {},
    extra: Mapping[str, object] = {},
) -> Plugins:
    """One plugin alone, under its own of the settings, selected or not. Raises what :func:`load` raises."""
    given = {name: extra[name]} if name in extra else {}
    return load((name,), {name: tables[name]} if name in tables else {}, origins=origins, extra=given)


def describe(
    name: str,
    tables: Mapping[str, Mapping[str, Any]] = {},
    *,
    origins: Mapping[str, str] = {},
    extra: Mapping[str, object] = {},
) -> Description:
    """Load one plugin, and say what it declares under the settings given. Raises what :func:`load` raises."""
    plugins = load_one(name, tables, origins=origins, extra=extra)
    return Description(
        info=plugins.infos[0],
        settings=describe_settings(type(plugins.settled[0].item)),
        sources=tuple(owned.item for owned in plugins.sources),
        validators=tuple(owned.item for owned in plugins.validators),
        strategy=plugins.strategy.item if plugins.strategy else None,
        metrics=tuple(owned.item for owned in plugins.metrics),
        sections=tuple(owned.item for owned in plugins.sections),
        observers=tuple(owned.item for owned in plugins.observers),
        backtests=tuple(owned.item for owned in plugins.backtests()),
        criteria=tuple(owned.item for owned in plugins.criteria()),
        reports=tuple(owned.item for owned in plugins.reports()),
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
    plugins = load_one(name, tables, origins=origins, extra=extra)
    return Lent(
        plugin=name,
        validators=tuple(owned.item for owned in plugins.validators),
        metrics=tuple(owned.item for owned in plugins.metrics),
    )


def _state_of(entry: str) -> tuple[str, int | None]:
    """A place where plugins are looked for, and when last something came there or went."""
    try:
        return entry, Path(entry or ".").stat().st_mtime_ns
    except OSError:
        return entry, None


# Choosing.


def _name_and_version(distribution: Distribution | None) -> tuple[str, str]:
    if distribution is None:
        return "", ""
    metadata = distribution.metadata
    return str(metadata["Name"]), str(metadata["Version"])


def _found(entry_point: EntryPoint, distribution: str, version: str) -> Found:
    return Found(name=entry_point.name, distribution=distribution, version=version, module=entry_point.value)


def _select(
    wanted: Sequence[Selected], installed: Sequence[Found], extra: Mapping[str, object]
) -> list[tuple[Found, Mode]]:
    """The plugins to load with their modes, sorted by name."""
    names = [one.name for one in wanted]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PluginError(f"plugin {_quoted(twice[0])} is selected twice", hint="name each plugin once")
    modes = {one.name: one.mode for one in wanted}
    given = [Found(name=name, distribution="", version="", module="") for name in extra]
    found = [*given, *(_choose(name, installed, extra) for name in names if name not in extra)]
    return [(one, modes.get(one.name, Mode.ENFORCE)) for one in sorted(found, key=lambda one: one.name)]


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
    faults: list[PluginError] = field(default_factory=list)
    """Only in shadow; else they are raised."""
    sees: SettingsOf = field(default_factory=SettingsOf)
    """What its hooks are given."""

    @property
    def mode(self) -> Mode:
        return self.info.mode

    @contextmanager
    def on_trial(self) -> Iterator[None]:
        """In shadow, what goes wrong with the plugin in this block stays with it."""
        try:
            yield
        except PluginError as error:
            if self.mode is not Mode.SHADOW:
                raise
            self.faults.append(error)

    @property
    def distribution(self) -> str:
        return f"{self.info.distribution} {self.info.version}".strip()

    def __str__(self) -> str:
        brought_by = f" ({self.distribution})" if self.distribution else ""
        return f"plugin {_quoted(self.info.name)}{brought_by}"

    def implementations(self, hook: str) -> list[pluggy.HookImpl]:
        implementations: list[pluggy.HookImpl] = getattr(self.manager.hook, hook).get_hookimpls()
        return implementations


def _load(found: Found, mode: Mode, extra: Mapping[str, object]) -> _Plugin:
    info = PluginInfo(name=found.name, distribution=found.distribution, version=found.version, mode=mode)
    plugin = _Plugin(info=info, manager=pluggy.PluginManager(PROJECT))
    plugin.manager.add_hookspecs(hookspecs)
    with plugin.on_trial():
        _register(plugin, extra[found.name] if found.name in extra else _import(plugin, found))
    return plugin


def _register(plugin: _Plugin, code: object) -> None:
    try:
        plugin.manager.register(code, name=plugin.info.name)
    except pluggy.PluginValidationError as error:
        _, _, what = str(error).partition("\n")
        raise PluginError(
            f"{plugin}: {printable(' '.join(what.split()), 300)}",
            hint="an implementation may take fewer arguments than its hook, never others",
        ) from error
    _check_hooks(plugin, code)


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
    except UsageError as mine:  # of settings that make no sense: the plugin is sound, and says what to mend
        raise SettingsError(f"{plugin}: {printable(mine.message)}", hint=printable(mine.hint)) from mine
    except Broken as broken:
        raise PluginError(f"{plugin}: {what} {printable(str(broken), 200)}", hint=hint) from None
    except BaseException as cause:
        raise PluginError(f"{plugin}: {what} failed: {in_one_line(cause)}", hint=hint) from cause


def _ask(plugin: _Plugin, hook: str, read: Callable[[Any], list[T]]) -> list[T]:
    """What the implementations of ``hook`` in one plugin return, in the form that ``read`` gives it.

    They are called here, since pluggy drops None: a forgotten ``return`` would pass for a plugin without checks. They
    are read here, since reading a generator runs plugin code.
    """
    answers: list[T] = []
    if plugin.faults:
        return answers
    for implementation in plugin.implementations(hook):
        arguments = {*implementation.argnames, *implementation.kwargnames} & {"settings"}
        with _blaming(plugin, hook):
            answers += read(implementation.function(**dict.fromkeys(arguments, plugin.sees)))
    return answers


def _settings(
    loaded: Sequence[_Plugin], tables: Mapping[str, Mapping[str, Any]], origins: Mapping[str, str]
) -> tuple[Owned[PluginSettings], ...]:
    """The settings object of each plugin. They are looked up by class, so no two may share one."""
    kinds: dict[type[PluginSettings], _Plugin] = {}
    settled: list[Owned[PluginSettings]] = []
    for plugin in _shadow_last(loaded):
        with plugin.on_trial():
            kind = _settings_class(plugin)
            if kind is not NoSettings and kind in kinds:
                raise PluginError(
                    f"{kinds[kind]} and {plugin} have the same class of settings, {kind.__name__}",
                    hint="each plugin needs a class of its own; a subclass will do",
                )
            kinds[kind] = plugin
            name = plugin.info.name
            settled.append(_owned(plugin, settle(kind, name, tables.get(name, {}), origins)))
    return tuple(sorted(settled, key=lambda owned: owned.plugin))


def _shadow_last(loaded: Iterable[_Plugin]) -> list[_Plugin]:
    """Of two that are in each other's way, the one in shadow gives way."""
    return sorted(loaded, key=lambda plugin: plugin.mode is Mode.SHADOW)


def _settings_class(plugin: _Plugin) -> type[PluginSettings]:
    def read(kind: Any) -> list[type[PluginSettings]]:
        if not (isinstance(kind, type) and issubclass(kind, PluginSettings)):
            raise Broken(f"returned {kind_of(kind)}, not a subclass of PluginSettings")
        describe_settings(kind)  # raises where a field has no default, or a type that cannot be read
        return [kind]

    kinds = _ask(plugin, "vu_settings", read)
    if len(kinds) > 1:
        raise PluginError(f"{plugin}: vu_settings is implemented twice", hint="a plugin has one class of settings")
    return kinds[0] if kinds else NoSettings


def _strategies(loaded: Iterable[_Plugin]) -> tuple[Owned[UpdateStrategy], ...]:
    """Any number in shadow, and at most one that is used."""

    def read(answer: Any) -> list[UpdateStrategy]:
        return [] if answer is None else [sound(answer, UpdateStrategy)]

    asked: list[tuple[_Plugin, UpdateStrategy]] = []
    for plugin in loaded:
        with plugin.on_trial():
            asked += [(plugin, item) for item in _ask(plugin, "vu_strategy", read)]
    used = [f"{item.name} of {plugin}" for plugin, item in asked if plugin.mode is Mode.ENFORCE]
    if len(used) > 1:
        raise PluginError(
            f"an update is applied by one strategy, not by {' and '.join(used)}", hint="select one of these plugins"
        )
    return tuple(_owned(plugin, item) for plugin, item in asked)


def _metrics(loaded: Iterable[_Plugin]) -> tuple[Owned[Metric], ...]:
    """The metrics of all plugins. The journal knows them by name alone, so no two may share one."""
    loaded = list(loaded)
    metrics = _declared(loaded, "vu_metrics", Metric)
    owners: dict[str, str] = {}
    for plugin in _shadow_last(loaded):
        with plugin.on_trial():
            for name in (owned.item.name for owned in metrics if owned.plugin == plugin.info.name):
                if name in owners:
                    both = f"{_quoted(owners[name])} and {_quoted(plugin.info.name)}"
                    raise PluginError(
                        f"plugins {both} both declare the metric {_quoted(name)}",
                        hint="select one of them; a metric's name is best begun with its plugin's",
                    )
                owners[name] = plugin.info.name
    return metrics


def _declared(loaded: Iterable[_Plugin], hook: str, kind: type[D]) -> tuple[Owned[D], ...]:
    found: list[Owned[D]] = []
    for plugin in loaded:
        with plugin.on_trial():
            found += [_owned(plugin, item) for item in _declarations(plugin, hook, kind)]
    return tuple(found)


def _declarations(plugin: _Plugin, hook: str, kind: type[D]) -> list[D]:
    def read(answer: Any) -> list[D]:
        if not isinstance(answer, Iterable):
            raise Broken(f"returned {kind_of(answer)}; it returns any number of {kind.__name__}, [] for none")
        return [sound(item, kind) for item in answer]

    items = sorted(_ask(plugin, hook, read), key=lambda item: item.name)
    for one, other in pairwise(items):
        if one.name == other.name:
            raise PluginError(f"{plugin}: {hook} gives two of the name {_quoted(one.name)}", hint="names are unique")
    return items


def _owned(plugin: _Plugin, item: T) -> Owned[T]:
    return Owned(plugin=plugin.info.name, item=item, distribution=plugin.distribution, mode=plugin.mode)


def _quoted(name: str) -> str:
    return f"'{printable(name, 60)}'"
