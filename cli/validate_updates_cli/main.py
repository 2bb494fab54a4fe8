"""The command ``validate-updates``: its entry point, and the last place that catches an error."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from itertools import takewhile

from validate_updates import __version__
from validate_updates_cli.streams import write

_WITH_VALUE = frozenset({"--config", "--format"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit code, see :class:`validate_updates.errors.ExitCode`."""
    if argv is None:
        prepare_process()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if _asks_for_version(arguments):  # before anything is imported
        write(f"validate-updates {__version__}\n")
        return 0
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return 130
    except SystemExit as left:  # typer's, when the reader of a help page went away; or a plugin's command's own
        return 0 if isinstance(left.__context__, BrokenPipeError) else _status(left)
    except Exception as error:  # noqa: BLE001  # the last place: everything ends in a line and an exit code
        from validate_updates_cli.trouble import report

        return report(error, arguments, debug="--debug" in arguments)


def prepare_process() -> None:
    """Make a process fit for one command, before numpy is imported.

    What it imports and makes mostly lives to its end, and then there is nothing to tidy: the last search for circles
    would take more than a tenth of the time of an update of 10,000 records. And where algebra is small, a thread that
    has helped with it may wait for more by turning in circles, for longer than all of a judgement takes.
    """
    gc.set_threshold(20_000)
    atexit.register(gc.freeze)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _asks_for_version(arguments: Sequence[str]) -> bool:
    return any(word in {"-V", "--version"} for word in takewhile(lambda word: word.startswith("-"), arguments))


def _run(arguments: list[str]) -> int:
    from validate_updates_cli.app import app

    in_order = command_first(arguments) or ["--help"]
    code = app(in_order, prog_name="validate-updates", standalone_mode=False, obj=in_order)
    return int(code) if arguments else 2


def _status(left: SystemExit) -> int:
    return left.code if isinstance(left.code, int) else int(left.code is not None)


def command_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with options that stand before the command's name moved behind it.

    >>> command_first(["--debug", "run", "daily"])
    ['run', 'daily', '--debug']
    """
    first = 0
    while first < len(arguments) and arguments[first].startswith("-"):
        first += 2 if arguments[first] in _WITH_VALUE else 1
    options, rest = list(arguments[:first]), list(arguments[first:])
    end = rest.index("--") if "--" in rest else len(rest)
    return rest[:end] + options + rest[end:]
