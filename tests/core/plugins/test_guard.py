"""Whatever plugin code does, the one who asked gets an outcome back."""

# ruff: noqa: T201  # printing is what half of these tests are about

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import capture, guard, signals
from validate_updates.answers import Rubbish
from validate_updates.capture import KEPT, Output, switched
from validate_updates.errors import Interrupted
from validate_updates.guard import Outcome, Problem, guarded

LONG = 60.0
"""Seconds: a limit that no test reaches."""
SHORT = 0.05
"""Seconds: a limit for code that never ends."""


def problem_of(call: Callable[[], object], limit: float = LONG) -> Problem:
    outcome = guarded(call, limit=limit)
    assert outcome.value is None
    assert outcome.problem is not None
    assert outcome.problem.message.isprintable()
    return outcome.problem


def raising(error: BaseException) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


def test_a_value_comes_back() -> None:
    outcome = guarded(lambda: [1, 2], limit=LONG)

    assert (outcome.value, outcome.problem) == ([1, 2], None)
    assert outcome.seconds >= 0


def test_none_is_a_value() -> None:
    assert guarded(lambda: None, limit=LONG).problem is None


def test_it_runs_in_a_thread_of_its_own() -> None:
    assert guarded(threading.get_ident, limit=LONG).value != threading.get_ident()


# Raising.


class Shy(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class Vicious(Exception):
    def __str__(self) -> str:
        raise SystemExit(0)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyError("x"), "raised", "raised KeyError: 'x' (test_guard.py:"),
        (KeyboardInterrupt(), "raised", "raised KeyboardInterrupt (test_guard.py:"),
        (GeneratorExit(), "raised", "raised GeneratorExit (test_guard.py:"),
        (RecursionError("deep"), "raised", "raised RecursionError: deep"),
        (SystemExit(0), "exited", "called sys.exit(0) (test_guard.py:"),
        (SystemExit("bye"), "exited", "called sys.exit('bye')"),
        (Rubbish("returned nonsense"), "rubbish", "returned nonsense"),
        (ValueError("a\nb\x1b[31m" + "c" * 1000), "raised", "raised ValueError: a b\\x1b[31mccc"),
        (Shy(), "raised", "raised Shy (test_guard.py:"),
        (Vicious(), "raised", "ended without an answer"),
    ],
)
def test_what_is_raised_is_a_problem(error: BaseException, code: str, said: str) -> None:
    problem = problem_of(raising(error))

    assert problem.code == code
    assert problem.message.startswith(said)
    assert len(problem.message) < 300


def test_the_place_is_the_deepest_of_the_plugin_and_not_of_a_library() -> None:
    def inner() -> object:
        return json.loads("{")

    line = inner.__code__.co_firstlineno + 1

    assert problem_of(lambda: inner()).message.endswith(f"(test_guard.py:{line})")  # noqa: PLW0108  # a frame more


def test_code_without_frames_has_no_place() -> None:
    assert guarded(dict[str, str]().popitem, limit=LONG).problem == Problem(
        "raised", "raised KeyError: 'popitem(): dictionary is empty'"
    )


def test_the_traceback_is_in_the_debug_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "validate_updates.plugin")

    problem_of(raising(KeyError("x")))

    assert "in call\n    raise error\nKeyError: 'x'" in caplog.text


# Printing.


def test_what_is_printed_is_a_problem_and_not_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    problem = problem_of(lambda: print("hello\nthere\x1b[31m"))

    assert problem == Problem("printed", "printed to standard output: hello there\\x1b[31m")
    assert capfd.readouterr() == ("", "")


def test_raising_weighs_more_than_printing() -> None:
    def call() -> None:
        print("hello")
        raise KeyError

    assert problem_of(call).code == "raised"


def test_standard_error_goes_to_the_debug_log(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "validate_updates.plugin")

    assert guarded(lambda: print("careful", file=sys.stderr), limit=LONG).problem is None

    assert capfd.readouterr() == ("", "")
    assert "plugin code wrote to stderr: careful" in caplog.text


