"""Plugin code runs here: in a thread of its own, timed, its output kept apart, its failures turned into values.

This is no sandbox: a plugin has all the rights of the process. It keeps one that raises, exits, prints, hangs or
returns rubbish from taking the update with it.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from validate_updates import signals
from validate_updates.answers import Answer, Rubbish, read_answer
from validate_updates.capture import Output, keep_switched, switched
from validate_updates.errors import SettingsError
from validate_updates.findings import Finding, KeepOut, Severity
from validate_updates.result import Judged
from validate_updates.text import printable

if TYPE_CHECKING:
    from validate_updates.context import Context
    from validate_updates.declarations import Validator
    from validate_updates.manager import Owned

T = TypeVar("T")

VALIDATOR_FAILED: Final = "validator_failed"
"""Code of a finding that says a check itself failed, so that nothing is known."""
NOT_CHECKED: Final = "not_checked"
"""Code of a finding that says why a check could not look."""

GRACE: Final = 1.0
"""Seconds that plugin code gets to end after it was told to."""

_SLICE: Final = 0.2
"""Seconds between two looks at a running thread, so that a signal gets through on every platform."""

_log = logging.getLogger("validate_updates.plugin")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a piece of plugin code does not count."""

    code: str
    """``raised``, ``exited``, ``printed``, ``hung`` or ``rubbish``."""
    message: str
    """What it did, one line, safe to show: ``raised KeyError: 'x' (checks.py:12)``."""
    settings: SettingsError | None = None
    """It raised this, since its settings make no sense for this target: no fault of the plugin."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of a guarded call."""

    value: T | None
    """What it returned; None where there is a problem."""
    problem: Problem | None
    seconds: float


def _nothing() -> None:
    """Interrupt nothing."""


def guarded(call: Callable[[], T], *, limit: float, interrupt: Callable[[], None] = _nothing) -> Outcome[T]:
    """Run ``call`` in a thread of its own and wait at most ``limit`` seconds for it.

    Past the limit ``interrupt`` is called, to stop the database statement that the thread may wait for, and an
    exception is raised in the thread; one that does not end within :data:`GRACE` is left behind. What ``call`` raises
    or prints is an outcome; :class:`~validate_updates.answers.Rubbish` is its way to say that plugin code returned
    some. A signal stops the call and goes on up, as ``Interrupted`` or as whatever it raises in the waiting thread.
    """
    ward = _Ward(call)
    started = monotonic()
    with switched():
        try:
            ward.start()
            in_time = _ends(ward, limit)
        finally:
            stopped = _stop(ward, interrupt)
    seconds = monotonic() - started
    ward.log()
    problem = ward.problem if in_time else _hung(limit, stopped=stopped)
    if problem is None and ward.output.printed:
        problem = _printed(ward.output.printed)
    return Outcome(ward.value if problem is None else None, problem, seconds)


def run_validator(
    owned: Owned[Validator],
    context: Context,
    *,
    interrupt: Callable[[], None] = _nothing,
    keep_out: Callable[[KeepOut], None] | None = None,
) -> tuple[Judged, tuple[Finding, ...]]:
    """Ask one validator, and sign its findings. One with a problem has one critical finding, ``validator_failed``.

    ``keep_out`` is told of the records that it keeps out, where it may. Raises the ``SettingsError`` of a check whose
    settings make no sense for this target, unless it is in shadow.
    """
    validator = owned.item
    outcome = guarded(
        lambda: read_answer(validator.check(context), keep_out), limit=validator.time_limit, interrupt=interrupt
    )
    if outcome.problem and outcome.problem.settings and not owned.shadow:
        raise outcome.problem.settings
    answer = outcome.value or Answer([_failed(owned, context, outcome.problem)])
    state = "failed" if outcome.value is None else _state(answer)
    judged = Judged(
        plugin=owned.plugin,
        validator=validator.name,
        moment=validator.moment.value,
        summary=validator.summary,
        outcome=state,
        findings=answer.count + answer.kept_out,
        seconds=outcome.seconds,
        mode=owned.mode,
    )
    return judged, tuple(
        finding.by(owned.plugin, validator.name, validator.moment.value) for finding in answer.findings()
    )


def _state(answer: Answer) -> str:
    """What an answer comes to. A check that only says it could not look has not passed."""
    if not answer.count:
        return "found" if answer.kept_out else "passed"
    return "not checked" if {finding.code for finding in answer.findings()} == {NOT_CHECKED} else "found"


def _failed(owned: Owned[Validator], context: Context, problem: Problem | None) -> Finding:
    problem = problem or _UNANSWERED
    return Finding(
        code=VALIDATOR_FAILED,
        severity=Severity.CRITICAL,
        message=f"validator {owned.plugin}.{owned.item.name}{owned.brought_by} {problem.message}",
        hint=f"{_HINTS[problem.code]}, or run without the plugin",
        batch=context.batch.number if context.batch else None,
        observed=problem.code,
    )


