"""A detector by its name: that of a plugin, under its settings, or ``module:function``.

A plugin that can be evaluated has a module ``detector`` beside its plugin module, and in it a function
``detector(settings)``, which makes the detector for an object of the plugin's settings class. A function
``chart(settings)`` beside it makes what says for ``history plot`` how each run of a metric was to be expected.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from validate_updates.capture import quiet
from validate_updates.errors import Interrupted, PluginError
from validate_updates.guard import in_one_line
from validate_updates.manager import available, load_one
from validate_updates.testing.past import Detector, Update
from validate_updates.text import printable


def find_detector(
    name: str, tables: Mapping[str, Mapping[str, Any]] = {}, *, origins: Mapping[str, str] = {}
) -> Detector:
    """The detector called ``name``; ``tables`` holds the settings by plugin, ``origins`` where each came from.

    What it raises later is a ``PluginError`` that names it. Raises ``PluginError`` and ``SettingsError``.
    """
    shown = printable(name, 120)
    return _named(name, shown) if ":" in name else _guarded(made_by_plugin(name, "detector", tables, origins), shown)


def made_by_plugin(
    name: str, what: str, tables: Mapping[str, Mapping[str, Any]], origins: Mapping[str, str] = {}
) -> Any:
    """What the function ``what`` in the module ``detector`` of a plugin makes for the plugin's settings.

    Raises ``PluginError``, also where there is no such function, and ``SettingsError``.
    """
    shown = printable(name, 120)
    loaded = load_one(name, tables, origins=origins)
    plugin_module = next(found.module for found in available() if found.name == name)
    home = f"{plugin_module.partition(':')[0].rpartition('.')[0]}.detector"
    with _blaming(shown, "cannot be loaded"):
        function = getattr(import_module(home), what, None) if find_spec(home) else None
    if function is None:
        raise PluginError(
            f"the plugin {shown} has no {what}", hint=f"it would be a function {what}(settings) in {home}"
        )
    with _blaming(shown, "cannot be made"):
        return function(loaded.settled[0].item)


def _named(name: str, shown: str) -> Detector:
    module, _, function = name.partition(":")
    with _blaming(shown, "cannot be loaded"), _working_folder():
        return _guarded(getattr(import_module(module), function), shown)


def _guarded(detector: Any, shown: str) -> Detector:
    if not callable(detector):
        raise PluginError(f"the detector {shown} is no function")

    def call(history: Sequence[Update], update: Update) -> bool:
        with _blaming(shown, f"failed at the run of {update.moment:%Y-%m-%d %H:%M}"):
            return bool(detector(history, update))

    return call


@contextmanager
def _blaming(shown: str, what: str) -> Iterator[None]:
    """Whatever it raises is an error that names it; what it prints goes to the log."""
    try:
        with quiet(f"detector {shown}"):
            yield
    except (Interrupted, KeyboardInterrupt):
        raise
    except BaseException as cause:
        hint = "a detector takes the earlier runs and the present one, each a moment and its metrics"
        raise PluginError(f"the detector {shown} {what}: {in_one_line(cause)}", hint=hint) from cause


@contextmanager
def _working_folder() -> Iterator[None]:
    """Modules of the working folder can be imported, as with ``python -m``."""
    folder = os.getcwd()  # noqa: PTH109  # the path of modules holds text
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