@pytest.mark.parametrize("write", [lambda: sys.stdout.buffer.write(b"\xffraw"), lambda: sys.stdout.write("\udc80")])
def test_bytes_and_what_no_encoding_knows_are_caught_too(write: Callable[[], Any]) -> None:
    assert problem_of(write).code == "printed"


def test_a_flood_is_told_in_one_line() -> None:
    assert len(problem_of(lambda: print("x" * 10_000)).message) < 200


def test_of_a_flood_only_the_start_is_kept() -> None:
    output = Output()
    with switched(), output:
        for _ in range(1000):
            print("x" * 100)

    assert len(output.printed) == KEPT


def test_closing_the_streams_closes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(lambda: sys.stdout.close(), limit=LONG)  # noqa: PLW0108  # the thread's, not ours

    print("still here")
    assert capsys.readouterr().out == "still here\n"


def test_other_threads_go_on_printing(capsys: pytest.CaptureFixture[str]) -> None:
    asked, answered = threading.Event(), threading.Event()

    def progress() -> None:
        asked.wait()
        print("50 %", file=sys.stderr)
        print("result")
        answered.set()

    def plugin() -> None:
        asked.set()
        answered.wait()
        print("plugin", file=sys.stderr)

    other = threading.Thread(target=progress)
    other.start()
    outcome = guarded(plugin, limit=LONG)
    other.join()

    assert outcome.problem is None
    assert capsys.readouterr() == ("result\n", "50 %\n")


def test_the_streams_are_as_before_afterwards() -> None:
    before = sys.stdout, sys.stderr

    guarded(lambda: None, limit=LONG)
    problem_of(raising(KeyError("x")))

    assert (sys.stdout, sys.stderr) == before


def test_guards_side_by_side_keep_their_outputs_apart() -> None:
    before = sys.stdout
    both = threading.Barrier(2)
    outcomes: dict[str, Outcome[None]] = {}

    def speak(word: str) -> None:
        both.wait()
        print(word)

    def ask(word: str) -> None:
        outcomes[word] = guarded(lambda: speak(word), limit=LONG)

    threads = [threading.Thread(target=ask, args=(word,)) for word in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {word: outcome.problem for word, outcome in outcomes.items()} == {
        word: Problem("printed", f"printed to standard output: {word}") for word in ("one", "two")
    }
    assert sys.stdout is before


def test_a_stream_that_somebody_puts_in_place_meanwhile_stays() -> None:
    theirs = io.StringIO()
    entered, leave = threading.Event(), threading.Event()

    def plugin() -> None:
        entered.set()
        leave.wait()

    asking = threading.Thread(target=lambda: guarded(plugin, limit=LONG))
    asking.start()
    entered.wait()
    with redirect_stdout(theirs):
        leave.set()
        asking.join()
        print("theirs")
        problem_of(lambda: print("plugin"))
        print("again")

    assert theirs.getvalue() == "theirs\nagain\n"
    guarded(lambda: None, limit=LONG)
    assert type(sys.stdout).__name__ != "_Switch"


def test_without_standard_output_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)

    assert guarded(lambda: print("into the void"), limit=LONG).problem is None
    assert sys.stdout is None


@given(st.text(min_size=1))
def test_any_text_printed_is_told_in_one_short_line(text: str) -> None:
    problem = problem_of(lambda: sys.stdout.write(text))

    assert problem.code == "printed"
    assert len(problem.message) < 120


def test_a_warning_is_no_failure() -> None:
    def call() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = lambda *_: print("old ways", file=sys.stderr)  # as outside of pytest
            warnings.warn("old ways", DeprecationWarning, stacklevel=1)
        return "done"

    assert guarded(call, limit=LONG).value == "done"


def test_a_warning_made_an_error_is_a_problem_of_the_plugin() -> None:
    problem = problem_of(lambda: warnings.warn("old ways", DeprecationWarning, stacklevel=1))

    assert problem.message.startswith("raised DeprecationWarning: old ways")


