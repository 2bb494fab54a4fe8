"""Asked to stop, a run in batches stops at a safe place: groups that were committed stand, and it says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.core.engine.target import Target
from tests.core.plugins.sample import install
from tests.endurance.processes import finish, started
from tests.endurance.scene import HOUR, Scene, open_entries, table_of, told_truly
from validate_updates import Verdict
from validate_updates.journal.rows import RunState

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
EXECUTABLE = Path(sys.executable).with_name("validate-updates")


def goes_on(target: Target, scene: Scene) -> None:
    """The next run has nobody to declare dead, and does the rest."""
    before = table_of(target)

    result = scene.update(target)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert result.recovered == ()
    assert table_of(target) == scene.model().final
    told_truly(target, scene.model(before))
    assert open_entries(target) == scene.model().bad


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder to import from, with a plugin that sends its own process a signal when the 30th batch is judged."""
    install(tmp_path, "stopper", "1.0", {"stopper": "stopper"})
    plugin = """
        import os
        from validate_updates import Moment, Validator, hookimpl

        def stop(context):
            if context.batch.number == 30:
                os.kill(os.getpid(), int(os.environ["STOPPER"]))
            return ()

        @hookimpl
        def vu_validators(settings):
            yield Validator(name="stop", moment=Moment.BATCH, check=stop, summary="stops the run")
    """
    (tmp_path / "stopper.py").write_text(dedent(plugin))
    return tmp_path


@pytest.mark.parametrize("signum", SIGNALS)
def test_the_command_ends_with_the_status_of_the_signal(
    sqlite: Target, small: Scene, site: Path, signum: signal.Signals
) -> None:
    target = sqlite
    small.lay_out(target)
    command = [str(EXECUTABLE), "run", str(small.source), "--target", target.url, "--table", "t", "--format", "json"]
    variables = {
        "PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "VALIDATE_UPDATES_PLUGINS__BATCH__PUBLISH": "progressive",
        "VALIDATE_UPDATES_PLUGINS__BATCH__COMMIT_SECONDS": str(HOUR),
        "STOPPER": str(int(signum)),
    }

    done = subprocess.run(
        [*command, "--plugins", "batch,stopper"],
        capture_output=True,
        check=False,
        env={**os.environ, **variables},
        cwd=site,
    )

    assert (done.returncode, done.stderr) == (128 + signum, b"")
    said = json.loads(done.stdout)
    assert (said["verdict"], said["signum"], said["publish"]) == ("interrupted", signum, "progressive")
    assert [finding["code"] for finding in said["findings"] if finding["code"] == "published_in_part"]
    assert told_truly(target, small.model()) == 20
    story = target.story(said["run_id"])
    assert story.run.state is RunState.INTERRUPTED
    assert story.run.counts.inserted == said["counts"]["inserted"]
    goes_on(target, small)


@pytest.mark.parametrize(
    ("moment", "stand"),
    [
        ("progressive stage 0", 0),
        ("progressive apply 30", 20),
        ("progressive verdict 0", 40),
        ("audited apply 30", 0),
    ],
)
def test_asked_to_stop_at_any_moment_what_was_committed_stands(
    target: Target, small: Scene, moment: str, stand: int
) -> None:
    small.lay_out(target)

    with started(target, small.source, *moment.split(), "SIGTERM") as process:
        said = finish(process)

    assert said["verdict"] == Verdict.INTERRUPTED
    assert process.returncode == 128 + signal.SIGTERM
    assert target.states() == ["interrupted"]
    assert told_truly(target, small.model()) == stand
    goes_on(target, small)