_HINTS: Final = {
    "raised": "the check itself failed, so nothing is known: mend it",
    "exited": "a check returns findings and never exits: mend it",
    "printed": "a check returns findings and never prints: mend it",
    "hung": "make the check faster, or its Validator's time_limit longer",
    "rubbish": "a check returns findings and nothing else: mend it",
}


# What became of the call, in words.

_UNANSWERED: Final = Problem("raised", "ended without an answer")


def _problem(error: BaseException) -> Problem:
    place = _place(error.__traceback__)
    where = f" ({place})" if place else ""
    if isinstance(error, Rubbish):
        return Problem("rubbish", printable(str(error), 200))
    if isinstance(error, SettingsError):
        return Problem("raised", printable(error.message, 200), settings=error)
    if isinstance(error, SystemExit):
        return Problem("exited", f"called sys.exit({printable(repr(error.code), 40)}){where}")
    return Problem("raised", f"raised {in_one_line(error)}{where}")


def _hung(limit: float, *, stopped: bool) -> Problem:
    end = "was stopped" if stopped else "could not be stopped; its thread was left behind"
    return Problem("hung", f"did not end within {limit:g} s and {end}")


def _printed(text: str) -> Problem:
    shown = printable(" ".join(text.split()), 80) or "blank space"
    return Problem("printed", f"printed to standard output: {shown}")


def in_one_line(error: BaseException) -> str:
    """Type and text of an exception, safe to show."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # its __str__ may be a plugin's
        text = ""
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__, 200)


def _place(trace: TracebackType | None) -> str:
    """``file.py:line`` of the deepest frame in the package of the first frame that is not ours: the plugin's."""
    package, place = "validate_updates", ""
    for frame, line in traceback.walk_tb(trace):
        root = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package == "validate_updates":
            package = root
        if root == package != "validate_updates":
            file = frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
            place = f"{printable(file, 60)}:{line}"
    return place


# The thread.


class _Ward(threading.Thread, Generic[T]):
    """The thread that runs one call, and what is known of it afterwards."""

    def __init__(self, call: Callable[[], T]) -> None:
        super().__init__(name="validate-updates-plugin", daemon=True)
        self._call = call
        self._trace = ""
        self.output = Output()
        self.value: T | None = None
        self.problem: Problem | None = _UNANSWERED
        self.done = threading.Event()
        """What to wait for: in Python 3.11 a ``join`` that a signal breaks off marks a running thread as ended."""

    @property
    def ended(self) -> bool:
        """Whether the thread is over."""
        return self.done.is_set() or not self.is_alive()

    def run(self) -> None:
        """In the thread. The outer block is for an exception of ours that arrives late, and for hostile exceptions."""
        with suppress(BaseException), self.output:
            self._answer()
        self.done.set()

    def _answer(self) -> None:
        try:
            self.value = self._call()
            self.problem = None
        except BaseException as error:  # noqa: BLE001  # sys.exit in a plugin must not end the update
            self.problem = _problem(error)
            if _log.isEnabledFor(logging.DEBUG):
                self._trace = "".join(traceback.format_exception(error))

    def log(self) -> None:
        """Write to the debug log what is not for the report."""
        self.output.log("plugin code")
        if self._trace:
            _log.debug("plugin code failed\n%s", self._trace)


def _ends(ward: _Ward[T], limit: float) -> bool:
    """Wait for it, and for signals."""
    deadline = monotonic() + limit
    while not ward.ended and (left := deadline - monotonic()) > 0:
        if not ward.done.wait(min(left, _SLICE)):
            signals.check()
    return ward.ended


def _stop(ward: _Ward[T], interrupt: Callable[[], None]) -> bool:
    """Make the thread end, if it has not. False when it is left behind.

    Told again and again: an interrupt between two statements interrupts nothing, and plugin code may catch everything.
    """
    deadline = monotonic() + GRACE
    while not ward.ended and monotonic() < deadline:
        try:
            interrupt()
        except Exception:  # noqa: BLE001  # a statement that cannot be interrupted is no reason to stop waiting
            _log.debug("the statement could not be interrupted", exc_info=True)
        # First the statement, which then fails in an orderly way; an exception out of nowhere in the middle of it
        # would leave the connection in disorder. What still runs after that is Python.
        if not ward.done.wait(_SLICE):
            _raise_in(ward)
            ward.done.wait(_SLICE)
    if not ward.ended:
        keep_switched()
    return ward.ended


def _raise_in(thread: threading.Thread) -> None:
    """Raise SystemExit in the thread, which ``except Exception`` does not catch."""
    import ctypes

    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