# Hanging.


def test_a_loop_that_never_ends_is_stopped() -> None:
    beats = []

    def loop() -> None:
        while True:
            beats.append(threading.current_thread())

    assert problem_of(loop, SHORT) == Problem("hung", "did not end within 0.05 s and was stopped")
    beats[0].join()


def test_a_loop_that_swallows_exceptions_is_stopped() -> None:
    def loop() -> None:
        while True:
            with suppress(Exception):  # as careless plugin code does
                sum(range(1000))

    assert problem_of(loop, SHORT).message.endswith("was stopped")


def test_the_statement_it_waits_for_is_interrupted() -> None:
    interrupted = threading.Event()

    assert problem_of_interrupted(interrupted.wait, interrupted.set).message.endswith("was stopped")
    assert interrupted.is_set()


def problem_of_interrupted(call: Callable[[], object], interrupt: Callable[[], None]) -> Problem:
    outcome = guarded(call, limit=SHORT, interrupt=interrupt)
    assert outcome.problem is not None
    return outcome.problem


def test_an_interrupt_is_repeated_until_the_thread_ends() -> None:
    statements = [threading.Event() for _ in range(3)]
    calls: list[int] = []

    def three_statements() -> None:
        for statement in statements:
            try:
                statement.wait()
            except SystemExit:  # as careless plugin code does
                continue

    def interrupt() -> None:
        statements[len(calls)].set()
        calls.append(len(calls))

    assert problem_of_interrupted(three_statements, interrupt).message.endswith("was stopped")
    assert calls == [0, 1, 2]


def test_an_interrupt_that_fails_does_not_keep_the_thread_alive() -> None:
    def interrupt() -> None:
        raise OSError("no connection")

    def loop() -> None:
        while True:
            sum(range(1000))

    assert problem_of_interrupted(loop, interrupt).message.endswith("was stopped")


def test_nothing_is_interrupted_where_nothing_hangs() -> None:
    calls: list[int] = []

    guarded(lambda: None, limit=LONG, interrupt=lambda: calls.append(1))

    assert calls == []


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What a thread that cannot be stopped waits for. Afterwards it is let go, and the streams are put back."""
    monkeypatch.setattr(guard, "GRACE", SHORT)
    monkeypatch.setattr(capture, "_USERS", capture._Users())
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    event = threading.Event()
    others = set(threading.enumerate())
    yield event
    event.set()
    for thread in set(threading.enumerate()) - others:
        thread.join()


def test_a_thread_that_cannot_be_stopped_is_left_behind(release: threading.Event) -> None:
    problem = problem_of(release.wait, SHORT)

    assert problem.message == "did not end within 0.05 s and could not be stopped; its thread was left behind"


def test_what_a_thread_left_behind_prints_stays_off_the_terminal(
    release: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = threading.Event()

    def call() -> None:
        try:
            release.wait()
        finally:
            print("late")
            printed.set()

    problem_of(call, SHORT)
    release.set()
    printed.wait()

    assert capsys.readouterr() == ("", "")


# Signals.


class Stop(Exception):
    """What a handler raises."""


def test_an_exception_from_a_signal_gets_through_and_ends_the_plugin() -> None:
    threads = []

    def handler(_number: int, _frame: object) -> None:
        raise Stop

    def plugin() -> None:
        threads.append(threading.current_thread())
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            sum(range(1000))

    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(Stop):
            guarded(plugin, limit=LONG)
    finally:
        signal.signal(signal.SIGINT, before)
    threads[0].join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_sets_the_flag_ends_the_wait(number: signal.Signals) -> None:
    threads = []

    def plugin() -> None:
        threads.append(threading.current_thread())
        os.kill(os.getpid(), number)
        while True:
            sum(range(1000))

    with signals.stop_on_signals(), pytest.raises(Interrupted) as caught:
        guarded(plugin, limit=LONG)

    assert caught.value.signum == number
    threads[0].join()
