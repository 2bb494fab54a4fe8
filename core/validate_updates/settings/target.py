"""Which database is meant: its URL from the settings, the environment or a flag, with the password put in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote

from validate_updates.errors import SettingsError
from validate_updates.secret import SecretUrl
from validate_updates.settings.load import Settings
from validate_updates.settings.model import SettingsModel, TaskSettings
from validate_updates.settings.values import dotted
from validate_updates.text import printable

MOST_PASSWORD_BYTES: Final = 4096

_URL = re.compile(r"[A-Za-z][\w+.-]*://.*", re.DOTALL)
_LOGIN = re.compile(r"(?P<user>[A-Za-z][\w+.-]*://[^:@/?#]+)(?P<password>:[^@]*)?@(?P<rest>.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_EXAMPLES = "write one such as sqlite:///hearings.db or postgresql://user@host/database"
_FITTING = "a file that holds the password alone, for nobody but the user that the job runs as: chmod 600"


def target_of(settings: Settings, task: str | None = None, flag: str | None = None) -> SecretUrl:
    """The database to work on: ``flag`` where given, else the task's own target, else the one at the top.

    Raises :class:`SettingsError` where there is none, where it is no URL, and where the variable or the file that is to
    hold it or its password is missing.
    """
    if flag is not None:
        return _url(SecretUrl(flag), "--target", settings)
    path: tuple[str, ...] = ()
    table: TaskSettings | SettingsModel = settings.model
    if task is not None and settings.model.tasks[task].target is not None:
        path, table = ("tasks", task), settings.model.tasks[task]
    if table.target is None:
        raise SettingsError(
            "there is no target, so no database to work on",
            hint="give --target URL, or set target in validate-updates.toml or VALIDATE_UPDATES_TARGET",
        )
    url = _url(table.target, settings.where(dotted((*path, "target"))), settings)
    if table.password_file is None:
        return url
    return _with_password(url, table.password_file, settings.where(dotted((*path, "password_file"))))


def _url(given: SecretUrl, where: str, settings: Settings) -> SecretUrl:
    text = given.reveal()
    if text.startswith("env:"):
        text = _variable(text.removeprefix("env:"), where, settings)
        where = f"{where}: the variable it names"
    if not _URL.fullmatch(text):
        raise SettingsError(f"{where}: is not the URL of a database", hint=_EXAMPLES)
    return SecretUrl(text)


def _variable(name: str, where: str, settings: Settings) -> str:
    if not _NAME.fullmatch(name):  # what stands there instead may be a secret: it is not shown
        raise SettingsError(f"{where}: expected env: and the name of a variable", hint='such as "env:DATABASE_URL"')
    text = settings.environment.get(name, "")
    if not text:
        raise SettingsError(
            f"{where}: the environment variable {printable(name)} is not set", hint=f"set {printable(name)}"
        )
    return text


def _with_password(url: SecretUrl, file: str, where: str) -> SecretUrl:
    match = _LOGIN.fullmatch(url.reveal())
    if match is None:
        raise SettingsError(f"{where}: the target names no user that a password could be for", hint=_EXAMPLES)
    if match["password"] is not None:
        raise SettingsError(f"{where}: the target holds a password already", hint="keep one of the two")
    return SecretUrl(f"{match['user']}:{quote(_password(file, where), safe='')}@{match['rest']}")


def _password(file: str, where: str) -> str:
    try:
        with Path(file).open("rb") as stream:
            password = stream.read(MOST_PASSWORD_BYTES + 1).decode().rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{where}: {printable(file)} cannot be read: {error.strerror}", hint=_FITTING) from error
    except ValueError:  # NUL in the path, or bytes that are no text; the exception would hold them
        raise SettingsError(f"{where}: {printable(file)} is not a file of UTF-8 text", hint=_FITTING) from None
    if not password or "\n" in password or "\0" in password or len(password) > MOST_PASSWORD_BYTES:
        raise SettingsError(f"{where}: {printable(file)} does not hold a password alone, on one line", hint=_FITTING)
    return password
