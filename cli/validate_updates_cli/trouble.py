"""What went wrong, as at most two lines and an exit code; tracebacks on request only, and without secrets."""

from __future__ import annotations

import os
import platform
import re
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from validate_updates import __version__
from validate_updates.errors import ExitCode, UpdateError
from validate_updates.secret import SecretUrl
from validate_updates.text import printable
from validate_updates_cli.streams import complain, wants_color

LONGEST: Final = 2000
"""Characters of a message."""
_PASSWORD: Final = re.compile(r"(://[^:@/?#\s]*):[^@/\s]*@")


def report(error: BaseException, arguments: Sequence[str], *, debug: bool) -> int:
    """Tell what ``error`` means, on stderr; the result is the exit code."""
    import typer

    secrets = _secrets(arguments)
    if debug:
        complain(scrubbed("".join(traceback.format_exception(error)).rstrip(), secrets))
    if isinstance(error, UpdateError):
        message, hint, code = error.message, error.hint, int(error.exit_code)
    elif isinstance(error, typer.TyperException):
        path = getattr(getattr(error, "ctx", None), "command_path", "validate-updates")
        message, hint, code = error.format_message(), f"see {path} --help", int(ExitCode.USAGE)
    else:
        message, hint, code = (
            _defect(error),
            "run it again with --debug and report what it shows",
            int(ExitCode.DEFECT),
        )
    word = "defect" if code == ExitCode.DEFECT else "error"
    complain(_red(f"{word}: {printable(scrubbed(message, secrets), LONGEST)}", plain="--no-color" in arguments))
    if hint:
        complain(f"  {printable(scrubbed(hint, secrets), LONGEST)}")
    return code


def scrubbed(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without the passwords of URLs in it, and without ``secrets``."""
    text = _PASSWORD.sub(r"\1:***@", text)
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _defect(error: BaseException) -> str:
    """Which kind, and where in our code; not its message, which may carry values of records."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    python = platform.python_version()
    return f"{type(error).__name__}{where} (validate-updates {__version__}, Python {python}, {sys.platform})"


def _secrets(arguments: Sequence[str]) -> list[str]:
    """Secret parts of the URLs on the command line and in our variables; none so short that it would be in any text."""
    ours = (value for name, value in os.environ.items() if name.startswith("VALIDATE_UPDATES_"))
    words = (word.partition("=")[2] if word.startswith("--") and "=" in word else word for word in arguments)
    urls = (SecretUrl(word) for word in (*words, *ours) if "://" in word)
    return [secret for url in urls for secret in url.secrets if len(secret) > 3]


def _red(text: str, *, plain: bool) -> str:
    return text if plain or not wants_color(sys.stderr) else f"\x1b[31m{text}\x1b[0m"
