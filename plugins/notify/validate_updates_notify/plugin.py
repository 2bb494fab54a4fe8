"""Telling people when an update goes wrong, and when it is well again: what the plugin ``notify`` declares."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from validate_updates import Observer, Occasion, PluginSettings, Section, SettingsOf, Subcommand, hookimpl
from validate_updates_notify import delivering, telling
from validate_updates_notify.settings import Notify
from validate_updates_notify.trial import try_out


@hookimpl
def vu_settings() -> type[PluginSettings]:
    """The channels, and how often they are told."""
    return Notify


@hookimpl
def vu_observers(settings: SettingsOf) -> Iterable[Observer]:
    """A ping at the beginning; at the end what there is to tell."""
    mine, patience = settings[Notify], delivering.LIMITS.whole + 5
    yield Observer(
        name="ping",
        occasion=Occasion.BEGIN,
        observe=partial(telling.ping_begin, settings=mine),
        summary="says that a run begins",
        time_limit=patience,
    )
    yield Observer(
        name="tell",
        occasion=Occasion.TELL,
        observe=partial(telling.tell, settings=mine),
        summary="tells people what went wrong, and when it is over",
        time_limit=patience,
    )


@hookimpl
def vu_subcommands(settings: SettingsOf) -> Iterable[Subcommand]:
    """Trying the channels."""

    def test() -> Section:
        return try_out(settings[Notify])

    yield Subcommand(name="test", summary="send a message to every channel", function=test)
