"""Two processes on one experiment never do the same run; a crash frees it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from kser.errors import UserError
from kser.experiment.runs import run_lock
from kser.experiment.runs.paths import RunPaths
from kser.experiment.runs.run_lock import has_locks, holder_of_run, locked, try_lock_run

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


def test_nothing_of_a_lock_is_left(tmp_path) -> None:
    with locked(tmp_path / "out"), try_lock_run(paths(tmp_path)) as ours:
        assert ours
        assert has_locks(paths(tmp_path))
    assert not has_locks(paths(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_one_process_at_a_time_fills_a_folder(tmp_path) -> None:
    others = FileLock(tmp_path / "out" / ".lock", timeout=0)
    with locked(tmp_path / "out"), pytest.raises(Timeout):
        others.acquire()
    with others:
        pass


def test_one_that_waits_with_the_removed_file_open_takes_a_lock_of_its_own(tmp_path) -> None:
    order: list[str] = []

    def wait() -> None:
        with locked(tmp_path / "out"):
            order.append("second")
            with pytest.raises(Timeout):
                FileLock(tmp_path / "out" / ".lock", timeout=0).acquire()

    with locked(tmp_path / "out"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join(timeout=0.3)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_drafts_of_a_process_that_was_killed_there_are_removed(tmp_path) -> None:
    draft = tmp_path / "out" / ".1795710481.csv.a1b2c3d4"
    draft.mkdir(parents=True)
    with locked(tmp_path / "out"):
        assert not draft.exists()


def test_who_is_at_a_run_is_told(tmp_path, holder) -> None:
    assert holder_of_run(paths(tmp_path)) == f"process {holder.pid}"
    assert holder_of_run(paths(tmp_path / "elsewhere")) == ""


def test_a_lock_of_another_host_is_explained(tmp_path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with FileLock(folder / ".lock"):
        (folder / ".lock").write_text("12\nnode7.cluster\n")
        with try_lock_run(paths(tmp_path)) as ours:
            assert not ours
        explained = f"process 12 on node7.cluster; where that has ended, remove {folder / '.lock'}"
        assert holder_of_run(paths(tmp_path)) == explained


def test_who_is_waited_for_is_told(tmp_path, holder, caplog, monkeypatch) -> None:
    monkeypatch.setattr(run_lock, "WAITED_IN_SILENCE_S", 0.0)
    killing = threading.Timer(0.5, holder.kill)
    killing.start()
    with locked(tmp_path / "work"):
        assert caplog.messages == [f"{tmp_path / 'work'}: waiting for process {holder.pid}"]
    killing.join()


def test_a_folder_that_cannot_be_filled_is_told(tmp_path) -> None:
    (tmp_path / "out" / ".lock").mkdir(parents=True)
    with pytest.raises(UserError, match=r"out: cannot be written"), locked(tmp_path / "out"):
        pass
