"""Two processes on one experiment never do the same run; a crash frees it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from kser.errors import UserError
from kser.experiment.runs.paths import RunPaths
from kser.experiment.runs.run_lock import locked, locked_once, try_lock_run

HOLDER = """
import sys, time
from pathlib import Path
from kser.experiment.runs.paths import RunPaths
from kser.experiment.runs.run_lock import try_lock_run
with try_lock_run(RunPaths(*map(Path, sys.argv[1:4]))) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


def paths(folder: Path, work: str = "work", results: str = "results") -> RunPaths:
    return RunPaths(folder / work, folder / work, folder / results)


@pytest.fixture
def holder(tmp_path):
    """Another process that is at the run."""
    run_paths = paths(tmp_path)
    command = [
        sys.executable,
        "-c",
        HOLDER,
        str(run_paths.work),
        str(run_paths.states),
        str(run_paths.results),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_run_that_another_process_does_is_left_alone(tmp_path, holder) -> None:
    with try_lock_run(paths(tmp_path)) as ours:
        assert not ours
    # Sharing one of the folders is enough to do harm.
    with try_lock_run(paths(tmp_path, work="other")) as ours:
        assert not ours
    with try_lock_run(paths(tmp_path, "other", "others")) as ours:
        assert ours


def test_a_process_that_was_killed_holds_nothing(tmp_path, holder) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with try_lock_run(paths(tmp_path)) as ours:
        assert ours


def test_a_run_can_be_taken_again_when_it_was_given_up(tmp_path) -> None:
    for _ in range(2):
        with try_lock_run(paths(tmp_path)) as ours:
            assert ours
        with locked(tmp_path / "results"):
            pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(UserError, match=r"results: cannot be written"), try_lock_run(paths(tmp_path)):
        pass


def test_one_process_at_a_time_fills_a_folder_and_nothing_is_left(tmp_path) -> None:
    others = FileLock(tmp_path / "out" / ".lock", timeout=0)
    with locked_once(tmp_path / "out"), pytest.raises(Timeout):
        others.acquire()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_filled_is_told(tmp_path) -> None:
    (tmp_path / "out" / ".lock").mkdir(parents=True)
    with pytest.raises(UserError, match=r"out: cannot be written"), locked_once(tmp_path / "out"):
        pass
