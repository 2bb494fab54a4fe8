"""The name of the project in pluggy's eyes, and the marker that plugin authors import."""

from __future__ import annotations

from typing import Final

import pluggy

PROJECT: Final = "validate_updates"
"""Entry-point group, and the name pluggy sorts our hooks under."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Mark a function of a plugin as an implementation of one of :mod:`validate_updates.hookspecs`."""
